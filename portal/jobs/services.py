"""Asking for work, and steering it."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.core import clock, errors
from portal.core.actors import Actor
from portal.jobs import kinds
from portal.jobs.models import OPEN, Heartbeat, Job, ScheduleSlot, State

log = structlog.get_logger(__name__)
RESEND_AFTER = timedelta(seconds=30)
KEEP_FINISHED = timedelta(days=30)
KEEP_PRUNED = timedelta(minutes=1)


def enqueue(kind: str, *, key: str, by: Actor, due_at: datetime | None = None, **ids: str | int) -> Job:
    """Write a job in the caller's transaction and send its id on commit.

    One open job per (kind, key): asking again returns the open one. Raises `kinds.UnknownKind`.
    """
    known = kinds.get(kind)
    now = clock.now()
    job = Job(
        kind=kind,
        key=key,
        ids=ids,
        queue=known.queue,
        by=by.as_json(),
        by_label=by.label,
        max_attempts=known.attempts,
        due_at=due_at or now,
        created_at=now,
    )
    # The unique index decides: a second click finds the first job, without an error that would end the transaction.
    written = Job.objects.bulk_create([job], ignore_conflicts=True)[0]
    found = Job.objects.filter(kind=kind, key=key, state__in=OPEN).first() or written
    if found.pk == job.pk and found.due_at <= now:
        transaction.on_commit(partial(send, job.pk, known.queue), robust=True)
    return found


def send(job_id: UUID, queue: str) -> None:
    """Tell a worker of the job. A broker that is away costs time only: the row stays and is sent again."""
    sender = import_string(settings.JOB_SENDER)
    try:
        sender(job_id, queue)
    except OSError as error:
        log.warning("job.not_sent", job=str(job_id), reason=type(error).__name__)
        return
    Job.objects.filter(pk=job_id).update(sent_at=clock.now())


def send_stuck(*, at: datetime) -> int:
    """Send again what nobody took, and what a dead worker left. Returns how many."""
    stuck = list(Job.objects.to_send(at, at - RESEND_AFTER).order_by("due_at").values_list("id", "queue")[:500])
    for job_id, queue in stuck:
        send(job_id, queue)
    return len(stuck)


def take_slot(*, name: str, slot: datetime) -> bool:
    """Claim one run of a scheduled entry; False where another beat had it."""
    _row, created = ScheduleSlot.objects.get_or_create(name=name, slot=slot)
    return created


def retry(*, job: Job, at: datetime) -> Job:
    """Put a finished, dead or cancelled job back to waiting, with fresh attempts. Raises `Conflict`."""
    with transaction.atomic():
        locked = Job.objects.select_for_update().get(pk=job.pk)
        if locked.state in OPEN:
            raise errors.Conflict.one("", _("The job is still open."))
        if Job.objects.filter(kind=locked.kind, key=locked.key).open().exists():
            raise errors.Conflict.one("", _("The same work is open in a newer job."))
        Job.objects.filter(pk=job.pk).update(
            state=State.WAITING,
            attempts=0,
            due_at=at,
            sent_at=None,
            cancel_asked=False,
            error="",
            finished_at=None,
            done=0,
            total=None,
            text="",
        )
        transaction.on_commit(partial(send, job.pk, locked.queue), robust=True)
    return Job.objects.get(pk=job.pk)


def cancel(*, job: Job, at: datetime) -> Job:
    """Stop a job: at once while it waits, at its next step while it runs. Raises `Conflict`."""
    with transaction.atomic():
        locked = Job.objects.select_for_update().get(pk=job.pk)
        if locked.state not in OPEN:
            raise errors.Conflict.one("", _("The job has ended already."))
        if locked.state == State.WAITING:
            Job.objects.filter(pk=job.pk).update(state=State.CANCELLED, finished_at=at, fence=locked.fence + 1)
        else:
            Job.objects.filter(pk=job.pk).update(cancel_asked=True)
    return Job.objects.get(pk=job.pk)


def beat(*, queue: str, at: datetime) -> None:
    """Note that a worker of the queue is alive. Run as a job, so that a deaf worker is seen."""
    Heartbeat.objects.update_or_create(queue=queue, defaults={"beat_at": at})


def prune(*, at: datetime) -> int:
    """Forget finished jobs that nobody looks at any more. Returns how many."""
    frequent = [kind.key for kind in kinds.known().values() if kind.prune]
    finished = Job.objects.exclude(state__in=OPEN)
    short, _rows = finished.filter(kind__in=frequent, state=State.SUCCEEDED, finished_at__lt=at - KEEP_PRUNED).delete()
    long, _rows = finished.filter(finished_at__lt=at - KEEP_FINISHED).delete()
    ScheduleSlot.objects.filter(slot__lt=at - timedelta(days=1)).delete()
    return short + long
