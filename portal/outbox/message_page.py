"""What the pages of one message and of the targets show."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.core import formats, parts
from portal.outbox.lists import STATES
from portal.outbox.models import OPEN, Attempt, Kind, Message, State
from portal.outbox.selectors import TargetNow


def progress(message: Message) -> parts.Progress:
    """Return where the message stands, with what went wrong last."""
    tone, word = STATES[message.state]
    return parts.Progress(text=str(Kind(message.kind).label), tone=tone, state=word, error=message.error)


def facts(message: Message, at: datetime) -> list[parts.Fact]:
    """Return to whom, about what, and when."""

    def ago(label: str, instant: datetime | None, absent: str) -> parts.Fact:
        told = formats.ago(instant, at) if instant else None
        return parts.Fact(label, told, title=formats.instant(instant) if instant else "", absent=absent)

    found = [parts.Fact(_("To"), message.target or None, absent=_("nobody"))]
    if message.state in OPEN and message.left != message.to:
        found.append(parts.Fact(_("Still waits for"), ", ".join(message.left)))
    if message.on_label:
        found.append(parts.Fact(_("About"), message.on_label, url=message.on_url))
    next_at = formats.instant(message.next_at) if message.next_at else None
    return [
        *found,
        ago(_("Written"), message.created_at, ""),
        parts.Fact(_("Next attempt"), next_at, absent=_("none")),
        ago(_("Sent"), message.sent_at, _("not sent")),
        parts.Fact(_("Event"), message.event, mono=True),
        parts.Fact(_("Key"), message.key, mono=True),
        parts.Fact(_("Id"), str(message.pk), mono=True),
    ]


def tries(message: Message) -> list[parts.Check]:
    """Return the attempts, newest first, twenty at most."""
    return [_try(one) for one in message.tries.order_by("-fence")[:20]]


def _try(one: Attempt) -> parts.Check:
    label = f"{formats.instant(one.started_at)} · {one.target}"
    if one.ok is None:
        return parts.Check(label, "unknown", _("running, or its worker was lost: it may have arrived"))
    return parts.Check(label, "ok" if one.ok else "broken", one.text)


def can_retry(message: Message) -> bool:
    """Tell whether the page offers to try again."""
    return message.state in {State.FAILED, State.DEAD, State.NO_TARGET}


def targets(found: Sequence[TargetNow], at: datetime) -> list[parts.Check]:
    """Return how each target is."""
    return [_target(one, at) for one in found]


def _target(one: TargetNow, at: datetime) -> parts.Check:
    label = str(one.kind.label)
    if one.place is None:
        remedy = _("Set %s, then start Paddock again. Until then messages are only kept here.") % one.variable
        return parts.Check(label, "attention", _("no target configured"), remedy)
    waiting = ngettext("%(n)s message waits", "%(n)s messages wait", one.open) % {"n": _count(one.open)}
    state = one.state
    if state and state.failing_since:
        since = formats.ago(state.failing_since, at)
        remedy = _("Failing since %(since)s: %(error)s") % {"since": since, "error": state.error}
        return parts.Check(label, "broken", f"{one.place} · {waiting}", remedy)
    if state and state.ok_at:
        worked = _("last delivery %s") % formats.ago(state.ok_at, at)
        return parts.Check(label, "ok", f"{one.place} · {worked} · {waiting}")
    return parts.Check(label, "unknown", f"{one.place} · {_('not used yet')} · {waiting}")


def _count(number: int) -> str:
    return "1,000+" if number > 1000 else formats.number(number)
