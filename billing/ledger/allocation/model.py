"""What the allocation reads (a `World`) and what it gives back (a `Result`).

Units, everywhere: CPU in millicores, memory and storage in bytes, GPU, load balancers and fees in thousandths
of a unit, network in bytes. Quantities are those times seconds (network: plain bytes), always whole numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.core.periods import Period

ALWAYS = Period(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
# Namespaces that are shared where a world lists none.
SHARED_BY_DEFAULT = ("kube-system", "kube-public", "kube-node-lease")


class Resource(StrEnum):
    """A column of a row: each has its own quantity and its own amount."""

    CPU = "cpu"
    MEMORY = "memory"
    GPU = "gpu"
    STORAGE = "storage"
    LOAD_BALANCER = "load_balancer"
    NETWORK = "network"
    FEE = "fee"


NODE_RESOURCES = (Resource.CPU, Resource.MEMORY, Resource.GPU)


class Kind(StrEnum):
    """Why a row exists. The last three only move money between rows: each group of them adds up to zero."""

    WORKLOAD = "workload"
    IDLE = "idle"
    RESERVED = "reserved"
    FEE = "fee"
    UNATTACHED = "unattached"
    IDLE_SHARE = "idle_share"
    PLATFORM_SHARE = "platform_share"
    UNDISTRIBUTED = "undistributed"


DISTRIBUTED = (Kind.IDLE_SHARE, Kind.PLATFORM_SHARE, Kind.UNDISTRIBUTED)


class Grain(StrEnum):
    """The span over which idle and shared amounts are worked out at once."""

    HOUR = "hour"
    DAY = "day"


class IdlePolicy(StrEnum):
    """What becomes of idle: a row of its own, or added to those who use the same resource."""

    APART = "apart"
    WEIGHTED = "weighted"


class IdleScope(StrEnum):
    """Among whom idle is shared."""

    CLUSTER = "cluster"
    NODE = "node"


class Sharing(StrEnum):
    """What becomes of shared rows and fees."""

    APART = "apart"
    WEIGHTED = "weighted"
    EVEN = "even"


class SharingScope(StrEnum):
    """Who receives the shared rows of a cluster."""

    CLUSTER = "cluster"
    ALL = "all"


class Unit(StrEnum):
    """What a price is for: an hour, a month of 730 hours or (fees only) a calendar month of real length."""

    HOUR = "hour"
    MONTH = "month"
    CALENDAR_MONTH = "calendar_month"


@dataclass(frozen=True, order=True, slots=True)
class PriceKey:
    """What decides the price of a thing. `provider_id` is filled only where a node has a rate of its own."""

    asset: str
    instance_type: str = ""
    region: str = ""
    capacity_class: str = ""
    storage_class: str = ""
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Millicores, bytes and thousandths of a GPU."""

    cpu: int = 0
    memory: int = 0
    gpu: int = 0

    def of(self, resource: Resource) -> int:
        """Return the amount of one node resource."""
        return {Resource.CPU: self.cpu, Resource.MEMORY: self.memory, Resource.GPU: self.gpu}[resource]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster and the span in which it was attached."""

    id: str
    life: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Namespace:
    """The name of a namespace uid."""

    cluster: str
    uid: str
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """One life of a machine at one size and one price key; `allocatable` is what its pods may request."""

    cluster: str
    uid: str
    life: Period
    capacity: Amounts
    allocatable: Amounts
    instance_type: str = ""
    region: str = ""
    capacity_class: str = ""
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """Usage that held for the whole of a span. None: this resource was not measured."""

    span: Period
    cpu: int | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A span in which a pod requested the same amounts on the same node (None: its node was never seen)."""

    cluster: str
    uid: str
    namespace: str
    life: Period
    requests: Amounts
    node: str | None = None
    usage: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class PodSpan:
    """A pod that mounts a volume, or stands behind a load balancer, in a span."""

    pod: str
    span: Period


@dataclass(frozen=True, slots=True)
class Claim:
    """The namespace whose claim holds a volume in a span."""

    namespace: str
    span: Period


@dataclass(frozen=True, slots=True)
class Volume:
    """A span in which a persistent volume had one size and one storage class."""

    cluster: str
    uid: str
    life: Period
    capacity: int
    storage_class: str = ""
    region: str = ""
    claims: tuple[Claim, ...] = ()
    mounts: tuple[PodSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer of a service; `units` in thousandths (1000 = one forwarding rule)."""

    cluster: str
    uid: str
    namespace: str
    life: Period
    units: int = 1000
    region: str = ""
    shared: bool = False
    pods: tuple[PodSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes sent evenly over a span. Without a namespace they are shared by the cluster."""

    cluster: str
    namespace: str | None
    traffic_class: str
    byte_count: int
    span: Period


@dataclass(frozen=True, slots=True)
class Fee:
    """A dated amount a cluster costs as a whole, per hour, per month of 730 hours or per calendar month."""

    cluster: str
    id: str
    amount: Decimal
    unit: Unit
    span: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Price:
    """One dated rate. An empty column fits everything; no clusters means all of them."""

    asset: str
    amount: Decimal
    unit: Unit
    span: Period = ALWAYS
    instance_type: str = ""
    region: str = ""
    capacity_class: str = ""
    storage_class: str = ""
    provider_id: str = ""
    clusters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReferencePrices:
    """Ratios that split the price of a whole node; only their proportion matters. Per core, GiB and GPU."""

    cpu: Decimal = Decimal("0.031611")
    memory: Decimal = Decimal("0.004237")
    gpu: Decimal = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Membership:
    """A project holds a namespace in a span."""

    cluster: str
    namespace: str
    project: str
    span: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class ProjectOwner:
    """A team owns a project in a span."""

    project: str
    team: str
    span: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class SharedNamespace:
    """A namespace, by name, is shared in a cluster in a span."""

    cluster: str
    name: str
    span: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class Rule:
    """How a cluster treats idle and shared amounts in a span of whole hours."""

    cluster: str
    idle: IdlePolicy = IdlePolicy.APART
    idle_scope: IdleScope = IdleScope.CLUSTER
    sharing: Sharing = Sharing.APART
    sharing_scope: SharingScope = SharingScope.CLUSTER
    span: Period = ALWAYS


@dataclass(frozen=True, slots=True)
class World:
    """All an allocation needs. `window.end` is the instant up to which is counted."""

    window: Period
    clusters: tuple[Cluster, ...]
    currency: str = "USD"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    grain: Grain = Grain.HOUR
    namespaces: tuple[Namespace, ...] = ()
    nodes: tuple[Node, ...] = ()
    segments: tuple[Segment, ...] = ()
    volumes: tuple[Volume, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    network: tuple[Traffic, ...] = ()
    fees: tuple[Fee, ...] = ()
    prices: tuple[Price, ...] = ()
    reference_prices: ReferencePrices = field(default_factory=ReferencePrices)
    memberships: tuple[Membership, ...] = ()
    projects: tuple[ProjectOwner, ...] = ()
    shared: tuple[SharedNamespace, ...] | None = None
    rules: tuple[Rule, ...] = ()


def total(quantities: Mapping[Resource, int], amounts: Mapping[Resource, Decimal | None]) -> Decimal | None:
    """Return the sum of the amounts, None as soon as a resource with a quantity has no price."""
    if any(quantities.get(resource) and amount is None for resource, amount in amounts.items()):
        return None
    return sum((amount for amount in amounts.values() if amount is not None), Decimal(0))


@dataclass(frozen=True, slots=True)
class AssetHour:
    """What the things of one price key cost in one hour, per resource."""

    hour: datetime
    span: Period
    cluster: str
    price_key: PriceKey
    quantities: Mapping[Resource, int]
    amounts: Mapping[Resource, Decimal | None]
    overcommitted: bool = False

    @property
    def amount(self) -> Decimal | None:
        """The sum over the resources; None when one of them has no price."""
        return total(self.quantities, self.amounts)


@dataclass(frozen=True, slots=True)
class Allocation:
    """A row: the part of an hour's (or, when distributed, a grain's) cost that falls to one owner and kind.

    `team` None is unassigned; an amount None beside a quantity is unpriced; negative amounts stand only in
    distributed kinds, where they take from the source what others receive.
    """

    hour: datetime
    span: Period
    cluster: str
    namespace: str | None
    namespace_name: str
    team: str | None
    project: str | None
    kind: Kind
    price_key: PriceKey | None
    shared: bool
    quantities: Mapping[Resource, int]
    amounts: Mapping[Resource, Decimal | None]
    overcommitted: bool = False

    @property
    def amount(self) -> Decimal | None:
        """The sum over the resources; None when one of them has no price."""
        return total(self.quantities, self.amounts)


@dataclass(frozen=True, slots=True)
class PodShare:
    """A pod's part of a row, for display: the parts of a row add up to it. Pod "" is what no pod held."""

    hour: datetime
    span: Period
    cluster: str
    namespace: str | None
    pod: str
    price_key: PriceKey | None
    quantities: Mapping[Resource, int]
    amounts: Mapping[Resource, Decimal | None]


@dataclass(frozen=True, slots=True)
class Result:
    """Everything one run gives; Σ allocations = Σ assets, per resource and in total, to the last digit."""

    assets: tuple[AssetHour, ...]
    allocations: tuple[Allocation, ...]
    pods: tuple[PodShare, ...]
