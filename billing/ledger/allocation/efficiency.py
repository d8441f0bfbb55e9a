"""How much of what was requested was used, per namespace. "No request" and "unknown" are states, never 0 or 1."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.ledger.allocation import model
from billing.ledger.allocation.model import Allocation, Kind, Resource
from portal.core.money import EXACT

MEASURED = (Resource.CPU, Resource.MEMORY)


class State(StrEnum):
    """Why a ratio is there or not."""

    MEASURED = "measured"
    NO_REQUEST = "no_request"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ratio:
    """Usage ÷ request over the sampled time, 1 = all of it, above 1 is legal; None beside the other states."""

    state: State
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Efficiency:
    """One namespace: `total` weighs CPU and memory by their cost."""

    cluster: str
    namespace: str
    cpu: Ratio
    memory: Ratio
    total: Ratio


def work_out(world: model.World, rows: Iterable[Allocation]) -> list[Efficiency]:
    """Return the efficiency of each namespace with segments, over the window."""
    used: dict[tuple[str, str, Resource], int] = defaultdict(int)
    requested: dict[tuple[str, str, Resource], int] = defaultdict(int)
    sampled: set[tuple[str, str, Resource]] = set()
    for segment in world.segments:
        for sample in segment.usage:
            part = sample.span.clip(world.window)
            for resource, usage in ((Resource.CPU, sample.cpu), (Resource.MEMORY, sample.memory)):
                if part is not None and usage is not None:
                    key = (segment.cluster, segment.namespace, resource)
                    sampled.add(key)
                    used[key] += usage * part.seconds
                    requested[key] += segment.requests.of(resource) * part.seconds
    costs = _costs(rows)
    found = []
    for cluster, namespace in sorted({(one.cluster, one.namespace) for one in world.segments}):
        ratios = {
            resource: ratio(
                used[cluster, namespace, resource] if (cluster, namespace, resource) in sampled else None,
                requested[cluster, namespace, resource],
            )
            for resource in MEASURED
        }
        weights = {resource: costs.get((cluster, namespace, resource), Decimal(0)) for resource in MEASURED}
        cpu, memory = ratios[Resource.CPU], ratios[Resource.MEMORY]
        found.append(Efficiency(cluster, namespace, cpu, memory, weighted(ratios, weights)))
    return found


def ratio(used: int | None, requested: int) -> Ratio:
    """Divide usage by request, both amount × seconds over the same time; None: nothing was sampled."""
    if used is None:
        return Ratio(State.UNKNOWN)
    if requested == 0:
        return Ratio(State.NO_REQUEST)
    return Ratio(State.MEASURED, EXACT.divide(Decimal(used), Decimal(requested)))


def weighted(ratios: Mapping[Resource, Ratio], costs: Mapping[Resource, Decimal]) -> Ratio:
    """Weigh ratios by cost; measured only where each of them is and something was paid."""
    for state in (State.UNKNOWN, State.NO_REQUEST):
        if any(one.state is state for one in ratios.values()):
            return Ratio(state)
    whole = sum((costs[resource] for resource in ratios), Decimal(0))
    if not whole:
        return Ratio(State.UNKNOWN)
    paid = sum(((one.value or Decimal(0)) * costs[resource] for resource, one in ratios.items()), Decimal(0))
    return Ratio(State.MEASURED, EXACT.divide(paid, whole))


def _costs(rows: Iterable[Allocation]) -> dict[tuple[str, str, Resource], Decimal]:
    costs: dict[tuple[str, str, Resource], Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.kind is Kind.WORKLOAD and row.namespace is not None:
            for resource in MEASURED:
                costs[row.cluster, row.namespace, resource] += row.amounts.get(resource) or Decimal(0)
    return costs
