"""Job handlers of the room."""

from typing import Any

from clusters.inventory import selectors, services
from portal.core import clock
from portal.jobs.runner import JobRun


def drain(run: JobRun, *, cluster_id: str) -> dict[str, Any]:
    """Read a cluster once; it does nothing where somebody else reads it."""
    cluster = selectors.attached(cluster_id)
    if cluster is None:
        return {"skipped": "detached"}
    report = services.sync_once(cluster, at=clock.now(), owner=str(run.job_id), alive=run.demand_alive)
    return report.as_result()


def forget(run: JobRun) -> dict[str, int]:
    """Delete what has been gone for a week."""
    return {"removed": services.forget(at=clock.now())}
