"""Who writes to a cluster: claims, the check that stands before every write of rows, and giving back.

A fence cannot stop a request that is on its way: so nothing is sent near the end of a lease.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from clusters.applying.models import WriteLease
from clusters.registry.models import Cluster
from clusters.registry.models import State as ClusterState

LEASE = timedelta(seconds=130)
# Before its end a request could still be under way: the longest deadline of one, and a margin.
QUIET_SECONDS = 35.0

HOLD = """SELECT 1 FROM write_lease lease JOIN cluster ON cluster.id = lease.cluster_id
WHERE lease.cluster_id = %s AND lease.fence = %s AND lease.stopped_code = ''
    AND cluster.generation = %s AND cluster.state = 'attached' AND cluster.foreign_uid = ''
FOR SHARE"""


class LeaseLost(Exception):
    """Another writer has the cluster, it was stopped, or it is registered anew: what is still to come is too late."""


@dataclass(frozen=True)
class Grip:
    """A claim. `sends_until` is an instant of the monotonic clock."""

    cluster_id: UUID
    fence: int
    generation: int
    asked: int
    sends_until: float

    def hold(self) -> None:
        """Keep lease and registration as they are until the end of the transaction. Raises `LeaseLost`."""
        with connection.cursor() as cursor:
            cursor.execute(HOLD, [self.cluster_id, self.fence, self.generation])
            if cursor.fetchone() is None:
                raise LeaseLost

    def may_send(self) -> bool:
        """Tell whether a request may still be sent."""
        return time.monotonic() < self.sends_until


def claim(*, cluster_id: UUID, owner: str, at: datetime) -> Grip | None:
    """Take the lease; None where somebody has it, writing is stopped or the cluster is not to be written to."""
    begun = time.monotonic()
    with transaction.atomic():
        cluster = (
            Cluster.objects.filter(pk=cluster_id, state=ClusterState.ATTACHED, foreign_uid="")
            .values("generation")
            .first()
        )
        if cluster is None:
            return None
        WriteLease.objects.bulk_create([WriteLease(cluster_id=cluster_id)], ignore_conflicts=True)
        free = Q(until=None) | Q(until__lt=at)
        taken = WriteLease.objects.filter(free, cluster_id=cluster_id, stopped_code="").update(
            owner=owner, until=at + LEASE, fence=F("fence") + 1
        )
        if not taken:
            return None
        lease = WriteLease.objects.get(pk=cluster_id)
    return Grip(
        cluster_id, lease.fence, cluster["generation"], lease.asked, begun + LEASE.total_seconds() - QUIET_SECONDS
    )


def give_back(grip: Grip, **values: object) -> bool:
    """Free the lease and keep what its pass found out; False where it was lost already."""
    return bool(
        WriteLease.objects.filter(cluster_id=grip.cluster_id, fence=grip.fence).update(until=None, owner="", **values)
    )


def stop(*, cluster_id: UUID, code: str, text: str, at: datetime) -> bool:
    """Write nothing more until a person lets it go on; what runs is fenced off. False where it was stopped before."""
    WriteLease.objects.bulk_create([WriteLease(cluster_id=cluster_id)], ignore_conflicts=True)
    found = WriteLease.objects.filter(cluster_id=cluster_id, stopped_code="")
    return bool(
        found.update(
            stopped_code=code, stopped_text=text[:300], stopped_at=at, until=None, owner="", fence=F("fence") + 1
        )
    )
