"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from billing.metering import selectors
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def fold_due(at: datetime) -> None:
    """Enqueue a fold of each cluster that has something to fold."""
    for cluster_id in selectors.clusters_due(at):
        jobs.enqueue("billing.metering.fold", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id))
