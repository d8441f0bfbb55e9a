"""Who holds which role in clusters by a project: bindings on it and on its team, with nested groups. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.db.models.fields import DurationField

from clusters.projects.members import Grant, Holder
from clusters.projects.models import ProjectTenure
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import own_roles, role_rules
from portal.accounts.models import Binding, GroupNesting, OutsideGroup, Provider, User
from portal.accounts.models.bindings import CUSTOM
from portal.accounts.models.people import PERSON
from portal.accounts.outside import closure
from portal.accounts.selectors import standing


def of_projects(projects: Collection[UUID], at: datetime) -> dict[UUID, tuple[Grant, ...]]:
    """Return what holds on each project now, that of its team included."""
    teams = dict(ProjectTenure.objects.current().filter(project_id__in=projects).values_list("project_id", "team_id"))
    rows = _bindings(projects, set(teams.values()), at)
    people = _counting({row.user_id for row in rows if row.user_id})
    beneath = _closures({row.group_id for row in rows if row.group_id}, at)
    becomes = _cluster_roles({row.role for row in rows})
    by_scope: dict[UUID, list[Grant]] = defaultdict(list)
    for row in rows:
        role = becomes.get((row.role, row.scope_kind))
        if role is None or row.scope_id is None:
            continue
        by_scope[row.scope_id] += [Grant(role, holder) for holder in _holders(row, people, beneath)]
    return {
        project: tuple(dict.fromkeys([*by_scope[project], *(by_scope[teams[project]] if project in teams else ())]))
        for project in projects
    }


def stale_providers(at: datetime) -> frozenset[UUID]:
    """Return the enabled providers whose groups are read together and were read too long ago to count."""
    age = ExpressionWrapper(F("max_age_seconds") * Value(timedelta(seconds=1), DurationField()), DurationField())
    oldest = ExpressionWrapper(Value(at, DateTimeField()) - age, DateTimeField())
    return frozenset(Provider.objects.filter(enabled=True, groups_read_at__lte=oldest).values_list("pk", flat=True))


def _bindings(projects: Collection[UUID], teams: Collection[UUID], at: datetime) -> list[Binding]:
    here = Q(scope_kind=ScopeKind.PROJECT, scope_id__in=projects) | Q(scope_kind=ScopeKind.TEAM, scope_id__in=teams)
    return list(Binding.objects.in_force(at).filter(here).only("user_id", "group_id", "role", "scope_kind", "scope_id"))


def _cluster_roles(roles: Iterable[str]) -> Mapping[tuple[str, str], str]:
    """What roles become in namespaces, by the kind of scope they are given on."""
    found = {}
    for role in filter(None, map(own_roles.find, roles)):
        for kind in role.scopes & {ScopeKind.TEAM, ScopeKind.PROJECT}:
            name = role_rules.NAMESPACE_ROLES.get(role.key, "")
            if role.key.startswith(CUSTOM):
                name = next((one.name for one in role_rules.in_clusters(role.permissions, {kind})), "")
            if name:
                found[(role.key, kind.value)] = name
    return found


def _counting(people: set[UUID]) -> frozenset[UUID]:
    """Those of the people whose accounts are in force: active, and still theirs to sign in to."""
    found = standing(User.objects.filter(pk__in=people, kind=PERSON))
    return frozenset(found.values_list("pk", flat=True))


def _closures(groups: set[UUID], at: datetime) -> Mapping[UUID, frozenset[UUID]]:
    """Each group with all that stand in it: a member of a nested one carries that one's name in their token."""
    if not groups:
        return {}
    providers = set(OutsideGroup.objects.filter(pk__in=groups).values_list("provider_id", flat=True))
    counting = OutsideGroup.objects.filter(provider_id__in=providers, provider__enabled=True, gone_at=None)
    stands = set(counting.exclude(provider_id__in=stale_providers(at)).values_list("pk", flat=True))
    children: dict[UUID, list[UUID]] = defaultdict(list)
    for parent, child in GroupNesting.objects.filter(parent__provider_id__in=providers).values_list(
        "parent_id", "child_id"
    ):
        children[parent].append(child)
    return {group: frozenset(closure.reached({group} & stands, children) & stands) for group in groups}


def _holders(row: Binding, people: frozenset[UUID], beneath: Mapping[UUID, frozenset[UUID]]) -> list[Holder]:
    if row.user_id:
        return [Holder("User", row.user_id)] if row.user_id in people else []
    return [Holder("Group", group) for group in sorted(beneath.get(row.group_id, frozenset()))] if row.group_id else []
