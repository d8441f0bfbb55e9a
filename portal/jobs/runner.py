"""Running one job under its lease. Called by the Celery task, by commands, and by tests."""

import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.core import clock
from portal.core.actors import Actor
from portal.jobs import kinds
from portal.jobs.models import Job, State

log = structlog.get_logger(__name__)
# A worker that dies is noticed this long after its attempt must have ended.
LEASE_MARGIN = timedelta(seconds=30)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)


class LeaseLost(Exception):
    """Another worker holds the job now: whatever this one still wants to write is too late."""


class Cancelled(Exception):
    """Somebody asked the job to stop."""


class TryLater(Exception):
    """The work cannot be done now; it is tried again after `seconds` without counting as a failure of the code."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


@dataclass
class JobRun:
    """One attempt, as its handler sees it. `fence` goes into every guarded UPDATE of the handler's room."""

    job_id: UUID
    fence: int
    by: Actor

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Show how far the job is, and stop here if it may not go on. Raises `LeaseLost`, `Cancelled`."""
        self._guarded(done=done, total=total, text=text[:300])
        self.demand_alive()

    def demand_alive(self) -> None:
        """Raise `LeaseLost` or `Cancelled` if the job may not go on."""
        row = Job.objects.filter(pk=self.job_id, fence=self.fence, state=State.RUNNING).values("cancel_asked").first()
        if row is None:
            raise LeaseLost
        if row["cancel_asked"]:
            raise Cancelled

    def hold(self) -> None:
        """Lock the row inside the caller's transaction: a later claim waits, an earlier one is refused here.

        Raises `LeaseLost`.
        """
        if (
            not Job.objects.select_for_update(of=("self",))
            .filter(pk=self.job_id, fence=self.fence, state=State.RUNNING)
            .exists()
        ):
            raise LeaseLost

    def _guarded(self, **values: Any) -> None:
        if not Job.objects.filter(pk=self.job_id, fence=self.fence, state=State.RUNNING).update(**values):
            raise LeaseLost


def run(job_id: UUID) -> str:
    """Claim and run one job; returns the state it is left in, or "not due" when there was nothing to claim.

    Never raises for what the handler does: its error is written on the row.
    """
    claimed = _claim(job_id)
    if claimed is None:
        return "not due"
    job_run = JobRun(job_id=claimed.pk, fence=claimed.fence, by=Actor.from_json(claimed.by))
    kind = kinds.get(claimed.kind)
    structlog.contextvars.bind_contextvars(job=str(job_id), kind=kind.key)
    try:
        if not _allowed(kind, job_run.by, claimed.ids):
            return _end(
                job_run,
                State.DEAD,
                error=_("The person who asked for this no longer has the right: %s") % kind.permission,
            )
        result = import_string(kind.handler)(job_run, **claimed.ids)
    except LeaseLost:
        log.warning("job.lease_lost")
        return "lease lost"
    except Cancelled:
        return _end(job_run, State.CANCELLED)
    except TryLater as later:
        return _pause(job_run, claimed, str(later), timedelta(seconds=later.seconds))
    except Exception as error:  # the handler's failure belongs on the row, whatever it is
        log.warning("job.failed", exc_info=True)
        return _pause(job_run, claimed, f"{type(error).__name__}: {error}", _back_off(claimed.attempts), error)
    finally:
        structlog.contextvars.unbind_contextvars("job", "kind")
    return _end(job_run, State.SUCCEEDED, result=result)


def _claim(job_id: UUID) -> Job | None:
    now = clock.now()
    with transaction.atomic():
        job = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None or not _due(job):
            return None
        if job.attempts >= job.max_attempts:
            Job.objects.filter(pk=job.pk).update(
                state=State.DEAD,
                finished_at=now,
                fence=job.fence + 1,
                error=job.error or _("The worker was lost in each of %d attempts.") % job.attempts,
            )
            return None
        lease = now + timedelta(seconds=kinds.get(job.kind).seconds) + LEASE_MARGIN
        Job.objects.filter(pk=job.pk).update(
            state=State.RUNNING,
            attempts=job.attempts + 1,
            fence=job.fence + 1,
            lease_until=lease,
            started_at=now,
        )
    job.refresh_from_db()
    return job


def _due(job: Job) -> bool:
    now = clock.now()
    if job.state == State.WAITING:
        return job.due_at <= now
    return job.state == State.RUNNING and job.lease_until is not None and job.lease_until < now


def _allowed(kind: kinds.Kind, by: Actor, ids: dict[str, str | int]) -> bool:
    authorizer = import_string(settings.JOB_AUTHORIZER)
    return kind.permission == "system" or bool(authorizer(by, kind.permission, ids))


def _back_off(attempts: int) -> timedelta:
    pause: timedelta = FIRST_PAUSE * 2 ** max(attempts - 1, 0)
    return min(pause, LONGEST_PAUSE)


def _pause(job_run: JobRun, job: Job, text: str, pause: timedelta, error: Exception | None = None) -> str:
    if job.attempts >= job.max_attempts:
        return _end(job_run, State.DEAD, error=_told(text, error))
    now = clock.now()
    changed = Job.objects.filter(pk=job_run.job_id, fence=job_run.fence).update(
        state=State.WAITING, due_at=now + pause, sent_at=None, lease_until=None, error=_told(text, error)
    )
    return State.WAITING.value if changed else "lease lost"


def _told(text: str, error: Exception | None) -> str:
    # The place in the code, without values: a traceback's variables could hold a credential.
    if error is None:
        return text
    frames = traceback.extract_tb(error.__traceback__)
    return (
        text
        + "\n"
        + "\n".join(f"{frame.name} ({frame.filename.rsplit('/', 2)[-1]}:{frame.lineno})" for frame in frames[-4:])
    )


def _end(job_run: JobRun, state: State, *, result: dict[str, Any] | None = None, error: str = "") -> str:
    changed = Job.objects.filter(pk=job_run.job_id, fence=job_run.fence).update(
        state=state, finished_at=clock.now(), lease_until=None, result=result, error=error
    )
    return state.value if changed else "lease lost"
