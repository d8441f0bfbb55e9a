"""Paddock's own small jobs, and handlers that the schedule calls."""

from django.contrib.sessions.backends.db import SessionStore

from portal.core import clock
from portal.jobs import services
from portal.jobs.runner import JobRun


def beat(run: JobRun, *, queue: str) -> None:
    """Note that a worker took a job of this queue."""
    services.beat(queue=queue, at=clock.now())


def prune(run: JobRun) -> dict[str, int]:
    """Forget old finished jobs, and sessions that have ended."""
    SessionStore.clear_expired()
    return {"removed": services.prune(at=clock.now())}
