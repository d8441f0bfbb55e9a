"""Writing messages, and steering them. Nothing here speaks to a target."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.core import errors, formats
from portal.core.actors import SYSTEM, Actor, Subject
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.outbox import emails, selectors, texts
from portal.outbox.models import OPEN, Kind, Message, State, TargetState

LARGEST_BODY = 1 << 20
LINES_BYTES = 1 << 18
KEEP_SENT = timedelta(days=30)
KEEP_DEAD = timedelta(days=90)


def mail(*, to: Sequence[str], subject: str, text: str, key: str, at: datetime, on: Subject | None = None) -> Message:
    """Write a mail in the caller's transaction. `key` makes it one mail, however often it is asked for.

    Never raises for an address or a target: what cannot be sent is a row that says why. Mails to the same addresses
    keep their order. `on` is what the mail is about, for the link on its page.
    """
    asked = list(dict.fromkeys(address.strip() for address in to if address.strip()))
    good = [address for address in asked if texts.is_address(address)]
    bad = [texts.one_line(address)[:80] for address in asked if address not in good]
    message = _message(Kind.MAIL, key=key, at=at, on=on, event="mail", body=texts.lines(text))
    message.subject = texts.one_line(subject)[:300]
    message.to, message.left = [*good, *bad], good
    message.target = ", ".join(message.to)[:300]
    message.lane = f"mail:{','.join(sorted(good))}"[:300]
    if bad:
        message.error = (_("Not an address that mail can be sent to: %s") % ", ".join(bad))[:500]
    if not good:
        message.state, message.ended_at, message.next_at = State.NO_TARGET, at, None
        message.error = message.error or _("Nobody to send it to: no address is known.")
    return _store(message)


def mail_from_template(
    name: str, context: Mapping[str, Any], *, to: Sequence[str], key: str, at: datetime, on: Subject | None = None
) -> Message:
    """Write a mail from `templates/emails/<name>.txt`; see `emails.render` for what the template is given."""
    subject, text = emails.render(name, context)
    return mail(to=to, subject=subject, text=text, key=key, at=at, on=on)


def webhook(
    *, event: str, body: Mapping[str, Any], key: str, at: datetime, lane: str = "", on: Subject | None = None
) -> Message:
    """Write an event for the webhook in the caller's transaction. Events of one `lane` keep their order.

    Without a lane the event waits for no other.
    """
    message = _message(Kind.WEBHOOK, key=key, at=at, on=on, event=event)
    sent = {"id": str(message.pk), "event": event, "at": formats.iso(at), "data": body}
    message.body = json.dumps(sent, cls=DjangoJSONEncoder, separators=(",", ":"))
    message.subject = event
    message.lane = f"webhook:{lane or key}"[:300]
    return _store(message)


def stream(*, target: str, lines: Sequence[str], key: str, at: datetime, on: Subject | None = None) -> Message:
    """Write lines for the audit's collector in the caller's transaction; `target` names the stream, `audit`.

    They leave together and in order, as do the messages of a stream. `LINES_BYTES` is what one message should hold.
    """
    body = "\n".join(texts.one_line(line) for line in lines)
    message = _message(Kind.STREAM, key=key, at=at, on=on, event=target[:60], body=body)
    message.subject = target[:300]
    message.lane = f"stream:{target}"[:300]
    return _store(message)


def retry(*, message: Message, by: Actor, at: datetime) -> Message:
    """Have a message that failed, died or had no target sent now, with a fresh day of attempts. Raises `Conflict`."""
    with transaction.atomic():
        locked = Message.objects.select_for_update().get(pk=message.pk)
        if locked.state == State.SENT:
            raise errors.Conflict.one("", _("The message was sent already."))
        if locked.claimed_until and locked.claimed_until > at:
            raise errors.Conflict.one("", _("The message is being sent at this moment."))
        if not selectors.target_of(locked.kind):
            raise errors.Conflict.one("", _("There is no target: set %s.") % selectors.VARIABLE[locked.kind])
        if locked.kind == Kind.MAIL and not locked.left:
            raise errors.Conflict.one("", _("There is no address to send it to."))
        Message.objects.filter(pk=locked.pk).update(
            state=State.WAITING, next_at=at, ended_at=None, first_tried_at=None, attempts=0, claimed_until=None
        )
        TargetState.objects.filter(kind=locked.kind).update(rests_until=None)
        _record("outbox.message.retry", by=by, on=subject_of(locked), before={"state": locked.state})
        wake(locked.kind)
    return Message.objects.get(pk=message.pk)


def send_test(*, kind: str, to: str, by: Actor, at: datetime) -> Message:
    """Write a test message to a target. `to` is the address of a mail. Raises `Refused`."""
    if kind not in Kind.values:
        raise errors.Refused.one("kind", _("There is no such way out."))
    target = selectors.target_of(kind)
    if target is None:
        raise errors.Conflict.one("", _("There is no target: set %s.") % selectors.VARIABLE[kind])
    if kind == Kind.MAIL and not texts.is_address(to):
        raise errors.Refused.one("to", _("This is not an address that mail can be sent to."))
    key = f"test:{uuid.uuid4()}"
    with transaction.atomic():
        TargetState.objects.filter(kind=kind).update(rests_until=None)
        if kind == Kind.MAIL:
            message = mail_from_template("outbox_test", {"who": by.label}, to=[to], key=key, at=at)
        elif kind == Kind.WEBHOOK:
            message = webhook(event="outbox.test", body={"asked_by": by.label}, key=key, at=at)
        else:
            line = json.dumps({"event": "outbox.test", "at": formats.iso(at), "asked_by": by.label})
            message = stream(target="test", lines=[line], key=key, at=at)
        _record("outbox.test.send", by=by, on=subject_of(message), after={"kind": kind, "target": target.shown})
    return message


def prune(*, at: datetime) -> int:
    """Forget what was sent or had no target 30 days ago, and what died 90 days ago. Returns how many."""
    old = Q(state__in=(State.SENT, State.NO_TARGET), ended_at__lt=at - KEEP_SENT)
    dead = Q(state=State.DEAD, ended_at__lt=at - KEEP_DEAD)
    some = Message.objects.filter(old | dead).order_by("ended_at").values("pk")[:5000]
    _all, by_table = Message.objects.filter(pk__in=some).delete()
    return by_table.get("outbox.Message", 0)


def without_target(*, kind: str, at: datetime) -> int:
    """Mark what waits for a target that is no longer configured. Returns how many."""
    waiting = Message.objects.filter(kind=kind, state__in=OPEN)
    return waiting.update(
        state=State.NO_TARGET,
        ended_at=at,
        next_at=None,
        claimed_until=None,
        error=_no_target(kind),
        fence=F("fence") + 1,
    )


def subject_of(message: Message) -> Subject:
    """Return the message as what an event is about."""
    return Subject("outbox_message", str(message.pk), str(message), reverse("outbox:message", args=[message.pk]))


def wake(kind: str) -> None:
    """Have a kind's messages delivered once the transaction is there; the schedule does what is missed here."""
    # Asking for the job inside would make writers wait for each other at its unique key.
    asked: Callable[[], object] = _WAKERS[kind]
    if not any(entry[1] is asked for entry in connection.run_on_commit):
        transaction.on_commit(asked, robust=True)


def ask(kind: str) -> Job:
    """Ask for the job that delivers a kind's messages; the open one where there is one."""
    return jobs.enqueue("portal.outbox.deliver", key=kind, by=SYSTEM, to=kind)


_WAKERS = {kind: partial(ask, kind) for kind in Kind.values}


def _message(kind: Kind, *, key: str, at: datetime, on: Subject | None, event: str, body: str = "") -> Message:
    key = texts.one_line(key)
    if not key or len(key) > 200:
        raise ValueError("a message needs a key of at most 200 characters")
    about = on or Subject("", "", "")
    return Message(
        kind=kind,
        key=key,
        event=event,
        body=body,
        created_at=at,
        next_at=at,
        on_type=about.type,
        on_id=about.id,
        on_label=about.label[:300],
        on_url=about.url,
    )


def _store(message: Message) -> Message:
    target = selectors.target_of(message.kind)
    if len(message.body) > LARGEST_BODY:
        message.body = message.body[:LARGEST_BODY]
        message.state, message.ended_at, message.next_at = State.DEAD, message.created_at, None
        message.error = _("It is larger than 1 MiB and was cut; it is not sent.")
    elif target is None and message.state == State.WAITING:
        message.state, message.ended_at, message.next_at = State.NO_TARGET, message.created_at, None
        message.error = _no_target(message.kind)
    if target is not None and not message.target:
        message.target = target.shown[:300]
    # The unique key decides: asking twice finds the first row, without an error that would end the transaction.
    Message.objects.bulk_create([message], ignore_conflicts=True)
    if message.state == State.WAITING:
        wake(message.kind)
    return Message.objects.get(kind=message.kind, key=message.key)


def _no_target(kind: str) -> str:
    return _("No target is configured: set %s.") % selectors.VARIABLE[kind]


def _record(kind: str, *, by: Actor, on: Subject, **changes: Any) -> None:
    # The audit lies above this room, since its heads leave through it.
    import_string(settings.OUTBOX_RECORDER)(kind, by=by, on=on, **changes)
