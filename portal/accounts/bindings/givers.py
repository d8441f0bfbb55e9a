"""Who can give roles on a scope, or manage what lies there: the people that mail about it goes to."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import memberships, own_roles
from portal.accounts.models import Binding, User
from portal.accounts.models.people import PERSON
from portal.accounts.models.providers import ACTIVE
from portal.accounts.selectors import standing

MOST_TOLD = 50


def addresses(  # noqa: PLR0913 - the scope, the right, and whom it is not about
    kind: str,
    key: UUID | None,
    *,
    at: datetime,
    permission: Permission = Permission.BINDING_EDIT,
    but: User | None = None,
    without: UUID | None = None,
) -> list[str]:
    """Return the mail addresses of those who hold the permission nearest to a scope, at most 50.

    Those on the very scope, else on its team, else on everything: by roles of their own and through groups. `but` is
    somebody who is not told; `without` is a binding that does not count.
    """
    roles = [role.key for role in own_roles.every() if permission in role.permissions]
    counted = Binding.objects.in_force(at).filter(role__in=roles)
    if without is not None:
        counted = counted.exclude(pk=without)
    for scope_kind, scope_id in _nearest_first(kind, key):
        reached = memberships.people(list(counted.on(scope_kind, scope_id)), at)
        found = of_people(one for one in reached if but is None or one != but.pk)
        if found:
            return found[:MOST_TOLD]
    return []


def of_people(people: Iterable[UUID]) -> list[str]:
    """Return the mail addresses of those of the accounts that are in force and can be written to."""
    users = standing(User.objects.filter(pk__in=list(people), kind=PERSON)).prefetch_related("identities")
    return sorted({address for user in users if (address := of(user))})


def of(user: User) -> str:
    """Return where mail reaches a person: the account's address, else the one a provider knows; "" without."""
    if user.email:
        return user.email
    known = sorted(user.identities.all(), key=lambda one: (one.linked_at is None, one.linked_at))
    return next((one.email for one in known if one.state == ACTIVE and one.email), "")


def _nearest_first(kind: str, key: UUID | None) -> list[tuple[str, UUID | None]]:
    found: list[tuple[str, UUID | None]] = [(kind, key)] if key is not None else []
    if kind == ScopeKind.PROJECT and key is not None:
        found.append((ScopeKind.TEAM.value, memberships.team_of(key)))
    return [*found, (ScopeKind.EVERYTHING.value, None)]
