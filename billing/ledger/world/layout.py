"""The members of a world as JSON, with their descriptions, units and bounds."""

from enum import StrEnum

from billing.ledger.allocation import model
from billing.ledger.world.fields import REQUIRED, Field, amount, array, choice, flag, instant, scaled, struct, text

MOST_CORES = 4096
MOST_MEMORY = 2**50
MOST_BYTES = 2**60
NODE_CLASSES = ("on_demand", "spot", "committed")
TRAFFIC_CLASSES = ("zone", "region", "internet")
NO_REQUEST = {"cpu": 0, "memory": 0, "gpu": 0}
PRICED = ("node", "core", "memory", "gpu", "volume", "load_balancer", "network")


def _words(kind: type[StrEnum]) -> list[str]:
    return [word.value for word in kind]


def _span(what: str, *, needed: bool = False) -> list[Field]:
    if needed:
        return [instant("from", f"{what}: first instant"), instant("to", f"{what}: instant it ends, exclusive")]
    return [
        instant("from", f"{what}: first instant; without it, since ever", default=None, null=True),
        instant("to", f"{what}: instant it ends, exclusive; without it, for ever", default=None, null=True),
    ]


def _cluster() -> Field:
    return text("cluster", "Id of the cluster")


def _sizes(name: str, doc: str, *, absent: object, default: object = REQUIRED, positive: bool = False) -> Field:
    """Declare CPU, memory and GPU; `absent` stands for a member that is left out."""
    return struct(
        name,
        doc,
        [
            scaled("cpu", "CPU in cores", "core", places=3, positive=positive, most=MOST_CORES, default=absent),
            scaled("memory", "Memory in bytes", "byte", positive=positive, most=MOST_MEMORY, default=absent),
            scaled(
                "gpu",
                "GPU devices or slices",
                "gpu",
                places=3,
                most=MOST_CORES,
                default=0 if absent is REQUIRED else absent,
            ),
        ],
        default=default,
    )


def _pod_spans(name: str, doc: str) -> Field:
    entry = struct("entry", "A pod and its span", [text("pod", "Uid of the pod"), *_span("The pod is there")])
    return array(name, doc, entry, default=())


CLUSTER = struct("cluster", "A cluster", [text("id", "Its id"), *_span("Attached")])
NAMESPACE = struct(
    "namespace",
    "The name of a namespace uid; a namespace created again has a new uid",
    [_cluster(), text("uid", "Its uid"), text("name", "Its name")],
)
NODE = struct(
    "node",
    "One life of a machine at one size and price key; a replaced node is another uid or another span",
    [
        _cluster(),
        text("uid", "Its uid"),
        *_span("The machine runs"),
        _sizes("capacity", "What the machine has, and what is priced", absent=REQUIRED, positive=True),
        _sizes(
            "allocatable",
            "What pods may request; what is left out is as the capacity. The rest is reserved",
            absent=None,
            default=None,
        ),
        text("instance_type", "Instance type", default=""),
        text("region", "Region", default=""),
        choice("class", "How it is bought", NODE_CLASSES, default="on_demand"),
        text("provider_id", "Provider id, for a rate of its own", default=""),
    ],
)
SAMPLE = struct(
    "sample",
    "Usage that held for a span; left out, the segment's. Time without a sample is charged by request",
    [
        *_span("The usage held"),
        scaled("cpu", "CPU used, in cores", "core", places=3, default=None, most=MOST_CORES),
        scaled("memory", "Memory used, in bytes", "byte", default=None, most=MOST_MEMORY),
    ],
)
SEGMENT = struct(
    "segment",
    "A span in which a pod requested the same amounts on the same node",
    [
        _cluster(),
        text("uid", "Uid of the pod"),
        text("namespace", "Uid of its namespace"),
        text("node", "Uid of its node; null when it was never seen, then unpriced", null=True, default=None),
        *_span("The pod was started and not ended"),
        _sizes(
            "requests",
            "Effective request of the pod (init containers and sidecars included); left out: nothing",
            absent=0,
            default=NO_REQUEST,
        ),
        array("usage", "Usage samples, not overlapping", SAMPLE, default=()),
    ],
)
CLAIM = struct("claim", "A claim of a namespace", [text("namespace", "Namespace uid"), *_span("Bound")])
VOLUME = struct(
    "volume",
    "A span in which a persistent volume had one size and class. Between claims the last namespace pays",
    [
        _cluster(),
        text("uid", "Its uid"),
        *_span("The volume exists"),
        scaled("capacity", "Capacity in bytes", "byte", most=MOST_BYTES),
        text("storage_class", "Storage class", default=""),
        text("region", "Region", default=""),
        array("claims", "Who holds it when", CLAIM, default=()),
        _pod_spans("mounts", "Pods that mount it: they share its cost 1/n while n of them do"),
    ],
)
LOAD_BALANCER = struct(
    "load_balancer",
    "A load balancer, paid by the namespace of its service",
    [
        _cluster(),
        text("uid", "Its uid"),
        text("namespace", "Uid of the namespace of its service"),
        *_span("It exists"),
        scaled("units", "Forwarding rules", "rule", places=3, default=1000, most=MOST_CORES),
        text("region", "Region", default=""),
        flag("shared", "Shared cost, as of an ingress controller"),
        _pod_spans("pods", "Pods behind it: they share its cost by their seconds"),
    ],
)
TRAFFIC = struct(
    "traffic",
    "Bytes sent, evenly over a span",
    [
        _cluster(),
        text("namespace", "Namespace uid; null: shared by the cluster", null=True, default=None),
        choice("class", "Where they went", TRAFFIC_CLASSES),
        scaled("bytes", "Bytes", "byte", most=MOST_BYTES),
        *_span("Sent", needed=True),
    ],
)
FEE = struct(
    "fee",
    "What a cluster costs as a whole: management fee or a fixed shared amount",
    [
        _cluster(),
        text("id", "Tells several fees of a cluster apart", default=""),
        amount("amount", "Amount per unit", "currency"),
        choice(
            "unit",
            "hour, month (730 hours) or calendar_month (spread over its real length)",
            _words(model.Unit),
        ),
        *_span("In force, on whole hours"),
    ],
)
PRICE = struct(
    "price",
    "A dated rate; an empty column fits everything",
    [
        choice("asset", "What it prices: per node, core, GiB, GPU, GiB, rule, GiB sent", PRICED),
        amount("price", "Price per unit", "currency"),
        choice("unit", "hour or month (730 hours); for network left out", ("hour", "month"), default=None),
        text("instance_type", "Instance type", default=""),
        text("region", "Region", default=""),
        choice("class", "Class of the node or of the traffic", ("", *NODE_CLASSES, *TRAFFIC_CLASSES), default=""),
        text("storage_class", "Storage class", default=""),
        text("provider_id", "Provider id of the one node it prices", default=""),
        array("clusters", "Clusters it serves; empty: all", text("id", "Id of a cluster"), default=()),
        *_span("In force, on whole hours"),
    ],
)
REFERENCE = struct(
    "reference_prices",
    "Ratios that split the price of a whole node; only their proportion matters",
    [
        amount("cpu", "Per core-hour", "currency", positive=True, default=model.ReferencePrices().cpu),
        amount("memory", "Per GiB-hour", "currency", positive=True, default=model.ReferencePrices().memory),
        amount("gpu", "Per GPU-hour", "currency", positive=True, default=model.ReferencePrices().gpu),
    ],
    default=None,
)
MEMBERSHIP = struct(
    "membership",
    "A project holds a namespace",
    [
        _cluster(),
        text("namespace", "Namespace uid"),
        text("project", "Id of the project"),
        *_span("Held"),
    ],
)
PROJECT = struct(
    "project",
    "A team owns a project; a namespace whose project has no team is unassigned",
    [text("project", "Id of the project"), text("team", "Id of the team"), *_span("Owned")],
)
SHARED = struct(
    "shared",
    "A namespace that is shared cost",
    [_cluster(), text("namespace", "Name (not uid) of the namespace"), *_span("Shared")],
)
RULE = struct(
    "rule",
    "How a cluster treats idle and shared amounts; without a rule both stand apart",
    [
        _cluster(),
        choice("idle", "Idle stands apart, or is shared by use", _words(model.IdlePolicy), default="apart"),
        choice("idle_scope", "Shared within", _words(model.IdleScope), default="cluster"),
        choice("sharing", "Shared rows stand apart, or are shared", _words(model.Sharing), default="apart"),
        choice("sharing_scope", "Received in this cluster or in all", _words(model.SharingScope), default="cluster"),
        *_span("In force, on whole hours"),
    ],
)
WORLD = [
    text("currency", "ISO 4217 code of every amount", default="USD"),
    text("time_zone", "Billing time zone: days and calendar months are its", default="UTC"),
    choice("grain", "Span over which idle and shared amounts are worked out", _words(model.Grain), default="hour"),
    struct("window", "What is allocated; `to` is the instant up to which is counted", _span("Window", needed=True)),
    array("clusters", "Clusters", CLUSTER, least=1),
    array("namespaces", "Names of namespaces; a uid without one is its own name", NAMESPACE, default=()),
    array("nodes", "Nodes", NODE, default=()),
    array("segments", "What pods requested and used", SEGMENT, default=()),
    array("volumes", "Persistent volumes", VOLUME, default=()),
    array("load_balancers", "Load balancers", LOAD_BALANCER, default=()),
    array("network", "Network usage", TRAFFIC, default=()),
    array("fees", "Fees", FEE, default=()),
    array("prices", "Prices", PRICE, default=()),
    REFERENCE,
    array("memberships", "Namespaces held by projects", MEMBERSHIP, default=()),
    array("projects", "Projects owned by teams", PROJECT, default=()),
    array(
        "shared",
        f"Shared namespaces; left out: {', '.join(model.SHARED_BY_DEFAULT)} of every cluster",
        SHARED,
        default=None,
    ),
    array("rules", "Idle and sharing rules", RULE, default=()),
]
