"""Signing in and out."""

from datetime import datetime

from django.contrib import auth
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from portal.accounts import limits, session_store
from portal.accounts.models import Identity, User, fold
from portal.accounts.models.providers import ACTIVE
from portal.accounts.signing import alarms, factors
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor, Subject

BACKEND = "portal.accounts.backends.LocalAccounts"
REFUSED = "accounts.session.refuse"
TOO_MANY = "too many tries"
# Who has done the first step of a sign-in, and for how long that counts.
PENDING = "sign_in_pending"
PENDING_SECONDS = 300


def demand_tries(*, username: str, by: Actor, at: datetime, field: str = "") -> None:
    """Raise `Refused` at the field when the tries of this account or this network are used up for now."""
    if limits.too_many(username=username, address=by.address, at=at):
        if not audit.said_since(at - limits.WINDOW, REFUSED, by=by, after={"why": TOO_MANY}):
            record_refusal(username, by, TOO_MANY)
        raise errors.TooMany.after(60, field, _("Too many tries. Wait a minute, then try again."))


def complete(request: HttpRequest, *, user: User, identity: Identity | None, by: Actor, at: datetime) -> str:
    """Go on once a person proved to be one by a password or at a provider; returns the address to go to.

    "" is where they wanted to go. Who has a second factor is asked for it before the session is theirs.
    """
    if factors.enrolled(user):
        request.session.cycle_key()
        request.session[PENDING] = {
            "user": str(user.pk),
            "identity": str(identity.pk) if identity else None,
            "at": int(at.timestamp()),
            # The first step was by the password of this moment.
            "hash": user.get_session_auth_hash(),
        }
        return reverse("accounts:second_step")
    return _open(request, user=user, identity=identity, second=False, by=by, at=at)


def pending(request: HttpRequest, *, at: datetime) -> tuple[User, Identity | None] | None:
    """Return who has done the first step in this browser within the last five minutes."""
    found = request.session.get(PENDING)
    if not found or found["at"] < at.timestamp() - PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=found["user"]).first()
    if user is None or not user.in_force():
        return None
    if not constant_time_compare(found.get("hash", ""), user.get_session_auth_hash()):
        return None
    if not found["identity"]:
        return user, None
    # The account they came by may have been taken away from them since.
    identity = Identity.objects.filter(pk=found["identity"], user=user, state=ACTIVE, provider__enabled=True).first()
    return (user, identity) if identity else None


def second_step(request: HttpRequest, *, code: str, by: Actor, at: datetime) -> str:
    """Take the second factor; returns the address to go to. Raises `Refused` at "code"."""
    found = pending(request, at=at)
    if found is None:
        raise errors.Refused.one("", _("This took too long. Sign in once more."))
    user, identity = found
    factors.check(user=user, code=code, by=by, at=at)
    return _open(request, user=user, identity=identity, second=True, by=by, at=at)


def _open(request: HttpRequest, *, user: User, identity: Identity | None, second: bool, by: Actor, at: datetime) -> str:
    request.session.pop(PENDING, None)
    auth.login(request, user, backend=BACKEND)
    request.session[session_store.SECOND] = second
    if identity is not None:
        request.session[session_store.IDENTITY] = str(identity.pk)
        Identity.objects.filter(pk=identity.pk).update(last_sign_in_at=at)
    actor = user.as_actor(by.address, by.request_id)
    means = identity.provider.key if identity else "local"
    audit.record("accounts.session.start", by=actor, on=user.as_subject(), after={"by": means, "second": second})
    if user.is_break_glass:
        audit.record("accounts.break_glass.use", by=actor, on=user.as_subject())
        alarms.break_glass(user=user, address=by.address, at=at)
    return reverse("accounts:password") if user.password_is_one_time else ""


def confirm(*, user: User, password: str, by: Actor, at: datetime) -> None:
    """Check that the person at the keyboard knows the account's password. Raises `Refused` at "current"."""
    if limits.too_many(username=user.username, address=by.address, at=at):
        raise errors.TooMany.after(60, "current", _("Too many tries. Wait a minute, then try again."))
    if not user.check_password(password):
        limits.note_failure(username=user.username, address=by.address, at=at)
        record_refusal(user.username, by, "wrong present password")
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


def record_refusal(username: str, by: Actor, why: str) -> None:
    """Record that somebody was not let in, and why."""
    # A name that nobody has may be a password typed into the wrong field, so it is not kept.
    known = User.objects.filter(username_folded=fold(username)).first()
    on = known.as_subject() if known else Subject("user", "", _("a name nobody has"))
    audit.record(REFUSED, by=by, on=on, after={"why": why})


def keep(request: HttpRequest, user: User) -> None:
    """Keep this session through a change of password; the person's other sessions end by its hash."""
    auth.update_session_auth_hash(request, user)
