"""What is wanted of a cluster once something was withdrawn from it."""

from datetime import datetime
from uuid import UUID

from clusters.applying import reconciling
from clusters.applying.desired import Desired
from clusters.applying.difference import Key
from clusters.applying.models import WriteLease

ALL = "*"


def note(cluster_id: UUID, project_id: UUID | None) -> None:
    """Want nothing of the project there any more, or nothing at all. In the caller's transaction."""
    WriteLease.objects.bulk_create([WriteLease(cluster_id=cluster_id)], ignore_conflicts=True)
    lease = WriteLease.objects.select_for_update().get(pk=cluster_id)
    lease.withdrawn = sorted({*lease.withdrawn, ALL if project_id is None else str(project_id)})
    lease.save(update_fields=["withdrawn"])


def wanted_in(cluster_id: UUID, at: datetime) -> dict[Key, Desired]:
    """Return what the rooms want there, without what was withdrawn."""
    found = WriteLease.objects.filter(pk=cluster_id).values_list("withdrawn", flat=True).first() or []
    if ALL in found:
        return {}
    wanted = reconciling.wanted_in(cluster_id, at)
    return {key: one for key, one in wanted.items() if str(one.project_id) not in found} if found else wanted
