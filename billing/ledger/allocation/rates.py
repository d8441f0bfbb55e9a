"""Which price fits a price key in an hour, as one exact fraction per resource and unit of quantity."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from billing.ledger.allocation import apportion, model, spans
from billing.ledger.allocation.model import PriceKey, Resource

MONTH_HOURS = 730
HOUR_SECONDS = 3600
MILLI = 1000
GIB = 2**30
# Units of quantity in one priced unit and hour: a core-hour, a GiB-hour and so on. Network has no hours.
PRICED_UNIT = {
    Resource.CPU: MILLI * HOUR_SECONDS,
    Resource.MEMORY: GIB * HOUR_SECONDS,
    Resource.GPU: MILLI * HOUR_SECONDS,
    Resource.STORAGE: GIB * HOUR_SECONDS,
    Resource.LOAD_BALANCER: MILLI * HOUR_SECONDS,
    Resource.NETWORK: GIB,
    Resource.FEE: MILLI * HOUR_SECONDS,
}
ALONE = {
    "volume": Resource.STORAGE,
    "load_balancer": Resource.LOAD_BALANCER,
    "network": Resource.NETWORK,
    "fee": Resource.FEE,
}
COMPONENTS = {Resource.CPU: "core", Resource.MEMORY: "memory", Resource.GPU: "gpu"}
Specificity = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """Currency per unit of quantity, exactly: numerator ÷ denominator."""

    numerator: int
    denominator: int

    @classmethod
    def of(cls, value: Fraction) -> "Rate":
        """Make a rate from an exact fraction."""
        return cls(value.numerator, value.denominator)

    def times(self, quantity: int) -> Decimal:
        """Multiply once, divide once to 30 places half up, round once to 12 places half up.

        PostgreSQL gives the same for `round((quantity * numerator)::numeric(1000, 30) / denominator, 12)`.
        """
        divided = _half_up(quantity * self.numerator * 10**30, self.denominator)
        return apportion.from_pico(_half_up(divided, 10**18))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True)
class NodeTotals:
    """What the nodes of one price key offered in one hour: node-seconds, and capacity × seconds."""

    seconds: int = 0
    capacity: Mapping[Resource, int] | None = None

    def of(self, resource: Resource) -> int:
        """Return the capacity × seconds of one resource."""
        return (self.capacity or {}).get(resource, 0)


@dataclass(frozen=True, slots=True)
class NodeRates:
    """Rates of a node price key in an hour; `whole` is what all its nodes cost where they have one price."""

    rates: Mapping[Resource, Rate | None]
    whole: Decimal | None = None


class PriceBook:
    """The prices of a world, asked by price key and hour."""

    def __init__(self, world: model.World) -> None:
        self._reference = world.reference_prices
        self._by_asset: dict[str, list[model.Price]] = defaultdict(list)
        for price in world.prices:
            self._by_asset[price.asset].append(price)
        self._fees: dict[tuple[str, PriceKey], list[model.Fee]] = defaultdict(list)
        for fee in world.fees:
            self._fees[fee.cluster, fee_key(fee)].append(fee)
        self._own = {price.provider_id for price in world.prices if price.provider_id}

    def node_key(self, node: model.Node) -> PriceKey:
        """Return the price key of a node."""
        own = node.provider_id if node.provider_id in self._own else ""
        return PriceKey("node", node.instance_type, node.region, node.capacity_class, "", own)

    def rate(self, cluster: str, key: PriceKey, one: spans.Slice) -> tuple[Resource, Rate | None]:
        """Return the resource of anything but a node, and its rate; None where no price fits."""
        resource = ALONE[key.asset]
        if resource is Resource.FEE:
            return resource, self._fee_rate(cluster, key, one)
        found = self._find(key.asset, cluster, key, one.hour)
        return resource, None if found is None else Rate.of(_per_hour(found[1]) / PRICED_UNIT[resource])

    def _fee_rate(self, cluster: str, key: PriceKey, one: spans.Slice) -> Rate | None:
        for fee in self._fees[cluster, key]:
            if fee.span.start <= one.hour < fee.span.end:
                if fee.unit is model.Unit.CALENDAR_MONTH:
                    return Rate.of(Fraction(fee.amount) / (MILLI * one.month_seconds))
                months = MONTH_HOURS if fee.unit is model.Unit.MONTH else 1
                return Rate.of(Fraction(fee.amount) / (months * PRICED_UNIT[Resource.FEE]))
        return None

    def node_rates(self, cluster: str, key: PriceKey, hour: datetime, totals: NodeTotals) -> NodeRates:
        """Return the rates of a node's resources: from one price for the whole, else from their own prices.

        At the same specificity the price of the whole node wins.
        """
        whole = self._find("node", cluster, key, hour)
        parts = {resource: self._find(asset, cluster, key, hour) for resource, asset in COMPONENTS.items()}
        closest = max((found[0] for found in parts.values() if found), default=())
        if whole is None or whole[0] < closest:
            return NodeRates(
                {
                    resource: Rate.of(_per_hour(found[1]) / PRICED_UNIT[resource]) if found else None
                    for resource, found in parts.items()
                }
            )
        return self._split(_per_hour(whole[1]), totals)

    def _split(self, per_hour: Fraction, totals: NodeTotals) -> NodeRates:
        """Split the price of whole nodes by the reference prices of what all of them offered."""
        cost = per_hour * totals.seconds / HOUR_SECONDS
        weight = {
            Resource.CPU: Fraction(self._reference.cpu) / PRICED_UNIT[Resource.CPU],
            Resource.MEMORY: Fraction(self._reference.memory) / PRICED_UNIT[Resource.MEMORY],
            Resource.GPU: Fraction(self._reference.gpu) / PRICED_UNIT[Resource.GPU],
        }
        weighed = sum((weight[one] * totals.of(one) for one in weight), Fraction(0))
        rates = {one: Rate.of(cost * weight[one] / weighed) for one in weight}
        return NodeRates(rates, Rate.of(cost).times(1))

    def _find(self, asset: str, cluster: str, key: PriceKey, hour: datetime) -> tuple[Specificity, model.Price] | None:
        best: tuple[Specificity, model.Price] | None = None
        for price in self._by_asset[asset]:
            if not price.span.start <= hour < price.span.end:
                continue
            if price.clusters and cluster not in price.clusters:
                continue
            closeness = _closeness(price, key)
            if closeness is not None and (best is None or closeness > best[0]):
                best = (closeness, price)
        return best


def fee_key(fee: model.Fee) -> PriceKey:
    """Return the price key of a fee; its id stands where a node's own rate has the provider id."""
    return PriceKey("fee", provider_id=fee.id)


def _per_hour(price: model.Price) -> Fraction:
    # A GiB sent has no duration, so its price is never one per month
    months = MONTH_HOURS if price.unit is model.Unit.MONTH else 1
    return Fraction(price.amount) / months


def _closeness(price: model.Price, key: PriceKey) -> Specificity | None:
    """Return which columns of the price are filled, in order of weight; None where one does not fit."""
    pairs = (
        (price.provider_id, key.provider_id),
        (price.instance_type, key.instance_type),
        (price.region, key.region),
        (price.capacity_class, key.capacity_class),
        (price.storage_class, key.storage_class),
    )
    if any(wanted and wanted != given for wanted, given in pairs):
        return None
    return tuple(bool(wanted) for wanted, _ in pairs)
