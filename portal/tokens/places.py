"""Where a token may hold: scopes of its owner, and things inside of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import memberships, role_bindings
from portal.accounts.bindings.role_bindings import EVERYTHING, Scope
from portal.accounts.bindings.scope_names import scope_from
from portal.accounts.models import User
from portal.core import errors

MOST_THINGS = 20
_SEES = {
    ScopeKind.TEAM: Permission.TEAM_VIEW,
    ScopeKind.PROJECT: Permission.PROJECT_VIEW,
    ScopeKind.CLUSTER: Permission.CLUSTER_VIEW,
}
_ORDER = list(ScopeKind)


@dataclass(frozen=True)
class Place:
    """One scope on which somebody has rights, with those of them a token may carry."""

    scope: Scope
    permissions: frozenset[Permission]

    @property
    def value(self) -> str:
        """How forms and addresses name it."""
        return self.scope.kind.value if self.scope.id is None else f"{self.scope.kind.value}/{self.scope.id}"

    @property
    def label(self) -> str:
        """How people name it."""
        return label_of(self.scope)


def label_of(scope: Scope) -> str:
    """Return a scope in words."""
    if scope.kind == ScopeKind.EVERYTHING:
        return _("everything")
    words = {ScopeKind.TEAM: _("team %s"), ScopeKind.PROJECT: _("project %s"), ScopeKind.CLUSTER: _("cluster %s")}
    return words[scope.kind] % (scope.label or scope.id)


def of(user: User) -> list[Place]:
    """Return the scopes of the user's bindings, each with what is held all over it.

    A scope that lies in another one counts what is held there as well; one that gives nothing is left out.
    """
    found: dict[tuple[ScopeKind, UUID | None], Scope] = {}
    for held in user.rights():
        key = (held.scope_kind, held.scope_id)
        found.setdefault(key, Scope(held.scope_kind, held.scope_id, held.scope_label))
    places = [Place(scope, held_at(user, scope)) for scope in found.values()]
    given = [place for place in places if place.permissions]
    return sorted(given, key=lambda place: (_ORDER.index(place.scope.kind), place.label.casefold(), place.value))


def held_at(user: User, scope: Scope) -> frozenset[Permission]:
    """Return what of the user's rights all over a scope a token may carry."""
    held = {one for held in user.rights() for one in held.permissions} - PERSONAL
    return frozenset(one for one in held if role_bindings.holds(user, one, scope))


def chosen(user: User, value: str) -> Place | None:
    """Return the place of the user that a form's value names, None where it is none of theirs."""
    return next((place for place in of(user) if place.value == value), None)


def named(user: User, kind: str, slug: str) -> Scope:
    """Return the scope that a program names. Raises `Refused`, the same for what is absent and what is hidden."""
    if kind not in set(ScopeKind):
        raise errors.Refused.one("scope_kind", _("There is no such kind of scope."))
    scope = scope_from(kind, slug)
    if scope != EVERYTHING and not role_bindings.holds(user, _SEES[scope.kind], scope):
        raise errors.Refused.one("scope", _("There is none with this slug."))
    return scope


def inside(user: User, scope: Scope, texts: Iterable[str]) -> list[Scope]:
    """Return the things that `kind/slug` texts name inside of a scope. Raises `Refused` at "only"."""
    found: list[Scope] = []
    for text in texts:
        kind, _slash, slug = text.strip().partition("/")
        if kind not in set(ScopeKind) - {ScopeKind.EVERYTHING} or not slug:
            raise errors.Refused.one("only", _("Write each as project/checkout, team/payments or cluster/oslo."))
        try:
            thing = named(user, kind, slug)
        except errors.Refused as refused:
            raise errors.Refused({"only": [f"{text}: {one}" for one in refused.errors["scope"]]}) from None
        if not lies_in(thing, scope):
            raise errors.Refused.one("only", _("%s: there is none with this slug in the scope.") % text)
        if thing not in found:
            found.append(thing)
    if len(found) > MOST_THINGS:
        raise errors.Refused.one("only", _("At most %d things.") % MOST_THINGS)
    return found


def lies_in(thing: Scope, scope: Scope) -> bool:
    """Tell whether a thing lies inside of a scope now: everything is in everything, a project in its team."""
    if scope.kind == ScopeKind.EVERYTHING or (thing.kind, thing.id) == (scope.kind, scope.id):
        return True
    if (scope.kind, thing.kind) != (ScopeKind.TEAM, ScopeKind.PROJECT):
        return False
    return thing.id is not None and memberships.team_of(thing.id) == scope.id
