"""Sessions as things of their own: whether they still stand, ending them."""

from collections.abc import Sequence
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
def end(*, public_ids: Sequence[UUID], of: User | None, by: Actor) -> int:
    """End sessions, of one person alone where `of` says so. Returns how many; those that ended before do not count.

    Raises `Refused` where none was chosen, or none is there any more.
    """
    found = Session.objects.select_related("user").filter(public_id__in=public_ids, user__isnull=False)
    rows = list(found.filter(user=of) if of else found)
    if not rows:
        raise errors.Refused.one("", _("None was chosen, or they have ended already."))
    for row in rows:
        if row.user is not None:
            audit.record("accounts.session.kick", by=by, on=row.user.as_subject(), after={"address": row.address})
        row.delete()
    return len(rows)


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
