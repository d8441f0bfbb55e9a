"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from clusters.inventory import selectors
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def drain_due(at: datetime) -> None:
    """Enqueue a pass over each attached cluster that nobody reads and that is due, most overdue first."""
    for cluster_id in selectors.clusters_due(at):
        jobs.enqueue("clusters.inventory.drain", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id))
