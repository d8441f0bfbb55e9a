"""Ending what was opened by accounts of a provider."""

from typing import Any

from django.db.models import QuerySet

from portal.accounts.models import Identity, Provider, Session
from portal.accounts.session_store import SessionStore
from portal.audit import services as audit
from portal.core.actors import SYSTEM

# What a session remembers of the provider's own session, for its logout messages.
OUTSIDE = "outside_session"


def end(identities: QuerySet[Identity, Any]) -> int:
    """End the sessions opened by these accounts, inside the caller's transaction. Returns how many."""
    ended, _rows = Session.objects.filter(identity__in=identities.order_by().values("pk")).delete()
    return int(ended)


def end_outside(provider: Provider, *, subject: str, outside: str) -> None:
    """End what a logout at the provider is about: the sessions of a person, of one session there, or of both."""
    for session in _of_outside_session(provider, subject, outside):
        if session.user is not None:
            values = {"provider": provider.key, "address": session.address}
            audit.record("accounts.provider.logout", by=SYSTEM, on=session.user.as_subject(), after=values)
        session.delete()


def _of_outside_session(provider: Provider, subject: str, outside: str) -> list[Session]:
    found = Session.objects.filter(identity__provider=provider).select_related("user")
    if subject:
        found = found.filter(identity__subject=subject)
    if not outside:
        return list(found)
    store = SessionStore()
    return [row for row in found if store.decode(row.session_data).get(OUTSIDE) == outside]


def mark(session: Any, *, outside: str) -> None:
    """Note the provider's own session ("" where it has none) before the sign-in is completed."""
    if outside:
        session[OUTSIDE] = outside[:255]
    else:
        session.pop(OUTSIDE, None)
