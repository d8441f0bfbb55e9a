"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from django.db.models import F, Q

from clusters.applying.models import WriteLease
from clusters.registry.models import State
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def look_due(at: datetime) -> None:
    """Enqueue a look at each cluster that is written to: what a pass told of, and nobody looked at, is found so."""
    for cluster_id in WriteLease.objects.filter(cluster__state=State.ATTACHED).values_list("cluster_id", flat=True):
        jobs.enqueue("clusters.applying.look", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id))


def apply_due(at: datetime) -> None:
    """Enqueue a pass for each cluster of which one was asked since the last, or in which something is tried again."""
    waiting = Q(asked__gt=F("done")) & (Q(due_at=None) | Q(due_at__lte=at))
    free = Q(until=None) | Q(until__lt=at)
    due = WriteLease.objects.filter(
        waiting | Q(due_at__lte=at), free, stopped_code="", cluster__state=State.ATTACHED, cluster__foreign_uid=""
    )
    for cluster_id in due.order_by("due_at", "asked_at").values_list("cluster_id", flat=True):
        jobs.enqueue("clusters.applying.reconcile", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id))
