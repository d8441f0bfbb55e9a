"""Nodes: what they offer, where they stand, how they are bought."""

from datetime import datetime

import msgspec

from clusters.kube.objects.metadata import Item, annotations_of, decoded
from clusters.kube.objects.resources import Amounts, cpu_milli, gpu_milli, memory_bytes, pieces

ON_DEMAND, SPOT = "on_demand", "spot"

# Newest label first; the beta names still stand on clusters of before 1.17.
INSTANCE_TYPE = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
# Label -> value in lower case -> class. The first label that is present and known decides.
CAPACITY_CLASS = {
    "eks.amazonaws.com/capacityType": {"spot": SPOT, "on_demand": ON_DEMAND},
    "karpenter.sh/capacity-type": {"spot": SPOT, "on-demand": ON_DEMAND},
    "cloud.google.com/gke-spot": {"true": SPOT},
    "cloud.google.com/gke-preemptible": {"true": SPOT},
    "cloud.google.com/gke-provisioning": {"spot": SPOT, "preemptible": SPOT, "standard": ON_DEMAND},
    "kubernetes.azure.com/scalesetpriority": {"spot": SPOT, "regular": ON_DEMAND},
    "node.kubernetes.io/lifecycle": {"spot": SPOT, "on-demand": ON_DEMAND, "normal": ON_DEMAND},
}
ROLE_PREFIX = "node-role.kubernetes.io/"


class NodeSpec(msgspec.Struct, gc=False):
    provider_id: str | None = msgspec.field(default=None, name="providerID")
    unschedulable: bool | None = None


class Condition(msgspec.Struct, gc=False):
    type: str | None = None
    status: str | None = None


class NodeInfo(msgspec.Struct, gc=False):
    kubelet_version: str | None = msgspec.field(default=None, name="kubeletVersion")
    architecture: str | None = None
    operating_system: str | None = msgspec.field(default=None, name="operatingSystem")


class NodeStatus(msgspec.Struct, gc=False):
    capacity: Amounts | None = None
    allocatable: Amounts | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = msgspec.field(default=None, name="nodeInfo")


class NodeRow(msgspec.Struct, gc=False, frozen=True):
    """CPU in millicores, memory in bytes, GPUs in thousandths. Text is "" where the server says nothing."""

    provider_id: str
    instance_type: str
    region: str
    zone: str
    capacity_class: str  # "on_demand", "spot", or "" where no label says
    roles: list[str]
    cpu_m: int
    memory_bytes: int
    gpu_m: int
    pods: int
    allocatable_cpu_m: int
    allocatable_memory_bytes: int
    allocatable_gpu_m: int
    allocatable_pods: int
    ready: bool
    unschedulable: bool
    kubelet_version: str
    architecture: str
    operating_system: str
    created_at: datetime | None


_SPEC = msgspec.json.Decoder(NodeSpec | None)
_STATUS = msgspec.json.Decoder(NodeStatus | None)


def extract(item: Item) -> NodeRow:
    labels = item.metadata.labels or {}
    spec = decoded(_SPEC, item.spec) or NodeSpec()
    status = decoded(_STATUS, item.status) or NodeStatus()
    info = status.node_info or NodeInfo()
    return NodeRow(
        provider_id=spec.provider_id or "",
        instance_type=first_label(labels, INSTANCE_TYPE),
        region=first_label(labels, REGION),
        zone=first_label(labels, ZONE),
        capacity_class=capacity_class(labels),
        roles=sorted(name.removeprefix(ROLE_PREFIX) for name in labels if name.startswith(ROLE_PREFIX)),
        cpu_m=cpu_milli(status.capacity),
        memory_bytes=memory_bytes(status.capacity),
        gpu_m=gpu_milli(status.capacity),
        pods=pieces(status.capacity, "pods"),
        allocatable_cpu_m=cpu_milli(status.allocatable),
        allocatable_memory_bytes=memory_bytes(status.allocatable),
        allocatable_gpu_m=gpu_milli(status.allocatable),
        allocatable_pods=pieces(status.allocatable, "pods"),
        ready=any(each.type == "Ready" and each.status == "True" for each in status.conditions or ()),
        unschedulable=bool(spec.unschedulable),
        kubelet_version=info.kubelet_version or "",
        architecture=info.architecture or "",
        operating_system=info.operating_system or "",
        created_at=item.metadata.creation_timestamp,
    )


def first_label(labels: dict[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def capacity_class(labels: dict[str, str]) -> str:
    for name, meanings in CAPACITY_CLASS.items():
        found = meanings.get(labels.get(name, "").lower())
        if found:
            return found
    return ""


class NodeTraits(msgspec.Struct, gc=False, frozen=True):
    """What tells one distribution from another."""

    labels: dict[str, str]
    annotations: dict[str, str]
    provider_id: str


def traits(item: Item) -> NodeTraits:
    spec = decoded(_SPEC, item.spec) or NodeSpec()
    return NodeTraits(item.metadata.labels or {}, annotations_of(item), spec.provider_id or "")
