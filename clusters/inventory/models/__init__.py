"""Tables of the room: what was observed in clusters, how it was read, and the feed to billing."""

from clusters.inventory.models.feed import ChargedFact
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
from clusters.inventory.models.sync import Lease, Stream

__all__ = [
    "ChargedFact",
    "Lease",
    "Namespace",
    "Node",
    "ObjectBody",
    "Pod",
    "Quota",
    "Service",
    "Stream",
    "Volume",
    "VolumeClaim",
    "Workload",
]
