"""Sums over rows, as the tests of the allocation ask for them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

from billing.ledger.allocation.model import Allocation, AssetHour, Kind, PodShare, Resource, Result

K = TypeVar("K")
Row = Allocation | AssetHour | PodShare
ZERO = Decimal(0)


def known(row: Row) -> Decimal:
    """Return what of a row has a price."""
    return sum((amount for amount in row.amounts.values() if amount is not None), ZERO)


def cost(rows: Iterable[Row]) -> Decimal:
    """Return the known cost of rows."""
    return sum((known(row) for row in rows), ZERO)


def by(result: Result, key: Callable[[Allocation], K]) -> Mapping[K, Decimal]:
    """Return the known cost of all allocations per key, keys that come to nothing left out."""
    sums: dict[K, Decimal] = defaultdict(Decimal)
    for row in result.allocations:
        sums[key(row)] += known(row)
    return {one: amount for one, amount in sums.items() if amount}


def rows(result: Result, *, kind: Kind | None = None, **wanted: object) -> list[Allocation]:
    """Return the rows of a kind whose attributes equal those wanted."""
    return [
        row
        for row in result.allocations
        if kind in (None, row.kind) and all(getattr(row, name) == value for name, value in wanted.items())
    ]


def quantity(found: Iterable[Row], resource: Resource) -> int:
    """Return the quantity of one resource over rows."""
    return sum(row.quantities.get(resource, 0) for row in found)


def amount(found: Iterable[Row], resource: Resource) -> Decimal:
    """Return the known amount of one resource over rows."""
    return sum((row.amounts.get(resource) or ZERO for row in found), ZERO)


def assert_conserved(result: Result) -> None:
    """Σ allocations = Σ assets, per cluster and resource where it must be, and in total, to the last digit."""
    for resource in Resource:
        assert amount(result.allocations, resource) == amount(result.assets, resource), resource
    direct = [row for row in result.allocations if row.kind not in DISTRIBUTED]
    places = {(row.cluster, row.hour) for row in direct} | {(asset.cluster, asset.hour) for asset in result.assets}
    for place in places:
        here = [row for row in direct if (row.cluster, row.hour) == place]
        owned = [asset for asset in result.assets if (asset.cluster, asset.hour) == place]
        for resource in Resource:
            assert amount(here, resource) == amount(owned, resource), (place, resource)


DISTRIBUTED = (Kind.IDLE_SHARE, Kind.PLATFORM_SHARE, Kind.UNDISTRIBUTED)
