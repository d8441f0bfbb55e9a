"""Paddock's own small jobs, and handlers that the schedule calls."""

from portal.core import clock
from portal.jobs import services
from portal.jobs.runner import JobRun


def beat(run: JobRun, *, queue: str) -> None:
    """Note that a worker took a job of this queue."""
    services.beat(queue=queue, at=clock.now())


def prune(run: JobRun) -> dict[str, int]:
    """Forget old finished jobs."""
    return {"removed": services.prune(at=clock.now())}
