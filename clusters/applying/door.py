"""The connection with which Paddock writes to a cluster, and whether it may be used now."""

from datetime import datetime, timedelta
from uuid import UUID

from clusters.inventory.models import Stream
from clusters.inventory.models.sync import StreamState
from clusters.kube.connection import Connection
from clusters.registry import accounts
from clusters.registry.models import Account, Cluster

# A cluster whose identity was not confirmed for longer than this is not written to.
CONFIRMED_WITHIN = timedelta(minutes=5)


def connection(cluster: Cluster) -> Connection:
    """Return the connection for writing. Raises `portal.core.errors.Conflict` where there is none."""
    return accounts.connection(cluster, Account.MANAGE)


def is_confirmed(cluster_id: UUID, at: datetime) -> bool:
    """Tell whether the sync looked at the cluster's identity a moment ago: it does before each of its readings."""
    return Stream.objects.filter(cluster_id=cluster_id, kind="namespace", last_ok_at__gt=at - CONFIRMED_WITHIN).exists()


def held_kinds(cluster_id: UUID) -> frozenset[str]:
    """Return the kinds of which more than half vanished at once: nothing of them is written until that is cleared."""
    held = Stream.objects.filter(cluster_id=cluster_id, state=StreamState.HELD)
    return frozenset(held.values_list("kind", flat=True))
