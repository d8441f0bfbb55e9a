"""Job handlers of the room."""

from uuid import UUID

from clusters.projects.services import consistency, removals, settling, spreading, terms
from portal.core import clock
from portal.jobs.runner import JobRun


def check_ownership(run: JobRun) -> dict[str, int]:
    """Compare the inventory's owner columns with the dated rows, and set them right."""
    return {"corrected": consistency.correct()}


def spread(run: JobRun) -> dict[str, int]:
    """Ask the clusters that a change of rights reaches."""
    return {"clusters": spreading.spread(at=clock.now())}


def settle(run: JobRun) -> dict[str, int]:
    """Follow wishes, deletions and projects that leave."""
    return settling.settle(at=clock.now())


def end_namespaces(run: JobRun) -> dict[str, int]:
    """Warn of namespaces that end, and end them."""
    return terms.tend(at=clock.now())


def remove_namespaces(run: JobRun, *, cluster_id: str) -> dict[str, int]:
    """Delete the namespaces of one cluster that shall go."""
    return removals.carry_out(cluster_id=UUID(cluster_id), at=clock.now())
