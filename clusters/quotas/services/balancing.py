"""Carrying out what a plan says: rows kept in step, and in a pool shares moved in the clusters themselves."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from clusters.applying import door as writer
from clusters.applying import marks, reconciling
from clusters.applying.models import AppliedObject, WriteLease
from clusters.kube.errors import KubeError
from clusters.quotas import pool, standing
from clusters.quotas.pool import Key
from clusters.quotas.services import shares, waking
from clusters.quotas.services.door import ClusterDoor, Ours, Site
from clusters.registry import services as registry
from clusters.registry.models import Cluster
from portal.core import errors

log = structlog.get_logger(__name__)


def rebalance(*, project_id: UUID, now: Callable[[], datetime]) -> dict[str, int]:
    """Keep the shares of a project in step, and move its pool to where it is used. Not inside a transaction."""
    with transaction.atomic():
        if shares.settle(project_id=project_id):
            waking.write(project_id=project_id, because="quotas.share")
    door = ClusterDoor(lambda cluster_id: site_of(cluster_id, now()), ours, allow_loopback=settings.ALLOW_LOOPBACK)
    try:
        report = shares.rebalance(project_id=project_id, door=door, now=now)
    except pool.FloorsExceed as exceeded:
        # The page says so, and names the namespaces.
        log.warning("quotas.floors", project=str(project_id), resources=str(exceeded))
        return {"refused": 1}
    if report.unmade:
        with transaction.atomic():
            waking.write(project_id=project_id, because="quotas.share")
    return {"lowered": report.lowered, "raised": report.raised, "waiting": report.waiting}


def site_of(cluster_id: UUID, at: datetime) -> Site | None:
    """Return how to write to a cluster, None where nothing may be written to it now."""
    cluster = Cluster.objects.attached().filter(pk=cluster_id, foreign_uid="").first()
    stopped = WriteLease.objects.filter(cluster_id=cluster_id).exclude(stopped_code="").exists()
    if cluster is None or stopped or not writer.is_confirmed(cluster_id, at):
        return None
    try:
        return Site(
            reading=registry.connection(cluster),
            writing=writer.connection(cluster),
            manager=marks.manager(reconciling.installation_id()),
        )
    except (errors.Conflict, KubeError):
        return None


def ours(key: Key) -> Ours | None:
    """Return what is known about our own limit in a namespace, None where none was made."""
    found = (
        AppliedObject.objects.filter(cluster_id=key[0], kind="quota", namespace_uid=key[1], name=standing.NAME)
        .exclude(uid="")
        .first()
    )
    if found is None:
        return None
    return Ours(found.uid, str(marks.Mark(reconciling.installation_id(), found.pk)))
