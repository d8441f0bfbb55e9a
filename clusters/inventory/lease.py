"""Who reads a cluster: claims, the check that stands before every write, and giving back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Q

from clusters.inventory.merge import statements
from clusters.inventory.models import Lease
from clusters.registry.models import Cluster
from clusters.registry.models import State as ClusterState

# Longer than any pass: a reader that stopped without a word is replaced after this.
LEASE = timedelta(seconds=130)


class LeaseLost(Exception):
    """Another reader holds the cluster, or its registration changed: whatever is still to be written is too late."""


@dataclass(frozen=True)
class Grip:
    """A claim: valid while the lease still has this fence and the cluster this registration."""

    cluster_id: UUID
    fence: int
    generation: int

    def hold(self, cursor: CursorWrapper) -> None:
        """Keep lease and registration as they are until the end of the transaction. Raises `LeaseLost`."""
        cursor.execute(
            statements.HOLD,
            {"cluster": self.cluster_id, "fence": self.fence, "generation": self.generation},
        )
        if cursor.fetchone() is None:
            raise LeaseLost


def claim(*, cluster_id: UUID, owner: str, at: datetime) -> Grip | None:
    """Take the lease of an attached cluster; None where somebody has it or the cluster is not attached."""
    with transaction.atomic():
        cluster = Cluster.objects.filter(pk=cluster_id, state=ClusterState.ATTACHED).values("generation").first()
        if cluster is None:
            return None
        Lease.objects.bulk_create([Lease(cluster_id=cluster_id)], ignore_conflicts=True)
        free = Q(until=None) | Q(until__lt=at)
        taken = Lease.objects.filter(free, cluster_id=cluster_id).update(
            owner=owner, until=at + LEASE, fence=F("fence") + 1
        )
        if not taken:
            return None
        fence = Lease.objects.values_list("fence", flat=True).get(cluster_id=cluster_id)
    return Grip(cluster_id, fence, cluster["generation"])


def give_back(grip: Grip, **values: object) -> bool:
    """Free the lease and note when it is due again; False where it was lost already."""
    return bool(
        Lease.objects.filter(cluster_id=grip.cluster_id, fence=grip.fence).update(until=None, owner="", **values)
    )
