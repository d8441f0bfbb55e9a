"""Delivering the messages of one kind: claim, send, write how it went; each message in three steps of its own.

No transaction is open while a target is spoken to. A worker that dies between sending and writing leaves a claim that
runs out: the message goes out again with the same id, so receivers can tell. That is delivery at least once.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from portal.core import clock
from portal.jobs.runner import JobRun
from portal.outbox import mail, selectors, services, stream, texts, webhook
from portal.outbox.answers import MessageRefused, Sent, TargetDown
from portal.outbox.models import OPEN, Attempt, Kind, Message, State, TargetState

log = structlog.get_logger(__name__)
SLICE = 200
SECONDS = 60.0
# Longer than any attempt can take; a message whose worker died is sent again after this.
CLAIM = timedelta(seconds=90)


class Session(Protocol):
    """A conversation with a target over several messages; it begins with the first one."""

    def send(self, message: Message) -> Sent:
        """Deliver one message. Raises `TargetDown`, `MessageRefused`."""

    def __enter__(self) -> Any:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, quietly."""


DOORS: dict[str, Callable[[], Session]] = {
    Kind.MAIL.value: mail.session,
    Kind.WEBHOOK.value: webhook.session,
    Kind.STREAM.value: stream.session,
}


def deliver(*, run: JobRun, kind: str) -> dict[str, int]:
    """Deliver what is due, in order, for a minute at most; stop where the target is down. Returns what became of it.

    Raises `LeaseLost` and `Cancelled`.
    """
    at = clock.now()
    if not selectors.has_target(kind):
        return {"no_target": services.without_target(kind=kind, at=at)}
    if TargetState.objects.filter(kind=kind, rests_until__gt=at).exists():
        return {"resting": 1}
    done = {"sent": 0, "failed": 0}
    ends = time.monotonic() + SECONDS
    with DOORS[kind]() as session:
        while time.monotonic() < ends:
            due = list(Message.objects.due(kind, clock.now()).values_list("pk", flat=True)[:SLICE])
            if not _some(run, session, kind, due, done, ends):
                break
    return done


def _some(run: JobRun, session: Session, kind: str, due: list[Any], done: dict[str, int], ends: float) -> bool:
    """Deliver a slice; False where nothing is left to do now."""
    moved = False
    for pk in due:
        if time.monotonic() >= ends:
            break
        run.progress(done["sent"] + done["failed"])
        message = _claim(run, kind, pk)
        if message is None:
            continue
        moved = True
        if not _one(session, message, done):
            return False
    return moved


def _claim(run: JobRun, kind: str, pk: Any) -> Message | None:
    at = clock.now()
    with transaction.atomic():
        run.hold()
        first = Message.objects.head(kind, at).filter(pk=pk)
        message = first.select_for_update(of=("self",), skip_locked=True).first()
        if message is None:
            return None
        Message.objects.filter(pk=pk).update(
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            first_tried_at=Coalesce("first_tried_at", at),
            claimed_until=at + CLAIM,
        )
        message.refresh_from_db()
        target = selectors.target_of(kind)
        Attempt.objects.create(
            message=message, fence=message.fence, started_at=at, target=target.shown if target else ""
        )
    return message


def _one(session: Session, message: Message, done: dict[str, int]) -> bool:
    """Deliver one message; False where its target is down."""
    try:
        sent = session.send(message)
    except TargetDown as down:
        _failed(message, str(down))
        _down(message.kind, str(down))
        done["failed"] += 1
        return False
    except MessageRefused as refused:
        _failed(message, str(refused))
        done["failed"] += 1
        return True
    except Exception as error:  # a message that cannot be written must not hold up the others
        log.warning("outbox.not_written", message=str(message.pk), reason=type(error).__name__)
        _failed(message, _("It could not be written: %s") % type(error).__name__)
        done["failed"] += 1
        return True
    if sent.left:
        _failed(message, sent.text, left=list(sent.left))
        done["failed"] += 1
    else:
        at = clock.now()
        _end(message, True, sent.text, state=State.SENT, sent_at=at, ended_at=at, next_at=None, error="", left=[])
        done["sent"] += 1
    _up(message.kind)
    return True


def _failed(message: Message, text: str, **more: Any) -> None:
    at = clock.now()
    again = texts.next_try(message.attempts, message.first_tried_at or at, at)
    if again is None:
        _end(message, False, text, state=State.DEAD, ended_at=at, next_at=None, error=text[:500], **more)
    else:
        _end(message, False, text, state=State.FAILED, next_at=again, error=text[:500], **more)


def _end(message: Message, ok: bool, text: str, **changes: Any) -> None:
    with transaction.atomic():
        mine = Message.objects.filter(pk=message.pk, fence=message.fence, state__in=OPEN)
        mine.update(claimed_until=None, **changes)
        Attempt.objects.filter(message_id=message.pk, fence=message.fence).update(
            ended_at=clock.now(), ok=ok, text=text[:500]
        )


def _down(kind: str, text: str) -> None:
    at = clock.now()
    with transaction.atomic():
        state, _made = TargetState.objects.select_for_update().get_or_create(kind=kind)
        state.failures += 1
        state.failing_since = state.failing_since or at
        state.rests_until = texts.rest_until(state.failures, at)
        state.error = text[:500]
        state.save()
    log.warning("outbox.target_down", kind=kind, failures=state.failures)


def _up(kind: str) -> None:
    TargetState.objects.update_or_create(
        kind=kind,
        defaults={"failures": 0, "failing_since": None, "rests_until": None, "error": "", "ok_at": clock.now()},
    )
