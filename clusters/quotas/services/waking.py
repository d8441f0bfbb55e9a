"""Waking what carries a change of quotas out."""

from uuid import UUID

from clusters.applying import services as applying
from clusters.inventory.models import Namespace
from clusters.quotas.models import QuotaShare
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def wake(*, project_id: UUID, because: str) -> None:
    """Ask for writing in the project's clusters and for its shares to be worked out, in the caller's transaction."""
    write(project_id=project_id, because=because)
    jobs.enqueue("clusters.quotas.rebalance", key=str(project_id), by=SYSTEM, project_id=str(project_id))


def write(*, project_id: UUID, because: str) -> None:
    """Ask for writing in the clusters where the project has something, in the caller's transaction."""
    held = Namespace.objects.filter(project_id=project_id, gone_at=None).values_list("cluster_id", flat=True)
    left = QuotaShare.objects.filter(project_id=project_id).values_list("cluster_id", flat=True)
    applying.ask(clusters=sorted({*held, *left}, key=str), because=because)
