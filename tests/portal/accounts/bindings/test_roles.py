"""The roles: their rules, the installation's own, and what a change of one touches."""

from datetime import datetime
from typing import Any

import pytest

from clusters.projects.models import Project, Team
from clusters.projects.services import holdings
from clusters.registry.models import Cluster
from portal.access import roles, words
from portal.access.permissions import Permission as P
from portal.access.scopes import ScopeKind as S
from portal.accounts.bindings import role_bindings, role_pages, role_rules, role_services
from portal.accounts.bindings.role_services import Draft
from portal.accounts.models import Binding, CustomRole, User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_cluster, a_namespace, a_project, a_team
from tests.factories.outside import a_group
from tests.people import client_of, person

READ = frozenset({P.PROJECT_VIEW, P.TEAM_VIEW, P.INVENTORY_VIEW, P.MEMBER_VIEW})


def draft(*permissions: P, name: str = "Reader", kinds: frozenset[S] = frozenset({S.PROJECT})) -> Draft:
    return Draft(name, "", kinds, frozenset(permissions))


def create(made: Draft, author: User | None = None) -> CustomRole:
    return role_services.create(draft=made, by=COMMAND, at=clock.now(), author=author)


def test_every_permission_has_words() -> None:
    assert set(words.WORDS) == set(P)
    assert set(words.SCOPES) == set(S)
    assert len({str(one) for one in words.WORDS.values()}) == len(P)


@pytest.mark.parametrize("role", roles.ROLES.values(), ids=lambda role: role.key)
def test_a_role_of_the_table_means_something_where_it_is_given(role: roles.Role) -> None:
    assert role_rules.misplaced(role.permissions, role.scopes) == {}


@pytest.mark.parametrize("key", [*role_rules.NAMESPACE_ROLES, *role_rules.CLUSTER_ROLES])
def test_a_role_of_the_table_contains_itself(key: str) -> None:
    role = roles.ROLES[key]
    found = [one.name for one in role_rules.in_clusters(role.permissions, role.scopes)]
    assert found == [{**role_rules.NAMESPACE_ROLES, **role_rules.CLUSTER_ROLES}[key]]


@pytest.mark.parametrize(
    ("permissions", "kinds", "becomes"),
    [
        (READ, {S.PROJECT}, ["project_viewer"]),
        (READ | {P.AUDIT_VIEW}, {S.PROJECT}, ["project_viewer"]),
        (READ | {P.COST_VIEW}, {S.PROJECT}, ["project_member"]),
        (READ - {P.MEMBER_VIEW}, {S.PROJECT}, []),
        (frozenset({P.COST_VIEW}), {S.PROJECT, S.TEAM}, []),
        (READ, {S.EVERYTHING}, []),
        (READ | {P.CLUSTER_VIEW}, {S.CLUSTER}, ["cluster_viewer"]),
        (READ | {P.CLUSTER_VIEW}, {S.CLUSTER, S.PROJECT}, ["project_viewer", "cluster_viewer"]),
        (frozenset(P), {S.TEAM}, ["team_owner"]),
        (frozenset(P), {S.CLUSTER}, ["cluster_owner"]),
        (frozenset[P](), {S.PROJECT}, []),
    ],
)
def test_in_clusters_it_is_the_largest_role_it_wholly_contains(
    permissions: frozenset[P], kinds: set[S], becomes: list[str]
) -> None:
    assert [one.role.key for one in role_rules.in_clusters(permissions, kinds)] == becomes


@pytest.mark.django_db
class TestWriting:
    """Creating, changing and deleting."""

    def test_a_role_is_made_given_and_counts(self, bob: User) -> None:
        project = a_project("Checkout", a_team())
        role = create(draft(P.PROJECT_VIEW, P.AUDIT_VIEW))
        assert role.key == "x-reader"
        scope = role_bindings.Scope(S.PROJECT, project.pk, project.name)
        role_bindings.grant(user=bob, role=role.key, scope=scope, by=COMMAND, at=clock.now())
        assert User.objects.get(pk=bob.pk).scopes_for(P.AUDIT_VIEW).covers(project=project.pk)
        changed = role_services.change(
            role=role,
            draft=draft(P.PROJECT_VIEW),
            seen=role_services.version(role),
            by=COMMAND,
            at=clock.now(),
            author=None,
        )
        assert changed.permissions == ["project.view"]
        assert User.objects.get(pk=bob.pk).scopes_for(P.AUDIT_VIEW).none
        kinds = list(Event.objects.filter(kind__startswith="accounts.role.").values_list("kind", flat=True))
        assert sorted(kinds) == ["accounts.role.change", "accounts.role.create"]

    @pytest.mark.parametrize(
        ("made", "field", "text"),
        [
            (draft(P.PROJECT_VIEW, name="admin"), "name", "already"),
            (draft(P.PROJECT_VIEW, name="ＡＤＭＩＮistrator"), "name", "already"),
            (draft(P.PROJECT_VIEW, name=" project  OWNER "), "name", "already"),
            (draft(P.PROJECT_VIEW, name="\N{CYRILLIC SMALL LETTER A}"), "name", "plain letter"),
            (draft(P.PROJECT_VIEW, name="---"), "name", "plain letter"),
            (draft(name="Nothing"), "permissions", "at least one"),
            (draft(P.PROJECT_VIEW, kinds=frozenset()), "kinds", "where"),
            (draft(P.ROLE_EDIT), "permissions", "mean nothing on a project"),
            (draft(P.COST_VIEW, kinds=frozenset({S.CLUSTER})), "permissions", "mean nothing on a cluster"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, made: Draft, field: str, text: str) -> None:
        with pytest.raises(errors.Refused) as refused:
            create(made)
        assert list(refused.value.errors) == [field]
        assert text in str(refused.value)
        assert not CustomRole.objects.exists()

    def test_a_second_role_of_one_key_is_refused(self) -> None:
        create(draft(P.PROJECT_VIEW, name="Audit reader"))
        for twin in ("audit-reader", "AUDIT  reader", "Audit reader!"):
            with pytest.raises(errors.Refused):
                create(draft(P.PROJECT_VIEW, name=twin))
        assert CustomRole.objects.count() == 1

    def test_nobody_puts_into_a_role_what_they_do_not_have(self) -> None:
        admin = person("adi", "admin")
        with pytest.raises(errors.Refused, match="see costs"):
            create(draft(P.PROJECT_VIEW, P.COST_VIEW), admin)
        role = create(draft(P.PROJECT_VIEW), admin)
        with pytest.raises(errors.Refused, match="see costs"):
            role_services.change(
                role=role,
                draft=draft(P.PROJECT_VIEW, P.COST_VIEW),
                seen=role_services.version(role),
                by=COMMAND,
                at=clock.now(),
                author=admin,
            )
        assert CustomRole.objects.get().permissions == ["project.view"]

    def test_of_two_who_save_at_once_the_second_is_told(self) -> None:
        role = create(draft(P.PROJECT_VIEW))
        seen = role_services.version(role)

        def save(*permissions: P) -> None:
            role_services.change(
                role=role, draft=draft(*permissions), seen=seen, by=COMMAND, at=clock.now(), author=None
            )

        save(P.PROJECT_VIEW, P.TEAM_VIEW)
        with pytest.raises(errors.Conflict, match="Somebody else"):
            save(P.PROJECT_VIEW, P.AUDIT_VIEW)
        assert CustomRole.objects.get().permissions == ["team.view", "project.view"]

    def test_a_place_where_it_is_given_cannot_be_taken_from_it(self, bob: User) -> None:
        project = a_project("Checkout", a_team())
        role = create(draft(P.PROJECT_VIEW, kinds=frozenset({S.PROJECT, S.TEAM})))
        scope = role_bindings.Scope(S.PROJECT, project.pk, project.name)
        role_bindings.grant(user=bob, role=role.key, scope=scope, by=COMMAND, at=clock.now())
        with pytest.raises(errors.Refused) as refused:
            role_services.change(
                role=role,
                draft=draft(P.PROJECT_VIEW, kinds=frozenset({S.TEAM})),
                seen=role_services.version(role),
                by=COMMAND,
                at=clock.now(),
                author=None,
            )
        assert list(refused.value.errors) == ["kinds"]

    def test_a_role_in_use_is_deleted_only_with_its_bindings(self, bob: User) -> None:
        project = a_project("Checkout", a_team())
        role = create(draft(P.PROJECT_VIEW))
        scope = role_bindings.Scope(S.PROJECT, project.pk, project.name)
        role_bindings.grant(user=bob, role=role.key, scope=scope, by=COMMAND, at=clock.now())
        with pytest.raises(errors.Conflict):
            role_services.delete(role=role, by=COMMAND, at=clock.now(), take_away=False)
        assert role_services.delete(role=role, by=COMMAND, at=clock.now(), take_away=True) == 1
        assert not Binding.objects.filter(role=role.key).exists()
        assert User.objects.get(pk=bob.pk).scopes_for(P.PROJECT_VIEW).none


@pytest.fixture
def given(bob: User, cleo: User, dan: User) -> CustomRole:
    """A role that bob has on a project and, by a group, cleo and dan on its team; two clusters hold its namespaces."""
    team = a_team()
    project, second = a_project("Checkout", team), a_project("Till", team)
    for name, holder in (("one", project), ("two", second)):
        key = a_namespace(a_cluster(name), f"shop-{name}")
        holdings.assign(project=holder, namespaces=[key], by=COMMAND, at=clock.now())
    role = create(draft(P.PROJECT_VIEW, P.AUDIT_VIEW, kinds=frozenset({S.PROJECT, S.TEAM})))
    places = (role_bindings.Scope(S.PROJECT, project.pk, "Checkout"), role_bindings.Scope(S.TEAM, team.pk, "Payments"))
    role_bindings.grant(user=bob, role=role.key, scope=places[0], by=COMMAND, at=clock.now())
    role_bindings.grant(group=a_group("g", cleo, dan), role=role.key, scope=places[1], by=COMMAND, at=clock.now())
    return role


@pytest.mark.django_db
class TestImpact:
    """What a change would touch, before it is saved."""

    def test_people_clusters_and_projects_are_counted(self, ann: User, given: CustomRole) -> None:
        made = draft(P.PROJECT_VIEW, P.COST_VIEW, kinds=frozenset({S.PROJECT, S.TEAM}))
        change = role_services.changes(role=given, draft=made, viewer=ann, at=clock.now())
        assert (change.added, change.removed) == ([P.COST_VIEW], [P.AUDIT_VIEW])
        assert (change.people, change.bindings, change.groups) == (3, 2, 1)
        assert (change.estate.projects, change.estate.clusters, change.estate.namespaces) == (2, 2, 2)
        assert change.takes_rights
        text = role_pages.touched(change)
        assert text == "3 people (through 1 group too) in 2 clusters, 2 projects; without cost last month"

    def test_who_sees_no_cost_is_told_so(self, given: CustomRole) -> None:
        admin = person("adi", "admin")
        change = role_services.changes(role=given, draft=None, viewer=admin, at=clock.now())
        assert change.money is None
        assert "their cost is not shown to you" in role_pages.touched(change)

    def test_an_ended_binding_touches_nobody(self, ann: User, given: CustomRole) -> None:
        Binding.objects.filter(role=given.key).update(expires_at=datetime(2026, 1, 1, tzinfo=clock.now().tzinfo))
        change = role_services.changes(role=given, draft=None, viewer=ann, at=clock.now())
        assert (change.people, change.bindings) == (0, 0)


def sent(made: Draft, **more: str) -> dict[str, Any]:
    return {
        "name": made.name,
        "description": made.description,
        "kinds": [one.value for one in made.kinds],
        "permissions": [one.value for one in made.permissions],
        **more,
    }


@pytest.mark.django_db
class TestPages:
    """The matrix, a role's page, and the form with its preview."""

    def test_the_matrix_shows_every_role_and_permission(self, ann: User) -> None:
        create(draft(P.PROJECT_VIEW, name="Own one"))
        text = client_of(ann).get("/people/roles/").content.decode()
        assert all(str(role.name) in text for role in roles.ROLES.values())
        assert "Own one" in text
        assert text.count("<tr>") == len(P) + 1

    def test_nothing_is_saved_before_the_preview_is_confirmed(self, ann: User) -> None:
        client, made = client_of(ann), draft(P.PROJECT_VIEW, P.COST_VIEW)
        shown = client.post("/people/roles/new/", sent(made))
        assert shown.status_code == 200
        assert "see projects, see costs" in shown.content.decode()
        assert not CustomRole.objects.exists()
        assert client.post("/people/roles/new/", sent(made, do="save")).status_code == 302
        assert CustomRole.objects.get().key == "x-reader"

    def test_the_second_who_saves_sees_the_new_difference(self, ann: User, given: CustomRole) -> None:
        client, page = client_of(ann), f"/people/roles/of/{given.key}/edit/"
        kinds = frozenset({S.PROJECT, S.TEAM})
        seen = role_services.version(given)
        first = draft(P.PROJECT_VIEW, P.AUDIT_VIEW, P.TEAM_VIEW, kinds=kinds)
        assert client.post(page, sent(first, do="save", seen=seen)).status_code == 302
        second = client.post(page, sent(draft(P.PROJECT_VIEW, kinds=kinds), do="save", seen=seen))
        assert second.status_code == 409
        text = second.content.decode()
        assert "Somebody else changed this role meanwhile" in text
        assert "see teams, see projects" not in text
        assert "read the audit" in text
        assert CustomRole.objects.get().permissions == ["team.view", "project.view", "audit.view"]

    def test_deleting_asks_once_more_where_it_is_given(self, ann: User, given: CustomRole) -> None:
        client, page = client_of(ann), f"/people/roles/of/{given.key}/delete/"
        assert "3 people" in client.get(page).content.decode()
        assert client.post(page).status_code == 409
        assert client.post(page, {"take_away": "1"}).status_code == 302
        assert not Binding.objects.filter(role=given.key).exists()

    def test_a_built_in_role_is_never_changed(self, ann: User) -> None:
        client = client_of(ann)
        assert client.get("/people/roles/of/admin/").status_code == 200
        for path in ("edit", "delete"):
            assert client.get(f"/people/roles/of/admin/{path}/").status_code == 404
            assert client.post(f"/people/roles/of/admin/{path}/").status_code == 404

    def test_the_right_on_one_project_changes_no_role(self, given: CustomRole, cleo: User) -> None:
        """A right that means nothing on a project, put there by hand, opens nothing."""
        CustomRole.objects.create(
            key="x-trick", name="Trick", scope_kinds=["project"], permissions=["role.edit"], created_by="tests"
        )
        scope = role_bindings.Scope(S.PROJECT, Project.objects.all()[0].pk, "Checkout")
        role_bindings.grant(user=cleo, role="x-trick", scope=scope, by=COMMAND, at=clock.now())
        client = client_of(cleo)
        for path in ("/people/roles/new/", f"/people/roles/of/{given.key}/edit/"):
            assert client.get(path).status_code == 404
            assert client.post(path, sent(draft(P.PROJECT_VIEW), do="save")).status_code == 404
        assert client.delete(f"/api/v1/roles/{given.key}/").status_code == 404
        assert Team.objects.exists()
        assert Cluster.objects.exists()
