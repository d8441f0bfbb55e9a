"""Ways in: a password of a local account or of a directory, and whoever comes from a provider by the browser."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.contrib import auth
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.accounts import limits
from portal.accounts.models import Identity, User
from portal.accounts.outside import arrivals, queueing, sessions_of
from portal.accounts.providers import declared, ldap, rows
from portal.accounts.providers.answers import Arrival, NotAdmitted, ProviderDown, WrongCredentials
from portal.accounts.providers.rows import Known
from portal.accounts.signing import sign_in
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor, Subject

LOCAL = "local"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Proved:
    """Whose password it was. `identity` is None for a local account."""

    user: User
    identity: Identity | None


def directories() -> list[Known]:
    """Return the directories that take passwords now, in order."""
    return [known for known in rows.usable() if known.row.kind == declared.LDAP]


def by_password(  # noqa: PLR0913 - what is typed, and where
    request: HttpRequest, *, username: str, password: str, where: str = "", by: Actor, at: datetime
) -> str:
    """Sign a person in; returns the address to go to, "" for where they wanted to go.

    `where` is "" for all, `LOCAL`, or the key of a directory. Raises `Refused`; its text never says which name exists.
    """
    sign_in.demand_tries(username=username, by=by, at=at)
    proved = _proved(request, username, password, where, by=by, at=at)
    sessions_of.mark(request.session, outside="")
    return sign_in.complete(request, user=proved.user, identity=proved.identity, by=by, at=at)


def confirm(*, user: User, password: str, by: Actor, at: datetime) -> None:
    """Check that the person at the keyboard knows a password of the account. Raises `Refused` at "current"."""
    mine = [
        (known, identity)
        for known in directories()
        for identity in Identity.objects.filter(user=user, provider=known.row)
    ]
    if not mine:
        sign_in.confirm(user=user, password=password, by=by, at=at)
        return
    sign_in.demand_tries(username=user.username, by=by, at=at, field="current")
    if user.has_usable_password() and user.check_password(password):
        return
    down: list[Known] = []
    for known, identity in mine:
        try:
            found = ldap.authenticate(known.ldap, identity.username, password)
        except WrongCredentials:
            continue
        except ProviderDown as error:
            note_down(known, error)
            down.append(known)
            continue
        if found.subject == identity.subject and not found.disabled:
            return
    limits.note_failure(username=user.username, address=by.address, at=at)
    sign_in.record_refusal(user.username, by, "wrong present password")
    raise errors.Refused.one("current", down_text(down, by) if down else _("This is not your present password."))


def at_directory(known: Known, *, username: str, password: str, by: Actor, at: datetime) -> Arrival:
    """Ask one directory, for linking. Raises `Refused`."""
    sign_in.demand_tries(username=username, by=by, at=at)
    try:
        return Arrival(ldap.authenticate(known.ldap, username, password))
    except WrongCredentials:
        limits.note_failure(username=username, address=by.address, at=at)
        raise errors.Refused.one("", _("This user name and password do not go together.")) from None
    except ProviderDown as error:
        note_down(known, error)
        raise errors.Refused.one("", down_text([known], by)) from None


def taken(known: Known, arrival: Arrival, *, by: Actor, at: datetime) -> Proved:
    """Take in who came from a provider. Raises `Refused`."""
    try:
        who = arrivals.take_in(provider=known.row, arrival=arrival, by=by, at=at)
    except NotAdmitted as error:
        raise refuse_stranger(known, error.reason, name=arrival.found.username, by=by) from None
    if who.unknown_groups:
        queueing.refresh(known.row, by=SYSTEM)
    return Proved(who.user, who.identity)


def refuse_stranger(known: Known, reason: str, *, name: str, by: Actor) -> errors.Refused:
    """Record that somebody whom the provider knows was not taken, and build what they are told."""
    subject = Subject("account", name[:100], f"{name} ({known.row.key})")
    audit.record(sign_in.REFUSED, by=by, on=subject, after={"why": reason, "provider": known.row.key})
    return errors.Refused.one(
        "",
        _("%(provider)s knows you, but this account may not sign in here. An administrator of Paddock can change that.")
        % {"provider": known.row.name},
    )


def down_text(down: list[Known], by: Actor) -> str:
    """Say that providers cannot be reached, with the id under which the log tells why."""
    names = ", ".join(known.row.name for known in down)
    return _(
        "%(providers)s cannot be reached just now. Local accounts work. Try again in a minute; error id %(id)s."
    ) % {"providers": names, "id": by.request_id}


def note_down(known: Known, error: ProviderDown) -> None:
    """Write to the log why a provider gave no answer."""
    log.warning("provider.down", provider=known.row.key, reason=error.reason)


def _proved(  # noqa: PLR0913 - what is typed, and where
    request: HttpRequest, username: str, password: str, where: str, *, by: Actor, at: datetime
) -> Proved:
    if where in {"", LOCAL}:
        user = auth.authenticate(request, username=username, password=password)
        if isinstance(user, User):
            return Proved(user, None)
    down: list[Known] = []
    for known in directories():
        if where not in {"", known.row.key}:
            continue
        try:
            found = ldap.authenticate(known.ldap, username, password)
        except WrongCredentials:
            continue
        except ProviderDown as error:
            note_down(known, error)
            down.append(known)
            continue
        return taken(known, Arrival(found), by=by, at=at)
    limits.note_failure(username=username, address=by.address, at=at)
    if down:
        sign_in.record_refusal(username, by, "directory cannot be reached")
        raise errors.Refused.one("", down_text(down, by))
    sign_in.record_refusal(username, by, "wrong name or password")
    raise errors.Refused.one("", _("This user name and password do not go together."))
