"""Job handlers of the room."""

from uuid import UUID

from clusters.registry import services
from portal.core import clock
from portal.jobs.runner import JobRun


def check(run: JobRun, *, cluster_id: str) -> dict[str, bool]:
    """Look at a candidate or an attached cluster."""
    run.demand_alive()
    return {"kept": services.check(cluster_id=UUID(cluster_id), at=clock.now(), hold=run.hold) is not None}


def purge(run: JobRun) -> dict[str, int]:
    """Remove candidates that nobody confirmed within a day."""
    return {"removed": services.purge_candidates(at=clock.now())}
