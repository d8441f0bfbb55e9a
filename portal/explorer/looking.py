"""Looking at the portal as somebody else: with the rights both have, to read, for a quarter of an hour."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.models.people import PERSON
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor

KEY = "viewing_as"
# Why a look ended by itself, until a page has said it.
NOTE = "viewing_as_ended"
LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Look:
    """Who is looked at, until when, and why."""

    user: User
    until: datetime
    reason: str


@transaction.atomic
def start(session: SessionBase, *, user: User, reason: str, viewer: User, by: Actor, at: datetime) -> Look:
    """Begin. Raises `Refused`: no reason given, oneself, a robot, an account that is not in force."""
    if not reason.strip():
        raise errors.Refused.one("reason", _("Say why: it stands in the audit, and the person sees it."))
    if user.pk == viewer.pk:
        raise errors.Refused.one("", _("This is you."))
    if user.kind != PERSON or not user.in_force():
        raise errors.Refused.one("", _("There is nothing to see: this account is not in force."))
    until = at + LASTS
    session.pop(NOTE, None)
    session[KEY] = {"user": str(user.pk), "until": int(until.timestamp()), "reason": reason}
    audit.record(
        "access.view_as.start", by=by, on=user.as_subject(), after={"reason": reason, "until": until.isoformat()}
    )
    return Look(user, until, reason)


def current(session: SessionBase, *, at: datetime) -> Look | None:
    """Return the look under way; one whose time is over is forgotten."""
    found = session.get(KEY)
    if not found:
        return None
    until = datetime.fromtimestamp(found["until"], UTC)
    user = User.objects.filter(pk=found["user"]).first()
    if until <= at:
        _over(session, _("Your quarter of an hour is over. You see the portal as yourself again."))
        return None
    if user is None or not user.in_force():
        name = user.username if user else _("this person")
        text = _("You no longer look as %s: their account is not in force any more. You see the portal as yourself.")
        _over(session, text % name)
        return None
    return Look(user, until, found["reason"])


def take_note(session: SessionBase) -> str:
    """Return why the last look ended by itself, once; "" where none did."""
    return str(session.pop(NOTE, "")) if NOTE in session else ""


def _over(session: SessionBase, why: str) -> None:
    del session[KEY]
    session[NOTE] = why


@transaction.atomic
def end(session: SessionBase, *, by: Actor, at: datetime) -> None:
    """End it; nothing happens where there is none."""
    look = current(session, at=at)
    if look is not None:
        audit.record("access.view_as.end", by=by, on=look.user.as_subject())
    session.pop(KEY, None)
