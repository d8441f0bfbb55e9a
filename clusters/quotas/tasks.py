"""Jobs of the room."""

from uuid import UUID

from clusters.quotas.services import asking, balancing
from portal.core import clock
from portal.jobs.runner import JobRun


def rebalance(run: JobRun, *, project_id: str) -> dict[str, int]:
    """Share out one pool."""
    return balancing.rebalance(project_id=UUID(project_id), now=clock.now)


def expire(run: JobRun) -> dict[str, int]:
    """End the requests that nobody answered."""
    return {"expired": asking.expire(at=clock.now())}
