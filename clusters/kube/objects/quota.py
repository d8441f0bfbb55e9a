"""ResourceQuotas: `hard` and `used` as the server writes them ("10", "2Gi"); parse with `quantities`."""

import msgspec

from clusters.kube.objects.metadata import Item, decoded
from clusters.kube.objects.resources import Amounts


class QuotaSpec(msgspec.Struct, gc=False):
    hard: Amounts | None = None


class QuotaStatus(msgspec.Struct, gc=False):
    hard: Amounts | None = None
    used: Amounts | None = None


class QuotaRow(msgspec.Struct, gc=False, frozen=True):
    hard: dict[str, str]
    used: dict[str, str]


_SPEC = msgspec.json.Decoder(QuotaSpec | None)
_STATUS = msgspec.json.Decoder(QuotaStatus | None)


def extract(item: Item) -> QuotaRow:
    spec = decoded(_SPEC, item.spec) or QuotaSpec()
    status = decoded(_STATUS, item.status) or QuotaStatus()
    return QuotaRow(hard=_texts(spec.hard), used=_texts(status.used))


def _texts(amounts: Amounts | None) -> dict[str, str]:
    return {name: str(amount) for name, amount in (amounts or {}).items() if amount is not None}
