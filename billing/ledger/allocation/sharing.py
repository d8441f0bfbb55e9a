"""Distribution, once per grain: idle first, then shared rows with their idle; what is given is also taken."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from billing.ledger.allocation import apportion, charging, direct, model, spans
from billing.ledger.allocation.model import NODE_RESOURCES, Allocation, Kind, PriceKey, Resource, Rule
from portal.core.periods import Period

Pool = dict[Resource, Decimal]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who can take part: the namespaces of one owner. Text alone, so that recipients have an order."""

    cluster: str
    namespace: str
    team: str
    project: str
    shared: bool

    @classmethod
    def of(cls, row: Allocation) -> "Recipient":
        """Return who a row belongs to."""
        return cls(row.cluster, row.namespace or "", row.team or "", row.project or "", row.shared)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Recipient):
            return NotImplemented
        return self._order() < other._order()

    def _order(self) -> tuple[str, str, str, str, bool]:
        return self.cluster, self.namespace, self.team, self.project, self.shared


@dataclass(frozen=True, slots=True)
class Target:
    """Where a distributed row is written."""

    kind: Kind
    recipient: Recipient
    price_key: PriceKey | None = None


@dataclass(slots=True)
class Grain:
    """One grain: the rows and charges in it, and what distribution adds, per target and resource."""

    hour: datetime
    span: Period
    placed: list[direct.Placed] = field(default_factory=list)
    charges: list[charging.Charge] = field(default_factory=list)
    node_hours: list[charging.NodeHour] = field(default_factory=list)
    added: dict[Target, Pool] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))

    @property
    def rows(self) -> list[Allocation]:
        """The direct rows."""
        return [placed.row for placed in self.placed]

    def give(self, target: Target, resource: Resource, amount: Decimal) -> None:
        """Add an amount to a target."""
        self.added[target][resource] += amount


def distribute(world: model.World, slices: spans.Slices, found: direct.Direct) -> list[Allocation]:
    """Return the distributed rows; over all of them every resource adds up to zero."""
    names = {(one.cluster, one.uid): one.name for one in world.namespaces}
    rows: list[Allocation] = []
    for one in _by_grain(world, slices, found):
        in_force = {cluster.id: _rule(world, cluster.id, one.span.start) for cluster in world.clusters}
        for cluster, rule in sorted(in_force.items()):
            if rule.idle is model.IdlePolicy.WEIGHTED:
                _share_idle(one, cluster, rule, found)
        for cluster, rule in sorted(in_force.items()):
            if rule.sharing is not model.Sharing.APART:
                _share_platform(one, cluster, rule)
        rows += _written(one, names)
    return rows


def _by_grain(world: model.World, slices: spans.Slices, found: direct.Direct) -> list[Grain]:
    grains: dict[datetime | date, Grain] = {}
    for one in slices.all:
        key = spans.grain_key(one, world.grain)
        grain = grains.setdefault(key, Grain(one.hour, one.span))
        grain.span = Period(grain.span.start, one.span.end)
    for placed in found.rows:
        grains[spans.grain_key(placed.slice, world.grain)].placed.append(placed)
    for charge in found.charges.all:
        grains[spans.grain_key(charge.slice, world.grain)].charges.append(charge)
    for hour in found.charges.nodes:
        grains[spans.grain_key(hour.slice, world.grain)].node_hours.append(hour)
    return list(grains.values())


def _rule(world: model.World, cluster: str, instant: datetime) -> Rule:
    for rule in world.rules:
        if rule.cluster == cluster and rule.span.start <= instant < rule.span.end:
            return rule
    return Rule(cluster)


def _nobody(cluster: str) -> Recipient:
    return Recipient(cluster, "", "", "", shared=False)


def _weights(rows: Iterable[Allocation], resource: Resource) -> dict[Recipient, apportion.Weight]:
    """Return the pre-idle cost of each user of a resource."""
    weights: dict[Recipient, apportion.Weight] = defaultdict(int)
    for row in rows:
        if row.kind is Kind.WORKLOAD and (amount := row.amounts.get(resource)):
            weights[Recipient.of(row)] += apportion.to_pico(amount)
    return weights


def _share_idle(one: Grain, cluster: str, rule: Rule, found: direct.Direct) -> None:
    own = [placed for placed in one.placed if placed.row.cluster == cluster]
    idle = [placed for placed in own if placed.row.kind is Kind.IDLE]
    for placed in idle:
        source = Target(Kind.IDLE_SHARE, _nobody(cluster), placed.row.price_key)
        for resource, amount in placed.row.amounts.items():
            one.give(source, resource, -(amount or ZERO))
    for resource in NODE_RESOURCES:
        if rule.idle_scope is model.IdleScope.CLUSTER:
            pool = sum((placed.row.amounts.get(resource) or ZERO for placed in idle), ZERO)
            weights = _weights([placed.row for placed in own], resource)
            _hand_out(one, Target(Kind.IDLE_SHARE, _nobody(cluster)), resource, pool, weights)
        else:
            users = _node_users(one, cluster, resource, found)
            for node, pool in sorted(_node_pools(one, idle, resource).items()):
                _hand_out(one, Target(Kind.IDLE_SHARE, _nobody(cluster)), resource, pool, users[node])


def _node_pools(one: Grain, idle: Iterable[direct.Placed], resource: Resource) -> dict[charging.NodeId, Decimal]:
    """Split the idle of each price key among its nodes, by what each had free."""
    free: dict[direct.Place, dict[charging.NodeId, apportion.Weight]] = defaultdict(dict)
    for hour in one.node_hours:
        if hour.capacity[resource]:
            free[hour.cluster, hour.price_key, hour.slice.span.start][hour.node] = hour.free[resource]
    pools: dict[charging.NodeId, Decimal] = defaultdict(Decimal)
    for placed in idle:
        amount = placed.row.amounts.get(resource)
        if amount is not None and placed.place is not None:
            for node, part in apportion.money(amount, free[placed.place]).items():
                pools[node] += part
    return pools


def _node_users(
    one: Grain, cluster: str, resource: Resource, found: direct.Direct
) -> dict[charging.NodeId, dict[Recipient, apportion.Weight]]:
    """Return the exact cost of each user of a resource on each node."""
    users: dict[charging.NodeId, dict[Recipient, apportion.Weight]] = defaultdict(lambda: defaultdict(Fraction))
    for charge in one.charges:
        if charge.cluster != cluster or charge.node is None or charge.price_key is None:
            continue
        rate = found.rates[charge.cluster, charge.price_key, charge.slice.span.start].get(resource)
        quantity = charge.quantities.get(resource)
        if rate is not None and quantity:
            owner = charge.owner
            who = Recipient(cluster, charge.namespace or "", owner.team or "", owner.project or "", owner.shared)
            users[charge.node][who] += Fraction(quantity * rate.numerator, rate.denominator)
    return users


def _hand_out(
    one: Grain,
    target: Target,
    resource: Resource,
    pool: Decimal,
    weights: Mapping[Recipient, apportion.Weight],
) -> None:
    """Split a pool among recipients; with nobody to receive, it becomes undistributed."""
    if not any(weights.values()):
        one.give(Target(Kind.UNDISTRIBUTED, target.recipient), resource, pool)
        return
    for recipient, amount in apportion.money(pool, weights).items():
        one.give(Target(target.kind, recipient), resource, amount)


def _share_platform(one: Grain, cluster: str, rule: Rule) -> None:
    pool: Pool = defaultdict(Decimal)
    for source, amounts in _platform_sources(one, cluster):
        for resource, amount in amounts.items():
            pool[resource] += amount
            one.give(source, resource, -amount)
    receiving = [
        row
        for row in one.rows
        if row.kind is Kind.WORKLOAD and not row.shared
        if rule.sharing_scope is model.SharingScope.ALL or row.cluster == cluster
    ]
    weights: dict[Recipient, apportion.Weight] = defaultdict(int)
    for row in receiving:
        weights[Recipient.of(row)] += sum(apportion.to_pico(amount or ZERO) for amount in row.amounts.values())
    if rule.sharing is model.Sharing.EVEN:
        weights = _even(weights)
    for resource, amount in sorted(pool.items()):
        _hand_out(one, Target(Kind.PLATFORM_SHARE, _nobody(cluster)), resource, amount, weights)


def _platform_sources(one: Grain, cluster: str) -> list[tuple[Target, Pool]]:
    """Return the shared rows of a cluster, fees and the idle handed to shared rows among them."""
    sources: dict[Target, Pool] = defaultdict(lambda: defaultdict(Decimal))
    for row in one.rows:
        if row.cluster == cluster and row.shared:
            target = Target(Kind.PLATFORM_SHARE, Recipient.of(row), row.price_key)
            for resource, amount in row.amounts.items():
                sources[target][resource] += amount or ZERO
    for given, amounts in one.added.items():
        if given.kind is Kind.IDLE_SHARE and given.recipient.cluster == cluster and given.recipient.shared:
            target = Target(Kind.PLATFORM_SHARE, given.recipient)
            for resource, amount in amounts.items():
                sources[target][resource] += amount
    return list(sources.items())


def _even(weights: Mapping[Recipient, apportion.Weight]) -> dict[Recipient, apportion.Weight]:
    """Give every team (the unassigned count as one) the same, and its namespaces that by their own cost."""
    teams: dict[str, Fraction] = defaultdict(Fraction)
    members: dict[str, int] = defaultdict(int)
    for recipient, weight in weights.items():
        teams[recipient.team] += Fraction(weight)
        members[recipient.team] += 1
    return {
        recipient: Fraction(weight) / teams[recipient.team]
        if teams[recipient.team]
        else Fraction(1, members[recipient.team])
        for recipient, weight in weights.items()
    }


def _written(one: Grain, names: Mapping[tuple[str, str], str]) -> list[Allocation]:
    rows = []
    for target, given in one.added.items():
        amounts: dict[Resource, Decimal | None] = {r: amount for r, amount in given.items() if amount}
        if amounts:
            who = target.recipient
            rows.append(
                Allocation(
                    hour=one.hour,
                    span=one.span,
                    cluster=who.cluster,
                    namespace=who.namespace or None,
                    namespace_name=names.get((who.cluster, who.namespace), who.namespace),
                    team=who.team or None,
                    project=who.project or None,
                    kind=target.kind,
                    price_key=target.price_key,
                    shared=who.shared,
                    quantities={},
                    amounts=amounts,
                )
            )
    return rows
