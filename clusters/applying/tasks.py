"""Job handlers of the room."""

from uuid import UUID

from clusters.applying import removing, services
from portal.core import clock
from portal.jobs.runner import JobRun


def reconcile(run: JobRun, *, cluster_id: str) -> dict[str, object]:
    """Make what is wanted true in one cluster."""
    report = services.reconcile(
        cluster_id=UUID(cluster_id), at=clock.now(), owner=str(run.job_id), alive=run.demand_alive
    )
    return report.as_result()


def look(run: JobRun, *, cluster_id: str) -> dict[str, int]:
    """Compare what was written with what was read."""
    found = services.look(cluster_id=UUID(cluster_id), at=clock.now())
    return {"drifted": found.drifted, "held": found.held, "confirmed": found.confirmed}


def remove_foreign(run: JobRun, *, foreign_id: str) -> dict[str, bool]:
    """Delete an object that claims to be ours and is not."""
    run.demand_alive()
    return {"removed": removing.remove(UUID(foreign_id))}
