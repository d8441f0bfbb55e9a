"""Signing in and out."""

from datetime import datetime

from django.contrib import auth
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.accounts import limits
from portal.accounts.models import User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor, Subject

BACKEND = "portal.accounts.backends.LocalAccounts"


def start(request: HttpRequest, *, username: str, password: str, by: Actor, at: datetime) -> User:
    """Sign a person in. Raises `Refused`: wrong, or too many tries; the text never says which name exists."""
    if limits.too_many(username=username, address=by.address, at=at):
        _record_refusal(username, by, "too many tries")
        raise errors.Refused.one("", _("Too many tries. Wait a minute, then try again."))
    user = auth.authenticate(request, username=username, password=password)
    if user is None:
        limits.note_failure(username=username, address=by.address, at=at)
        _record_refusal(username, by, "wrong name or password")
        raise errors.Refused.one("", _("This user name and password do not go together."))
    auth.login(request, user, backend=BACKEND)
    audit.record("accounts.session.start", by=user.as_actor(by.address, by.request_id), on=user.as_subject())
    return user


def end(request: HttpRequest, *, by: Actor) -> None:
    """Sign out; the session's row is gone."""
    if request.user.is_authenticated:
        audit.record("accounts.session.end", by=by, on=request.user.as_subject())
    auth.logout(request)


def _record_refusal(username: str, by: Actor, why: str) -> None:
    audit.record("accounts.session.refuse", by=by, on=Subject("user", "", username[:150]), after={"why": why})


def keep(request: HttpRequest, user: User) -> None:
    """Keep this session through a change of password; the person's other sessions end by its hash."""
    auth.update_session_auth_hash(request, user)
