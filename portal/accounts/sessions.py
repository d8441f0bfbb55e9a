"""Sessions as things of their own: whether they still stand, ending them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.utils.translation import gettext as _

from portal.access.scopes import Person
from portal.accounts import session_store
from portal.accounts.models import Identity, Session, User
from portal.accounts.models.providers import ACTIVE
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor

# A person's last sign is written at most this often.
TOUCH_EVERY = timedelta(minutes=1)


def stands(session: SessionBase) -> bool:
    """Tell whether the account at a provider by which the session was opened still lets its person in."""
    identity = session.get(session_store.IDENTITY)
    if identity is None:
        return True
    return Identity.objects.filter(
        pk=identity, user_id=session[session_store.USER], state=ACTIVE, provider__enabled=True
    ).exists()


def touch(session: SessionBase, *, at: datetime) -> None:
    """Put off the end for want of activity."""
    Session.objects.filter(session_key=session.session_key, active_at__lte=at - TOUCH_EVERY).update(active_at=at)


@transaction.atomic
def end(*, public_id: UUID, of: User | None, by: Actor) -> None:
    """End one session, of a given person where `of` says so. Raises `Refused` where there is none."""
    found = Session.objects.select_related("user").filter(public_id=public_id, user__isnull=False)
    row = (found.filter(user=of) if of else found).first()
    if row is None or row.user is None:
        raise errors.Refused.one("", _("This session has ended already."))
    audit.record("accounts.session.kick", by=by, on=row.user.as_subject(), after={"address": row.address})
    row.delete()


def end_all(*, of: Person | User, but: str | None = None) -> int:
    """End every session of a person but one (its key), inside the caller's transaction. Returns how many ended."""
    mine: Any = Session.objects.filter(user=of)  # type: ignore[misc]
    ended, _rows = mine.exclude(session_key=but).delete()
    return int(ended)


@transaction.atomic
def end_others(*, of: User, key: str | None, by: Actor) -> int:
    """End a person's sessions but the one with the key; returns how many."""
    count = end_all(of=of, but=key)
    if count:
        audit.record("accounts.session.kick", by=by, on=of.as_subject(), after={"ended": count})
    return count
