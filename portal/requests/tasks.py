"""Jobs of the room."""

from uuid import UUID

from portal.core import clock
from portal.jobs.runner import JobRun
from portal.requests import reviews, services, telling


def tell(run: JobRun, *, request_id: str) -> dict[str, int]:
    """Mail about one request."""
    return {"told": telling.tell(request_id=UUID(request_id), at=clock.now())}


def tell_review(run: JobRun, *, review_id: str) -> dict[str, int]:
    """Mail about one review."""
    return {"told": telling.tell_review(review_id=UUID(review_id), at=clock.now())}


def tend(run: JobRun) -> dict[str, int]:
    """End what nobody answered, and open the reviews of the quarter."""
    at = clock.now()
    return {"expired": services.expire(at=at), "reviews": reviews.open_due(at=at)}
