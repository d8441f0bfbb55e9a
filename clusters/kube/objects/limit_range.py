"""LimitRanges: `limits` as the server writes them, one per type (Container, Pod, PersistentVolumeClaim)."""

from typing import Any

import msgspec

from clusters.kube.objects.metadata import Item, decoded
from clusters.kube.objects.resources import Amounts


class Limit(msgspec.Struct, gc=False, rename="camel", omit_defaults=True):
    type: str | None = None
    max: Amounts | None = None
    min: Amounts | None = None
    default: Amounts | None = None
    default_request: Amounts | None = None
    max_limit_request_ratio: Amounts | None = None


class LimitRangeSpec(msgspec.Struct, gc=False):
    limits: list[Limit] | None = None


class LimitRangeRow(msgspec.Struct, gc=False, frozen=True):
    """`limits` are {type, max, min, default, defaultRequest, maxLimitRequestRatio}, each of resources to quantities."""

    limits: tuple[dict[str, Any], ...]


_SPEC = msgspec.json.Decoder(LimitRangeSpec | None)


def extract(item: Item) -> LimitRangeRow:
    spec = decoded(_SPEC, item.spec) or LimitRangeSpec()
    return LimitRangeRow(limits=tuple(msgspec.to_builtins(limit) for limit in spec.limits or ()))
