"""Direct rows: charges grouped, priced once per row and resource, and idle as what is left of each asset."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from billing.ledger.allocation import apportion, charging, model, ownership, rates, spans
from billing.ledger.allocation.charging import Charge, Charges, NodeHour
from billing.ledger.allocation.model import (
    NODE_RESOURCES,
    Allocation,
    AssetHour,
    Kind,
    PodShare,
    PriceKey,
    Resource,
)
from portal.core.periods import Period

# Where one rate per resource holds: cluster, price key, start of the slice.
Place = tuple[str, PriceKey, datetime]
RateTable = Mapping[Resource, rates.Rate | None]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and the slice it lies in (its own span is a part of that)."""

    slice: spans.Slice
    row: Allocation

    @property
    def place(self) -> Place | None:
        """Where its rates come from; None for a pod whose node was never seen."""
        key = self.row.price_key
        return None if key is None else (self.row.cluster, key, self.slice.span.start)


@dataclass(slots=True)
class Direct:
    """The direct result, and what sharing within nodes needs beside it."""

    assets: list[AssetHour]
    rows: list[Placed]
    pods: list[PodShare]
    charges: Charges
    rates: dict[Place, RateTable]


@dataclass(frozen=True, slots=True)
class RowKey:
    """What makes a row: charges that agree on all of this are added before they are priced."""

    slice: spans.Slice
    span: Period
    cluster: str
    namespace: str | None
    owner: ownership.Owner
    kind: Kind
    price_key: PriceKey | None


@dataclass(slots=True)
class Group:
    """The charges of one row, added up."""

    quantities: dict[Resource, int] = field(default_factory=lambda: defaultdict(int))
    pods: dict[Resource, dict[str, Fraction]] = field(default_factory=dict)
    overcommitted: bool = False

    def add(self, charge: Charge) -> None:
        """Take in one charge."""
        self.overcommitted |= charge.overcommitted
        for resource, quantity in charge.quantities.items():
            if quantity:
                self.quantities[resource] += quantity
                held = self.pods.setdefault(resource, defaultdict(Fraction))
                for pod, weight in charge.pod_weights(resource).items():
                    held[pod] += weight


@dataclass(slots=True)
class NodeGroup:
    """The node-hours of one price key in one slice, added up."""

    slice: spans.Slice
    seconds: int = 0
    capacity: dict[Resource, int] = field(default_factory=lambda: dict.fromkeys(NODE_RESOURCES, 0))
    free: dict[Resource, int] = field(default_factory=lambda: dict.fromkeys(NODE_RESOURCES, 0))
    overcommitted: bool = False

    def add(self, hour: NodeHour) -> None:
        """Take in one node-hour."""
        self.seconds += hour.seconds
        self.overcommitted |= hour.overcommitted
        for resource in NODE_RESOURCES:
            self.capacity[resource] += hour.capacity[resource]
            self.free[resource] += hour.free[resource]


def work_out(world: model.World, slices: spans.Slices) -> Direct:
    """Return the direct rows of a world: the same at every grain."""
    book = rates.PriceBook(world)
    charger = charging.Charger(world, slices, book)
    charges = charger.run()
    groups = _group(charges.all)
    nodes = _group_nodes(charges.nodes)
    node_rates = {
        place: book.node_rates(place[0], place[1], group.slice.hour, rates.NodeTotals(group.seconds, group.capacity))
        for place, group in nodes.items()
    }
    tables: dict[Place, RateTable] = {place: found.rates for place, found in node_rates.items()}
    for key in groups:
        place = _place(key)
        if place is not None and place not in tables:
            tables[place] = dict([book.rate(key.cluster, place[1], key.slice)])
    rows, pods = _priced(groups, tables, charger.ownership)
    assets = {place: _node_asset(place, group, node_rates[place]) for place, group in nodes.items()}
    rows += _idle(assets, rows, nodes)
    others = _assets_without_idle(rows, assets)
    return Direct([*assets.values(), *others], rows, pods, charges, tables)


def _place(key: RowKey) -> Place | None:
    return None if key.price_key is None else (key.cluster, key.price_key, key.slice.span.start)


def _group(charges: Iterable[Charge]) -> dict[RowKey, Group]:
    groups: dict[RowKey, Group] = defaultdict(Group)
    for one in charges:
        key = RowKey(one.slice, one.span, one.cluster, one.namespace, one.owner, one.kind, one.price_key)
        groups[key].add(one)
    return dict(groups)


def _group_nodes(hours: Iterable[NodeHour]) -> dict[Place, NodeGroup]:
    groups: dict[Place, NodeGroup] = {}
    for hour in hours:
        place = (hour.cluster, hour.price_key, hour.slice.span.start)
        groups.setdefault(place, NodeGroup(hour.slice)).add(hour)
    return groups


def _priced(
    groups: Mapping[RowKey, Group], tables: Mapping[Place, RateTable], names: ownership.Ownership
) -> tuple[list[Placed], list[PodShare]]:
    rows: list[Placed] = []
    pods: list[PodShare] = []
    for key, group in groups.items():
        place = _place(key)
        table = tables[place] if place else {}
        amounts = {
            resource: None if (rate := table.get(resource)) is None else rate.times(quantity)
            for resource, quantity in group.quantities.items()
        }
        row = Allocation(
            hour=key.slice.hour,
            span=key.span,
            cluster=key.cluster,
            namespace=key.namespace,
            namespace_name=names.name(key.cluster, key.namespace),
            team=key.owner.team,
            project=key.owner.project,
            kind=key.kind,
            price_key=key.price_key,
            shared=key.owner.shared,
            quantities=dict(group.quantities),
            amounts=amounts,
            overcommitted=group.overcommitted,
        )
        rows.append(Placed(key.slice, row))
        pods += _pod_shares(row, group)
    return rows, pods


def _pod_shares(row: Allocation, group: Group) -> list[PodShare]:
    """Split a row among its pods, by weight, so that the parts add up to it."""
    quantities: dict[str, dict[Resource, int]] = defaultdict(dict)
    amounts: dict[str, dict[Resource, Decimal | None]] = defaultdict(dict)
    for resource, weights in group.pods.items():
        if not any(weights):
            continue
        amount = row.amounts[resource]
        parts = None if amount is None else apportion.money(amount, weights)
        for pod, quantity in apportion.whole(row.quantities[resource], weights).items():
            quantities[pod][resource] = quantity
            amounts[pod][resource] = None if parts is None else parts[pod]
    return [
        PodShare(
            hour=row.hour,
            span=row.span,
            cluster=row.cluster,
            namespace=row.namespace,
            pod=pod,
            price_key=row.price_key,
            quantities=quantities[pod],
            amounts=amounts[pod],
        )
        for pod in sorted(quantities)
    ]


def _node_asset(place: Place, group: NodeGroup, found: rates.NodeRates) -> AssetHour:
    """Price all nodes of a place; where they have one price, memory takes what CPU and GPU leave of it."""
    amounts = {
        resource: None if (rate := found.rates[resource]) is None else rate.times(quantity)
        for resource, quantity in group.capacity.items()
        if quantity
    }
    if found.whole is not None:
        others = (amounts.get(Resource.CPU) or ZERO) + (amounts.get(Resource.GPU) or ZERO)
        amounts[Resource.MEMORY] = found.whole - others
    return AssetHour(
        hour=group.slice.hour,
        span=group.slice.span,
        cluster=place[0],
        price_key=place[1],
        quantities={resource: quantity for resource, quantity in group.capacity.items() if quantity},
        amounts=amounts,
        overcommitted=group.overcommitted,
    )


def _idle(assets: Mapping[Place, AssetHour], rows: Iterable[Placed], nodes: Mapping[Place, NodeGroup]) -> list[Placed]:
    """Return what no row took: never rounded, so it also holds the rest that rounding the rows left."""
    taken: dict[tuple[Place, Resource], Decimal] = defaultdict(Decimal)
    for placed in rows:
        place = placed.place
        if place is not None and place in assets:
            for resource, amount in placed.row.amounts.items():
                taken[place, resource] += amount or ZERO
    found: list[Placed] = []
    for place, asset in assets.items():
        free = {resource: count for resource, count in nodes[place].free.items() if resource in asset.amounts}
        amounts = {
            resource: None if (amount := asset.amounts[resource]) is None else amount - taken[place, resource]
            for resource in free
        }
        kept = [resource for resource in free if free[resource] or amounts[resource]]
        if kept:
            row = Allocation(
                hour=asset.hour,
                span=asset.span,
                cluster=asset.cluster,
                namespace=None,
                namespace_name="",
                team=None,
                project=None,
                kind=Kind.IDLE,
                price_key=asset.price_key,
                shared=False,
                quantities={resource: free[resource] for resource in kept},
                amounts={resource: amounts[resource] for resource in kept},
                overcommitted=asset.overcommitted,
            )
            found.append(Placed(nodes[place].slice, row))
    return found


def _assets_without_idle(rows: Iterable[Placed], nodes: Mapping[Place, AssetHour]) -> list[AssetHour]:
    """Return the assets nothing of which can be idle: each costs what its rows cost."""
    by_place: dict[Place, list[Placed]] = defaultdict(list)
    for placed in rows:
        if placed.place is not None and placed.place not in nodes:
            by_place[placed.place].append(placed)
    found: list[AssetHour] = []
    for (cluster, key, _), group in by_place.items():
        resource = rates.ALONE[key.asset]
        amounts = [placed.row.amounts[resource] for placed in group]
        known = [amount for amount in amounts if amount is not None]
        found.append(
            AssetHour(
                hour=group[0].slice.hour,
                span=group[0].slice.span,
                cluster=cluster,
                price_key=key,
                quantities={resource: sum(placed.row.quantities[resource] for placed in group)},
                amounts={resource: sum(known, ZERO) if known else None},
            )
        )
    return found
