"""Somebody comes from a provider: who of ours that is, and what is kept of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from portal.accounts.bindings import right_changes
from portal.accounts.models import Identity, Provider, User, fold
from portal.accounts.models.people import PERSON
from portal.accounts.models.providers import ACTIVE, DISABLED
from portal.accounts.outside import admission, catalogue, memberships, sessions_of, usernames
from portal.accounts.providers.answers import Arrival, Found, NotAdmitted
from portal.audit import services as audit
from portal.core.actors import Actor

MOST_TRIES = 50


@dataclass(frozen=True)
class Taken:
    """Who came. `unknown_groups`: the provider named groups that the catalogue does not have yet."""

    identity: Identity
    user: User
    unknown_groups: bool


def find(provider: Provider, subject: str) -> Identity | None:
    """Return the account by the id that never changes there, with its person."""
    return Identity.objects.select_related("user", "provider").filter(provider=provider, subject=subject).first()


def take_in(*, provider: Provider, arrival: Arrival, by: Actor, at: datetime) -> Taken:
    """Find or make the person of whoever just proved to be somebody at the provider, and keep their groups.

    The account here is found by the provider's id alone: no name, no e-mail address leads to somebody else's. A new
    person has no right. Raises `NotAdmitted`; the text is for administrators.
    """
    found = arrival.found
    if found.disabled:
        note_disabled(provider, found.subject, by=by)
        raise NotAdmitted(_("the account is disabled, locked or expired there"))
    with transaction.atomic():
        rows = Provider.objects.all()
        if not Identity.objects.filter(provider=provider, subject=found.subject, user__isnull=False).exists():
            # Two first sign-ins at once must not make two people.
            rows = rows.select_for_update(no_key=True)
        row = rows.get(pk=provider.pk)
        if not row.enabled:
            raise NotAdmitted(_("the provider is disabled here"))
        if arrival.groups:
            catalogue.store(row, arrival.groups, whole=False, at=at)
        direct, reached, unknown = _groups(row, found)
        identity = _admitted(row, found, reached)
        if identity is None or identity.user is None:
            identity = _new(row, found, identity, by=by, at=at)
        keep(identity, found, at=at)
        memberships.store({identity.pk: memberships.wanted(direct, reached)}, by=by)
        admission.pin(row, subject=found.subject, username=found.username)
    assert identity.user is not None
    return Taken(identity, identity.user, unknown)


def keep(identity: Identity, found: Found, *, at: datetime) -> None:
    """Write what the provider tells of an account now; a former name stays findable."""
    username = found.username[:200]
    if username != identity.username and identity.username not in identity.former_names:
        identity.former_names = [*identity.former_names, identity.username][-20:]
    before = (identity.username, identity.email, identity.state)
    identity.username, identity.display_name = username, found.display_name[:200]
    identity.email, identity.dn = found.email[:254], found.dn[:1000]
    identity.state, identity.groups_as_of = ACTIVE, at
    identity.save()
    if (identity.username, identity.email, identity.state) != before:
        right_changes.of_person(identity.user_id)


def note_disabled(provider: Provider, subject: str, *, by: Actor) -> None:
    """Keep that the provider has switched an account off, and end what was opened by it."""
    with transaction.atomic():
        identity = Identity.objects.select_for_update(of=("self",)).filter(provider=provider, subject=subject).first()
        if identity is not None and identity.state == ACTIVE:
            stop(identity, DISABLED, by=by)


def stop(identity: Identity, state: str, *, by: Actor) -> None:
    """Put an account out of use, with its sessions, inside the caller's transaction."""
    # Out of use, it has no share in what is read of its provider from now on.
    identity.groups_as_of = identity.groups_known_at
    before, identity.state = identity.state, state
    identity.save(update_fields=["groups_as_of", "state"])
    sessions_of.end(Identity.objects.filter(pk=identity.pk))
    tell_state(identity, before, by=by)


def tell_state(identity: Identity, before: str, *, by: Actor) -> None:
    """Record that an account is in another state than before."""
    right_changes.of_person(identity.user_id)
    if identity.user is not None:
        values = {"provider": identity.provider.key, "account": identity.username}
        audit.record(
            "accounts.identity.state",
            by=by,
            on=identity.user.as_subject(),
            before={**values, "state": before},
            after={**values, "state": identity.state},
        )


def _groups(provider: Provider, found: Found) -> tuple[set[UUID], set[UUID], bool]:
    known = catalogue.known(provider)
    direct = {known[one] for one in found.groups if one in known}
    told = direct | {known[one] for one in found.through if one in known}
    unknown = any(one not in known for one in (*found.groups, *found.through))
    return direct, catalogue.reached(provider, told), unknown


def _admitted(provider: Provider, found: Found, reached: set[UUID]) -> Identity | None:
    """The account, None on a first sign-in. Raises `NotAdmitted`."""
    identity = Identity.objects.select_for_update(of=("self",)).filter(provider=provider, subject=found.subject).first()
    if identity is not None and identity.user is not None:
        if not identity.user.is_active:
            raise NotAdmitted(_("the account is deactivated here"))
        if identity.user.kind != PERSON:
            raise NotAdmitted(_("the account is not that of a person"))
    if not admission.lets_in(provider, subject=found.subject, username=found.username, groups=reached):
        raise NotAdmitted(_("not among those who may sign in"))
    return identity


def _new(provider: Provider, found: Found, identity: Identity | None, *, by: Actor, at: datetime) -> Identity:
    user = _user(provider, found)
    if identity is None:
        identity = Identity(provider=provider, subject=found.subject[:255], username=found.username[:200])
    identity.user, identity.linked_at, identity.provider = user, at, provider
    identity.save()
    values = {"username": user.username, "provider": provider.key, "account": found.username}
    audit.record("accounts.user.create", by=by, on=user.as_subject(), after=values)
    return identity


def _user(provider: Provider, found: Found) -> User:
    for number, name in enumerate(usernames.candidates(found.username, provider.key)):
        if number >= MOST_TRIES:
            break
        if User.objects.filter(username_folded=fold(name)).exists():
            continue
        user = User(username=name, display_name=found.display_name[:200], email=_usable(found.email))
        user.set_unusable_password()
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError:
            continue
        return user
    raise NotAdmitted(_("no free user name was found"))


def _usable(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email[:254]
