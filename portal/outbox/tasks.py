"""Job handlers of the room."""

from portal.core import clock
from portal.jobs.runner import JobRun
from portal.outbox import delivery, services


def deliver(run: JobRun, *, to: str) -> dict[str, int]:
    """Deliver what is due of one kind: `mail`, `webhook` or `stream`."""
    return delivery.deliver(run=run, kind=to)


def prune(run: JobRun) -> dict[str, int]:
    """Forget old messages."""
    return {"removed": services.prune(at=clock.now())}
