"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from billing.ledger import due
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def close_due(at: datetime) -> None:
    """Enqueue the close of each cluster's hours that are not final yet, the running one provisionally.

    A cluster that still has a close waiting or running from an earlier round keeps that one.
    """
    for one in due.all_due(at):
        jobs.enqueue(
            "billing.ledger.close_hour",
            key=str(one.cluster_id),
            by=SYSTEM,
            cluster_id=str(one.cluster_id),
            start=one.hours.start.isoformat(),
            end=one.hours.end.isoformat(),
        )
    jobs.enqueue("billing.ledger.forget", key="", by=SYSTEM)
