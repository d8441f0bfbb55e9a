"""Reads about bindings: which of them a person may see, and whom they reach."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils.module_loading import import_string

from portal.access import scopes
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.models import Binding, BindingQuerySet, GroupMembership, User, rights

ENDED_SHOWN_DAYS = 90


def visible(person: Person, permission: Permission = Permission.MEMBER_VIEW) -> BindingQuerySet:
    """Return the bindings on scopes where the person has the right; a team's right holds on its projects too."""
    found: BindingQuerySet = Binding.objects.all()
    return found if person.scopes_for(permission).everything else found.filter(inside(person, permission))


def inside(person: Person, permission: Permission) -> Q:
    """Return the condition that a row's scope is a team or a project where the person has the right.

    Rights over members are held on everything, a team or a project; no role gives them on a cluster
    (`role_rules.meaningful_on`), so what was given on a cluster is seen by those who see everything.
    """
    held = person.scopes_for(permission)
    projects = held.projects | children(held.teams)
    return Q(scope_kind=ScopeKind.TEAM, scope_id__in=held.teams) | Q(
        scope_kind=ScopeKind.PROJECT, scope_id__in=projects
    )


def children(teams: Iterable[UUID]) -> frozenset[UUID]:
    """Return the projects that lie in the teams now, as the room of projects knows them (`SCOPE_CHILDREN`)."""
    wanted = list(teams)
    found: frozenset[UUID] = import_string(settings.SCOPE_CHILDREN["team"])(wanted) if wanted else frozenset()
    return found


def team_of(project: UUID) -> UUID | None:
    """Return the team that has the project now, as the room of projects knows it (`SCOPE_PARENTS`)."""
    found: UUID | None = import_string(settings.SCOPE_PARENTS["project"])(project)
    return found


def page_of(kind: str, key: UUID | None) -> tuple[str, str] | None:
    """Return name and address of the members page of a scope, None where there is no such thing (`SCOPE_PAGES`)."""
    if key is None or kind not in settings.SCOPE_PAGES:
        return None
    found: tuple[str, str] | None = import_string(settings.SCOPE_PAGES[kind])(key)
    return found


def members(groups: Iterable[UUID], at: datetime) -> dict[UUID, int]:
    """Return how many active people each outside group reaches now, nested groups included."""
    rows = _reached(groups, at).values("group").annotate(n=Count("identity__user", distinct=True))
    return {row["group"]: row["n"] for row in rows}


def groups_as_of(groups: Iterable[UUID]) -> dict[UUID, datetime | None]:
    """Return when each group's members were last read."""
    rows = GroupMembership.objects.filter(group__in=set(groups)).values("group")
    return {row["group"]: row["latest"] for row in rows.annotate(latest=Max(rights.groups_as_of("identity__")))}


def people(bindings: Sequence[Binding], at: datetime) -> frozenset[UUID]:
    """Return the active people whom the bindings reach, themselves and through groups."""
    own = {one.user_id for one in bindings if one.user_id}
    direct = set(User.objects.filter(pk__in=own, is_active=True).values_list("pk", flat=True))
    groups = {one.group_id for one in bindings if one.group_id}
    through = set(_reached(groups, at).values_list("identity__user_id", flat=True)) if groups else set()
    return frozenset(direct | {one for one in through if one is not None})


def reach(bindings: Iterable[Binding]) -> scopes.Scopes:
    """Return the places of the bindings as one value."""
    return scopes.gathered((ScopeKind(one.scope_kind), one.scope_id) for one in bindings)


def _reached(groups: Iterable[UUID | None], at: datetime) -> QuerySet[GroupMembership]:
    return GroupMembership.objects.filter(
        rights.fresh(at, "identity__"), group__in=set(groups), group__gone_at=None, identity__user__is_active=True
    ).order_by()
