"""Job handlers of the room."""

from uuid import UUID

from billing.metering import services
from portal.core import clock
from portal.jobs.runner import JobRun


def fold(run: JobRun, *, cluster_id: str) -> dict[str, int]:
    """Fold the facts of a cluster."""
    done = services.fold(cluster_id=UUID(cluster_id), at=clock.now(), alive=run.progress)
    return done.as_result()
