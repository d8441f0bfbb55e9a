"""What a team costs, worked out from Kubernetes objects by hand: the tests' own arithmetic, none of the product's.

A thing is charged for the seconds it was there. Seconds are summed per hour, per part of the hour with one owner, per
namespace and per kind of machine; each sum is priced at once and rounded half up to twelve places.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

HOUR = timedelta(hours=1)
HOUR_SECONDS = 3600
MONTH_HOURS = 730
GIB = 2**30


@dataclass(frozen=True)
class Thing:
    """Something charged: millicores and bytes. `machine` names its prices; `end` is None while it is there."""

    cluster: str
    namespace: str
    machine: str
    start: datetime
    end: datetime | None
    cpu_m: int = 0
    memory: int = 0
    storage: int = 0


@dataclass(frozen=True)
class Tenure:
    """A team pays for a namespace from `start` to `end` (None: until further notice)."""

    cluster: str
    namespace: str
    team: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Rates:
    """Prices of one second of one millicore and one byte, exactly."""

    cpu: Fraction = Fraction(0)
    memory: Fraction = Fraction(0)
    storage: Fraction = Fraction(0)


def by_parts(*, core: str, memory: str) -> Rates:
    """Prices per core-hour and per GiB-hour."""
    return Rates(cpu=Fraction(core) / (1000 * HOUR_SECONDS), memory=Fraction(memory) / (GIB * HOUR_SECONDS))


def by_node(price: str, *, cores: int, memory: int, core_weight: str, gib_weight: str) -> Rates:
    """The price of a whole node-hour, split between its cores and its memory (bytes) by their weights."""
    weight = cores * Fraction(core_weight) + Fraction(memory, GIB) * Fraction(gib_weight)
    core, gib = (Fraction(price) * Fraction(one) / weight for one in (core_weight, gib_weight))
    return Rates(cpu=core / (1000 * HOUR_SECONDS), memory=gib / (GIB * HOUR_SECONDS))


def by_month(gib: str) -> Rates:
    """The price of a GiB of storage per month of 730 hours."""
    return Rates(storage=Fraction(gib) / (GIB * HOUR_SECONDS * MONTH_HOURS))


def cost(
    team: str,
    *,
    things: Iterable[Thing],
    tenures: Iterable[Tenure],
    rates: Mapping[str, Rates],
    counted_to: Mapping[str, datetime],
) -> Decimal:
    """Return what the team costs up to `counted_to` of each cluster."""
    listed = list(things)
    total = Decimal(0)
    for tenure in tenures:
        if tenure.team != team:
            continue
        mine = [one for one in listed if (one.cluster, one.namespace) == (tenure.cluster, tenure.namespace)]
        last = min(filter(None, (tenure.end, counted_to[tenure.cluster])))
        for start, end in _hours(tenure.start, last):
            for machine in sorted({one.machine for one in mine}):
                total += _row([one for one in mine if one.machine == machine], rates[machine], start, end)
    return total


def rounded(exact: Fraction) -> Decimal:
    """Round half up to twelve places."""
    return Decimal((exact * 10**12 + Fraction(1, 2)).__floor__()).scaleb(-12)


def _row(things: Iterable[Thing], rates: Rates, start: datetime, end: datetime) -> Decimal:
    listed = list(things)
    cpu = sum(one.cpu_m * _seconds(one, start, end) for one in listed)
    memory = sum(one.memory * _seconds(one, start, end) for one in listed)
    storage = sum(one.storage * _seconds(one, start, end) for one in listed)
    return rounded(cpu * rates.cpu) + rounded(memory * rates.memory) + rounded(storage * rates.storage)


def _seconds(thing: Thing, start: datetime, end: datetime) -> int:
    last = end if thing.end is None else min(end, thing.end)
    return max(0, int((last - max(start, thing.start)).total_seconds()))


def _hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut [start, end) where an hour begins."""
    while start < end:
        stop = min(end, start.replace(minute=0, second=0, microsecond=0) + HOUR)
        yield start, stop
        start = stop
