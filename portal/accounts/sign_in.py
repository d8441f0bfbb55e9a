"""Signing in and out."""

from datetime import datetime

from django.contrib import auth
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.accounts import limits, session_store
from portal.accounts.models import User, fold
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor, Subject

BACKEND = "portal.accounts.backends.LocalAccounts"
REFUSED = "accounts.session.refuse"
TOO_MANY = "too many tries"


def start(request: HttpRequest, *, username: str, password: str, by: Actor, at: datetime) -> User:
    """Sign a person in. Raises `Refused`: wrong, or too many tries; the text never says which name exists."""
    if limits.too_many(username=username, address=by.address, at=at):
        if not audit.said_since(at - limits.WINDOW, REFUSED, by=by, after={"why": TOO_MANY}):
            _record_refusal(username, by, TOO_MANY)
        raise errors.Refused.one("", _("Too many tries. Wait a minute, then try again."))
    user = auth.authenticate(request, username=username, password=password)
    if user is None:
        limits.note_failure(username=username, address=by.address, at=at)
        _record_refusal(username, by, "wrong name or password")
        raise errors.Refused.one("", _("This user name and password do not go together."))
    auth.login(request, user, backend=BACKEND)
    audit.record("accounts.session.start", by=user.as_actor(by.address, by.request_id), on=user.as_subject())
    return user


def confirm(*, user: User, password: str, by: Actor, at: datetime) -> None:
    """Check that the person at the keyboard knows the account's password. Raises `Refused` at "current"."""
    if limits.too_many(username=user.username, address=by.address, at=at):
        raise errors.Refused.one("current", _("Too many tries. Wait a minute, then try again."))
    if not user.check_password(password):
        limits.note_failure(username=user.username, address=by.address, at=at)
        _record_refusal(user.username, by, "wrong present password")
        raise errors.Refused.one("current", _("This is not your present password."))


def prove(request: HttpRequest, *, user: User, by: Actor, at: datetime) -> None:
    """Note that whoever sits there proved to be the person, under a new session key."""
    request.session.cycle_key()
    request.session[session_store.AUTHENTICATED_AT] = int(at.timestamp())
    audit.record("accounts.session.confirm", by=by, on=user.as_subject())


def end(request: HttpRequest, *, by: Actor) -> None:
    """Sign out; the session's row is gone."""
    if request.user.is_authenticated:
        audit.record("accounts.session.end", by=by, on=request.user.as_subject())
    auth.logout(request)


def _record_refusal(username: str, by: Actor, why: str) -> None:
    # A name that nobody has may be a password typed into the wrong field, so it is not kept.
    known = User.objects.filter(username_folded=fold(username)).first()
    on = known.as_subject() if known else Subject("user", "", _("a name nobody has"))
    audit.record(REFUSED, by=by, on=on, after={"why": why})


def keep(request: HttpRequest, user: User) -> None:
    """Keep this session through a change of password; the person's other sessions end by its hash."""
    auth.update_session_auth_hash(request, user)
