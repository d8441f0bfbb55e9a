"""Tables of the room: what was observed in clusters, how it was read, and the feed to billing."""

from clusters.inventory.models.feed import ChargedFact
from clusters.inventory.models.history import Occurrence, QuotaHour
from clusters.inventory.models.objects import (
    Namespace,
    Node,
    ObjectBody,
    Pod,
    Quota,
    Service,
    Volume,
    VolumeClaim,
    Workload,
)
from clusters.inventory.models.rights import (
    KubeClusterRole,
    KubeClusterRoleBinding,
    KubeRole,
    KubeRoleBinding,
    ServiceAccount,
)
from clusters.inventory.models.rules import (
    Autoscaler,
    CustomResource,
    DisruptionBudget,
    Ingress,
    LimitRange,
    NetworkPolicy,
    StorageClass,
)
from clusters.inventory.models.sync import Lease, Stream

__all__ = [
    "Autoscaler",
    "ChargedFact",
    "CustomResource",
    "DisruptionBudget",
    "Ingress",
    "KubeClusterRole",
    "KubeClusterRoleBinding",
    "KubeRole",
    "KubeRoleBinding",
    "Lease",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "Node",
    "ObjectBody",
    "Occurrence",
    "Pod",
    "Quota",
    "QuotaHour",
    "Service",
    "ServiceAccount",
    "StorageClass",
    "Stream",
    "Volume",
    "VolumeClaim",
    "Workload",
]
