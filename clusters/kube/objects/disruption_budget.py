"""PodDisruptionBudgets: how many pods may be taken away now, and why not more."""

import msgspec

from clusters.kube import label_selector
from clusters.kube.objects.metadata import Item, Odd, decoded


class BudgetSpec(msgspec.Struct, gc=False, rename="camel"):
    selector: label_selector.LabelSelector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class BudgetStatus(msgspec.Struct, gc=False, rename="camel"):
    disruptions_allowed: int | None = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    expected_pods: int | None = None


class DisruptionBudgetRow(msgspec.Struct, gc=False, frozen=True):
    """`min_available` and `max_unavailable` are counts or percentages as written ("2", "50%"), "" where not set."""

    pods: str
    min_available: str
    max_unavailable: str
    allowed: int
    healthy: int
    desired_healthy: int
    expected: int


_SPEC = msgspec.json.Decoder(BudgetSpec | None)
_STATUS = msgspec.json.Decoder(BudgetStatus | None)


def extract(item: Item) -> DisruptionBudgetRow:
    spec = decoded(_SPEC, item.spec) or BudgetSpec()
    status = decoded(_STATUS, item.status) or BudgetStatus()
    try:
        pods = label_selector.of_object(spec.selector)
    except ValueError as error:
        raise Odd(str(error)) from None
    return DisruptionBudgetRow(
        pods=pods,
        min_available=_text(spec.min_available),
        max_unavailable=_text(spec.max_unavailable),
        allowed=status.disruptions_allowed or 0,
        healthy=status.current_healthy or 0,
        desired_healthy=status.desired_healthy or 0,
        expected=status.expected_pods or 0,
    )


def _text(value: int | str | None) -> str:
    return "" if value is None else str(value)
