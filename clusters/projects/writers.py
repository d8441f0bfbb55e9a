"""With what credential namespaces of a cluster are deleted, and whether that may be done now."""

from datetime import datetime
from uuid import UUID

from clusters.applying import door
from clusters.applying.models import WriteLease
from clusters.kube.connection import Connection
from clusters.registry.models import Cluster
from portal.core import errors


def connection(cluster_id: UUID, at: datetime) -> Connection | None:
    """Return how to write to the cluster, None where Paddock may not write there now.

    As for every write: not where its identity was not confirmed lately, where writing is stopped, or without an
    account for it.
    """
    cluster = Cluster.objects.attached().filter(pk=cluster_id, foreign_uid="").first()
    stopped = WriteLease.objects.filter(pk=cluster_id).exclude(stopped_code="").exists()
    if cluster is None or stopped or not door.is_confirmed(cluster_id, at):
        return None
    try:
        return door.connection(cluster)
    except errors.Conflict:
        return None
