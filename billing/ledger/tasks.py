"""Job handlers of the room."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.ledger import services
from billing.metering import services as metering
from portal.core import clock
from portal.jobs import services as jobs
from portal.jobs.runner import JobRun


def close_hour(run: JobRun, *, cluster_id: str, start: str, end: str) -> dict[str, Any]:
    """Close hours of a cluster with the newest facts; `start` and `end` are ISO instants.

    What is more than two days goes on in another job, so that one attempt stays short.
    """
    key = UUID(cluster_id)
    begins, ends = _instant(start), _instant(end)
    metering.fold(cluster_id=key, at=clock.now(), alive=run.progress)
    part = services.first_part(begins, ends)
    done = services.close_range(cluster_id=key, start=begins, end=part, at=clock.now(), run=run)
    if part < ends:
        jobs.enqueue(
            "billing.ledger.close_hour",
            key=f"{cluster_id} {part.isoformat()} {end}",
            by=run.by,
            cluster_id=cluster_id,
            start=part.isoformat(),
            end=end,
        )
    return done.as_result()


def forget(run: JobRun) -> dict[str, int]:
    """Forget what each pod took of hours that are older than a week."""
    return {"removed": services.forget(at=clock.now())}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
