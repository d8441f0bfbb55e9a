"""A change of rights reaches the clusters concerned, and no others: asked for once each."""

from datetime import timedelta

import pytest

from clusters.applying.models import WriteLease
from clusters.inventory.models import Namespace
from clusters.projects import desired, grants, members, schedule
from clusters.projects.members import EDIT, VIEW, Grant, Holder
from clusters.projects.models import Project, Team
from clusters.projects.services import holdings, projects, spreading
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings, role_services
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.bindings.role_services import Draft
from portal.accounts.models import GroupNesting, OutsideGroup, Provider, RightChange, User
from portal.accounts.outside import catalogue, freezing
from portal.accounts.providers.answers import Group
from portal.core.actors import COMMAND, SYSTEM
from portal.jobs.models import Job
from tests.clusters.projects.conftest import AT, a_cluster, a_namespace, a_project, a_team

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clusters(project: Project) -> dict[str, Cluster]:
    """Two clusters with a namespace of the project each, and one with somebody else's."""
    found = {name: a_cluster(name) for name in ("one", "two", "other")}
    keys = [a_namespace(found["one"], "shop"), a_namespace(found["two"], "shop")]
    holdings.assign(project=project, namespaces=keys, by=COMMAND, at=AT)
    theirs = a_project("Search", a_team("Search"))
    holdings.assign(project=theirs, namespaces=[a_namespace(found["other"], "search")], by=COMMAND, at=AT)
    settled()
    return found


def settled() -> None:
    spreading.spread(at=AT)
    assert not RightChange.objects.exists()
    WriteLease.objects.update(asked=0, done=0)


def asked() -> dict[str, int]:
    rows = WriteLease.objects.filter(asked__gt=0).values_list("cluster__name", "asked")
    return dict(rows)


def on(project: Project) -> Scope:
    return Scope(ScopeKind.PROJECT, project.pk, project.name)


def a_group(name: str, provider: Provider) -> OutsideGroup:
    return OutsideGroup.objects.create(provider=provider, external_id=name, name=name)


@pytest.fixture
def provider(db: None) -> Provider:
    """A directory whose groups were read just now."""
    return Provider.objects.create(key="corp", kind="ldap", name="Corp", enabled=True, groups_read_at=AT)


def test_a_grant_asks_the_clusters_of_the_project_once(
    clusters: dict[str, Cluster], project: Project, bob: User
) -> None:
    binding = role_bindings.grant(user=bob, role="project_member", scope=on(project), by=COMMAND, at=AT)
    assert spreading.spread(at=AT) == 2
    assert asked() == {"one": 1, "two": 1}
    assert spreading.spread(at=AT) == 0
    assert asked() == {"one": 1, "two": 1}
    role_bindings.revoke(binding=binding, by=COMMAND, at=AT)
    assert spreading.spread(at=AT) == 2


def test_a_role_on_the_team_reaches_all_its_projects(
    clusters: dict[str, Cluster], project: Project, team: Team, bob: User
) -> None:
    role_bindings.grant(user=bob, role="team_owner", scope=Scope(ScopeKind.TEAM, team.pk), by=COMMAND, at=AT)
    assert spreading.spread(at=AT) == 2
    assert grants.of_projects([project.pk], AT)[project.pk] == (Grant(EDIT, Holder("User", bob.pk)),)


def test_a_person_switched_off_is_news_where_they_have_something(
    clusters: dict[str, Cluster], project: Project, bob: User, cleo: User
) -> None:
    role_bindings.grant(user=bob, role="project_viewer", scope=on(project), by=COMMAND, at=AT)
    settled()
    accounts.set_active(user=cleo, active=False, by=COMMAND)
    assert spreading.spread(at=AT) == 0
    accounts.set_active(user=bob, active=False, by=COMMAND)
    assert spreading.spread(at=AT) == 2
    assert grants.of_projects([project.pk], AT)[project.pk] == ()


def test_what_ends_by_itself_is_news(clusters: dict[str, Cluster], project: Project, bob: User) -> None:
    role_bindings.grant(user=bob, role="project_member", scope=on(project), expires_at=AT + MINUTE, by=COMMAND, at=AT)
    settled()
    assert spreading.spread(at=AT + MINUTE / 2) == 0
    assert spreading.spread(at=AT + MINUTE) == 2
    assert spreading.spread(at=AT + 2 * MINUTE) == 0
    assert grants.of_projects([project.pk], AT + MINUTE)[project.pk] == ()


def test_a_nested_group_is_bound_as_well_and_its_news_counts(
    clusters: dict[str, Cluster], project: Project, provider: Provider
) -> None:
    whole, part = a_group("dept", provider), a_group("shop", provider)
    role_bindings.grant(group=whole, role="project_member", scope=on(project), by=COMMAND, at=AT)
    settled()
    told = [Group("dept", "dept"), Group("shop", "shop", parents=frozenset({"dept"}))]
    catalogue.store(provider, told, whole=True, at=AT)
    assert GroupNesting.objects.count() == 1
    assert spreading.spread(at=AT) == 2
    holders = {Holder("Group", whole.pk), Holder("Group", part.pk)}
    assert {grant.holder for grant in grants.of_projects([project.pk], AT)[project.pk]} == holders
    # The nested one is renamed: only the group it stands in is bound.
    catalogue.store(provider, [told[0], Group("shop", "storefront", parents=frozenset({"dept"}))], whole=True, at=AT)
    assert spreading.spread(at=AT) == 2
    catalogue.store(provider, [told[0]], whole=True, at=AT)
    assert spreading.spread(at=AT) == 2
    assert [one.holder for one in grants.of_projects([project.pk], AT)[project.pk]] == [Holder("Group", whole.pk)]


def test_a_frozen_provider_and_groups_that_are_too_old(
    clusters: dict[str, Cluster], project: Project, provider: Provider
) -> None:
    group = a_group("shop", provider)
    role_bindings.grant(group=group, role="project_viewer", scope=on(project), by=COMMAND, at=AT)
    settled()
    held = (Grant(VIEW, Holder("Group", group.pk)),)
    late = AT + timedelta(hours=24)
    assert grants.of_projects([project.pk], late - MINUTE)[project.pk] == held
    assert grants.of_projects([project.pk], late)[project.pk] == ()
    assert spreading.spread(at=late) == 2
    assert spreading.spread(at=late + MINUTE) == 0
    Provider.objects.update(groups_read_at=late)
    assert spreading.spread(at=late + MINUTE) == 2
    freezing.disable(provider=provider, by=SYSTEM, at=late)
    assert spreading.spread(at=late + MINUTE) == 2
    assert grants.of_projects([project.pk], late + MINUTE)[project.pk] == ()


def test_a_role_of_ones_own_counts_as_the_largest_it_contains(
    clusters: dict[str, Cluster], project: Project, bob: User
) -> None:
    small = frozenset({Permission.PROJECT_VIEW})
    viewer = frozenset(
        {Permission.PROJECT_VIEW, Permission.TEAM_VIEW, Permission.INVENTORY_VIEW, Permission.MEMBER_VIEW}
    )
    kinds = frozenset({ScopeKind.PROJECT})
    role = role_services.create(draft=Draft("Peeker", "", kinds, small), by=COMMAND, at=AT, author=None)
    role_bindings.grant(user=bob, role=role.key, scope=on(project), by=COMMAND, at=AT)
    settled()
    assert grants.of_projects([project.pk], AT)[project.pk] == ()
    draft = Draft("Peeker", "", kinds, viewer)
    role_services.change(role=role, draft=draft, seen=role_services.version(role), by=COMMAND, at=AT, author=None)
    assert spreading.spread(at=AT) == 2
    assert grants.of_projects([project.pk], AT)[project.pk] == (Grant(VIEW, Holder("User", bob.pk)),)


def test_roles_without_a_share_in_clusters_give_nothing(project: Project, bob: User) -> None:
    for role in ("deployer", "cost_viewer"):
        role_bindings.grant(user=bob, role=role, scope=on(project), by=COMMAND, at=AT)
    for role in ("admin", "auditor", "finance"):
        role_bindings.grant(user=bob, role=role, scope=role_bindings.EVERYTHING, by=COMMAND, at=AT)
    assert grants.of_projects([project.pk], AT)[project.pk] == ()


def test_the_schedule_asks_for_nothing_at_rest(clusters: dict[str, Cluster], project: Project, bob: User) -> None:
    schedule.spread_due(AT)
    assert not Job.objects.filter(kind="clusters.projects.spread").exists()
    role_bindings.grant(user=bob, role="project_member", scope=on(project), by=COMMAND, at=AT)
    schedule.spread_due(AT)
    assert Job.objects.filter(kind="clusters.projects.spread").count() == 1


def test_another_team_changes_who_works_there(
    clusters: dict[str, Cluster], project: Project, team: Team, bob: User
) -> None:
    role_bindings.grant(user=bob, role="team_owner", scope=Scope(ScopeKind.TEAM, team.pk), by=COMMAND, at=AT)
    settled()
    projects.move_to_team(project=project, team=a_team("Other"), by=COMMAND, at=AT + MINUTE)
    assert asked() == {"one": 1, "two": 1}
    assert grants.of_projects([project.pk], AT + MINUTE)[project.pk] == ()


def test_what_a_cluster_shall_hold(clusters: dict[str, Cluster], project: Project) -> None:
    found = list(desired.of_cluster(clusters["one"].pk, AT))
    assert [(one.kind, one.namespace, one.name) for one in found] == [
        ("namespace", "", "shop"),
        ("role_binding", "shop", "paddock-edit"),
        ("role_binding", "shop", "paddock-view"),
    ]
    edit = found[1]
    assert edit.body["roleRef"]["name"] == "paddock-edit"
    assert edit.body["subjects"][0] == members.own_group(project.pk, "project_member").as_body()
    assert edit.namespace_uid == found[0].namespace_uid != ""


def test_a_namespace_made_again_is_nobodys(clusters: dict[str, Cluster], project: Project) -> None:
    from_inventory = clusters["one"]
    holding = project.holdings.get(cluster=from_inventory)
    Namespace.objects.filter(uid=holding.namespace_uid).update(gone_at=AT)
    a_namespace(from_inventory, "shop")
    assert list(desired.of_cluster(from_inventory.pk, AT)) == []
