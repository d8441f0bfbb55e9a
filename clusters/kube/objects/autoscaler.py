"""HorizontalPodAutoscalers: what they scale, between which bounds, and what stands in their way."""

from datetime import datetime

import msgspec

from clusters.kube.objects.metadata import Item, decoded


class Target(msgspec.Struct, gc=False):
    kind: str | None = None
    name: str | None = None


class AutoscalerSpec(msgspec.Struct, gc=False, rename="camel"):
    scale_target_ref: Target | None = None
    min_replicas: int | None = None
    max_replicas: int | None = None


class Condition(msgspec.Struct, gc=False):
    type: str | None = None
    status: str | None = None
    reason: str | None = None


class AutoscalerStatus(msgspec.Struct, gc=False, rename="camel"):
    current_replicas: int | None = None
    desired_replicas: int | None = None
    last_scale_time: datetime | None = None
    conditions: list[Condition] | None = None


class AutoscalerRow(msgspec.Struct, gc=False, frozen=True):
    """`limited`: it would go beyond its bounds. `obstacle` is the reason why it cannot scale, "" while it can."""

    target_kind: str
    target_name: str
    min_replicas: int
    max_replicas: int
    current_replicas: int
    desired_replicas: int
    last_scaled_at: datetime | None
    limited: bool
    obstacle: str


_SPEC = msgspec.json.Decoder(AutoscalerSpec | None)
_STATUS = msgspec.json.Decoder(AutoscalerStatus | None)


def extract(item: Item) -> AutoscalerRow:
    spec = decoded(_SPEC, item.spec) or AutoscalerSpec()
    status = decoded(_STATUS, item.status) or AutoscalerStatus()
    target = spec.scale_target_ref or Target()
    conditions = status.conditions or []
    stuck = [each for each in conditions if each.type in ("AbleToScale", "ScalingActive") and each.status == "False"]
    return AutoscalerRow(
        target_kind=target.kind or "",
        target_name=target.name or "",
        min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
        max_replicas=spec.max_replicas or 0,
        current_replicas=status.current_replicas or 0,
        desired_replicas=status.desired_replicas or 0,
        last_scaled_at=status.last_scale_time,
        limited=any(each.type == "ScalingLimited" and each.status == "True" for each in conditions),
        obstacle=(stuck[0].reason or "") if stuck else "",
    )
