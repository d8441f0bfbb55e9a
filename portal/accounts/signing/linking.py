"""Several accounts of one person: linking a further one, and letting go of one."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.bindings import right_changes
from portal.accounts.models import Identity, Provider, User
from portal.accounts.models.providers import ACTIVE
from portal.accounts.outside import admission, arrivals, catalogue, memberships, sessions_of
from portal.accounts.providers import declared, rows
from portal.accounts.providers.answers import Arrival, Found
from portal.accounts.providers.rows import Known
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


@dataclass(frozen=True)
class Way:
    """One account of a person. `last`: without it nobody could sign in to theirs any more."""

    identity: Identity
    provider: Provider
    last: bool


def ways(user: User) -> list[Way]:
    """Return the linked accounts, oldest first."""
    mine = list(Identity.objects.filter(user=user).select_related("provider").order_by("linked_at", "pk"))
    return [Way(one, one.provider, _is_last(user, one)) for one in mine]


def browsed(user: User) -> list[Provider]:
    """Return the providers in use, other than directories, at which the person has an account."""
    mine = set(Identity.objects.filter(user=user).values_list("provider_id", flat=True))
    return [one.row for one in rows.usable() if one.row.kind != declared.LDAP and one.row.pk in mine]


def in_directory(user: User) -> bool:
    """Tell whether the person has an account in a directory that is in use."""
    mine = Identity.objects.filter(user=user, provider__enabled=True, provider__kind=declared.LDAP)
    return mine.exists()


def is_theirs(user: User, provider: Provider, found: Found) -> bool:
    """Tell whether whoever came from the provider is the person."""
    return not found.disabled and Identity.objects.filter(user=user, provider=provider, subject=found.subject).exists()


@transaction.atomic
def link(*, user: User, known: Known, arrival: Arrival, by: Actor, at: datetime) -> Identity:
    """Make an account of a provider another way in for the person, who has just proved to be both.

    Raises `Refused` for an account that is somebody else's, is switched off, or may not sign in.
    """
    row, found = Provider.objects.select_for_update(no_key=True).get(pk=known.row.pk), arrival.found
    if not known.usable or not row.enabled or found.disabled:
        raise errors.Refused.one("", _("This account is switched off."))
    identity = Identity.objects.select_for_update(of=("self",)).filter(provider=row, subject=found.subject).first()
    if identity is not None and identity.user_id == user.pk:
        raise errors.Refused.one("", _("This account is linked to you already."))
    if identity is not None and identity.user_id is not None:
        raise errors.Refused.one(
            "",
            _(
                "This account opens another person's portal account. If both are yours, sign in with it, note what that"
                " person may do, and ask an administrator to unlink it there; then link it here."
            ),
        )
    if arrival.groups:
        catalogue.store(row, arrival.groups, whole=False, at=at)
    ids = catalogue.known(row)
    direct = {ids[one] for one in found.groups if one in ids}
    reached = catalogue.reached(row, direct | {ids[one] for one in found.through if one in ids})
    if not admission.lets_in(row, subject=found.subject, username=found.username, groups=reached):
        raise errors.Refused.one("", _("This account may not sign in here."))
    if identity is None:
        identity = Identity(provider=row, subject=found.subject[:255], username=found.username[:200])
    identity.user, identity.linked_at = user, at
    arrivals.keep(identity, found, at=at)
    memberships.store({identity.pk: memberships.wanted(direct, reached)}, by=by)
    admission.pin(row, subject=found.subject, username=found.username)
    values = {"provider": row.key, "account": identity.username}
    right_changes.of_person(user.pk)
    audit.record("accounts.identity.link", by=by, on=user.as_subject(), after=values)
    return identity


@transaction.atomic
def unlink(*, identity: Identity, by: Actor, forced: bool = False) -> None:
    """Let go of an account: sessions opened by it end, rights by its groups with them.

    Raises `Conflict` for the last way in, unless an administrator forces it.
    """
    locked = Identity.objects.select_for_update(of=("self",)).select_related("user", "provider").get(pk=identity.pk)
    if locked.user is None:
        raise errors.Conflict.one("", _("This account is linked to nobody."))
    # Two accounts let go at once must not leave none.
    User.objects.select_for_update().get(pk=locked.user.pk)
    if not forced and _is_last(locked.user, locked):
        raise errors.Conflict.one("", _("This is your last way to sign in. Link another one first."))
    sessions_of.end(Identity.objects.filter(pk=locked.pk))
    values = {"provider": locked.provider.key, "account": locked.username}
    audit.record("accounts.identity.unlink", by=by, on=locked.user.as_subject(), before=values)
    right_changes.of_person(locked.user.pk)
    locked.delete()


def _is_last(user: User, identity: Identity) -> bool:
    if user.has_usable_password():
        return False
    others = Identity.objects.filter(user=user, state=ACTIVE, provider__enabled=True).exclude(pk=identity.pk)
    return not others.exists()
