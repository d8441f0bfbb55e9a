"""The members of a project or team: adding people and groups, changing and taking away, and who may."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from clusters.projects.models import Project, Team
from clusters.projects.services import holdings
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, CustomRole, User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_namespace, a_project, a_team
from tests.factories.outside import a_group, a_provider
from tests.people import client_of, person

pytestmark = pytest.mark.django_db


def give(user: User, role: str, on: Project | Team | None = None, **more: Any) -> Binding:
    """Give a role, on everything without a thing."""
    scope = role_bindings.EVERYTHING
    if on is not None:
        scope = role_bindings.Scope(ScopeKind.PROJECT if isinstance(on, Project) else ScopeKind.TEAM, on.pk, on.name)
    return role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now(), **more)


@pytest.fixture
def olga(project: Project) -> User:
    """Owner of the project."""
    olga = person("olga")
    give(olga, "project_owner", project)
    return olga


@pytest.fixture
def other(db: None) -> Project:
    """Another team's project."""
    return a_project("Billing", a_team("Money"))


def url(thing: Project | Team) -> str:
    return f"/{'projects' if isinstance(thing, Project) else 'teams'}/{thing.slug}/members/"


def add(client: Client, thing: Project | Team, **given: str) -> Any:
    return client.post(url(thing), {"role": "project_member", "end": "never", **given})


def rows(client: Client, thing: Project | Team) -> list[Mapping[str, Any]]:
    page = client.get(url(thing)).context["page"]
    found: list[Mapping[str, Any]] = list(page.rows)
    return found


def test_a_group_becomes_a_member_with_an_end(olga: User, bob: User, project: Project) -> None:
    group = a_group("shop-developers", bob)
    assert client_of(bob).get(f"/projects/{project.slug}/").status_code == 404
    answer = add(client_of(olga), project, who="Shop-Developers", end="7d", reason="helps out")
    assert answer.status_code == 302, answer.content.decode()
    binding = Binding.objects.get(group=group)
    assert binding.expires_at is not None
    assert timedelta(days=6, hours=23) < binding.expires_at - clock.now() <= timedelta(days=7)
    assert (binding.reason, binding.created_by) == ("helps out", "olga")
    assert client_of(bob).get(f"/projects/{project.slug}/").status_code == 200
    (row,) = [row for row in rows(client_of(olga), project) if row["kind"] == "group"]
    assert row["state"] == "ends_in_6" or row["state"] == "holds"
    assert "Corporate directory · 1 person · read" in row["about"]


def test_a_person_is_added_to_a_team_and_works_in_its_projects(team: Team, project: Project, bob: User) -> None:
    owner = person("tina")
    give(owner, "team_owner", team)
    assert add(client_of(owner), team, who="bob", role="team_owner").status_code == 302
    assert client_of(bob).get(url(project)).status_code == 200
    listed = {row["name"]: row for row in rows(client_of(bob), project)}
    assert listed["tina"]["where"] == "team Payments"
    assert listed["tina"]["place"] == "above"


def test_a_part_of_a_name_asks_who_is_meant(olga: User, bob: User, project: Project) -> None:
    first, second = a_group("apps", path="ou=one"), a_group("apps", path="ou=two")
    answer = add(client_of(olga), project, who="apps")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Choose who is meant." in text
    assert {f"group:{first.pk}", f"group:{second.pk}"} <= set(re.findall(r'value="(group:[^"]+)"', text))
    assert not Binding.objects.exclude(user=olga).exists()
    assert add(client_of(olga), project, who="apps", holder=f"group:{second.pk}").status_code == 302
    assert Binding.objects.get(group__isnull=False).group == second


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ({"who": ""}, "who", "Name a person or a group."),
        ({"who": "nobody-there"}, "who", "Nobody and no group here is called that."),
        ({"who": "*)(uid=*"}, "who", "Nobody and no group here is called that."),
        ({"who": "bob", "role": "admin"}, "role", "Select a valid choice"),
        ({"who": "bob", "role": "x-unknown"}, "role", "Select a valid choice"),
        ({"who": "bob", "end": "day"}, "until", "Name the day."),
        ({"who": "bob", "until": "2001-01-01"}, "until", "This day is over."),
        ({"who": "bob", "until": "9999-12-31"}, "until", "within the next 50 years"),
        ({"who": "bob", "until": "soon"}, "until", "Enter a valid date"),
        ({"who": "bob", "end": "2y"}, "end", "Select a valid choice"),
        ({"who": "b\0b"}, "who", "Null characters are not allowed"),
        ({"who": "bob", "reason": "x" * 501}, "reason", "at most 500 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    olga: User, bob: User, project: Project, given: dict[str, str], field: str, text: str
) -> None:
    answer = add(client_of(olga), project, **given)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert any(text in message for message in form.errors.get(field, [])), form.errors
    assert not Binding.objects.filter(user=bob).exists()


def test_what_is_held_already_is_said(olga: User, bob: User, project: Project) -> None:
    give(bob, "project_member", project)
    answer = add(client_of(olga), project, who="bob")
    assert answer.status_code == 422
    assert "This role is held here already." in answer.content.decode()


@pytest.mark.parametrize("role", ["project_member", "project_viewer"])
def test_a_member_manages_nobody(project: Project, bob: User, cleo: User, role: str) -> None:
    binding, mine = give(cleo, "project_viewer", project), give(bob, role, project)
    client = client_of(bob)
    page = client.get(url(project))
    assert page.status_code == 200
    assert "Add member" not in page.content.decode()
    assert "data-pick" not in page.content.decode()
    assert add(client, project, who="cleo").status_code == 404
    for one in (binding, mine):
        assert client.get(f"/people/bindings/{one.pk}/").status_code == 200
        assert client.post(f"/people/bindings/{one.pk}/", {"role": "project_owner", "end": "keep"}).status_code == 404
        assert client.post("/people/bindings/remove/", {"pick": str(one.pk), "sure": "1"}).status_code == 404
        assert client.post(f"/people/bindings/{one.pk}/revoke/").status_code == 404
    assert Binding.objects.filter(pk__in=[binding.pk, mine.pk]).count() == 2
    assert client.get("/people/bindings/search/?who=cleo").status_code == 404


def test_an_owner_sees_and_changes_nothing_of_another_project(olga: User, other: Project, dan: User) -> None:
    theirs = give(dan, "project_member", other)
    client, absent = client_of(olga), "00000000-0000-0000-0000-000000000007"
    answers = [client.get(url(other)), client.get(url(other).replace(other.slug, "not-there"))]
    answers += [client.get(f"/people/bindings/{key}/") for key in (theirs.pk, absent)]
    assert {answer.status_code for answer in answers} == {404}
    for key in (theirs.pk, absent):
        for path, data in (
            (f"/people/bindings/{key}/", {"role": "project_owner", "end": "keep"}),
            (f"/people/bindings/{key}/revoke/", {}),
            ("/people/bindings/remove/", {"pick": str(key), "sure": "1"}),
        ):
            assert client.post(path, data).status_code == 404, path
        assert client.patch(f"/api/v1/bindings/{key}/", "{}", content_type="application/json").status_code == 404
        assert client.delete(f"/api/v1/bindings/{key}/").status_code == 404
    assert add(client, other, who="olga").status_code == 404
    said = client.get("/people/bindings/preview/", {"on": f"project:{other.pk}", "role": "project_member"})
    assert said.content.decode().strip() == ""
    assert Binding.objects.filter(pk=theirs.pk, role="project_member").exists()
    assert not Binding.objects.filter(user=olga, scope_id=other.pk).exists()


def test_one_foreign_row_among_ones_own_takes_nothing_away(
    olga: User, project: Project, other: Project, bob: User, dan: User
) -> None:
    mine, theirs = give(bob, "project_member", project), give(dan, "project_member", other)
    given = {"pick": [str(mine.pk), str(theirs.pk)], "sure": "1"}
    assert client_of(olga).post("/people/bindings/remove/", given).status_code == 404
    assert Binding.objects.filter(pk=mine.pk).exists()


def test_what_comes_from_above_is_counted_without_names_and_stays(olga: User, ann: User, project: Project) -> None:
    admin = Binding.objects.get(user=ann, role="admin")
    client = client_of(olga)
    text = client.get(url(project)).content.decode()
    assert ">ann<" not in text
    hidden = {row["role"]: row for row in rows(client, project) if row["name"] is None}
    assert hidden["admin"]["people"] == 1
    assert hidden["admin"]["where"] == "everything"
    assert client.post(f"/people/bindings/{admin.pk}/revoke/").status_code == 404
    assert client.post("/people/bindings/remove/", {"pick": str(admin.pk), "sure": "1"}).status_code == 404
    assert "ann" in {row["name"] for row in rows(client_of(ann), project)}


def test_roles_one_cannot_give_are_not_offered_and_refused(project: Project, bob: User) -> None:
    CustomRole.objects.create(
        key="x-keeper",
        name="Keeper",
        scope_kinds=["project"],
        permissions=["project.view", "team.view", "member.view", "inventory.view", "binding.edit"],
        created_by="tests",
    )
    keeper = person("kim")
    give(keeper, "x-keeper", project)
    client = client_of(keeper)
    page = client.get(url(project))
    offered = [key for key, _name in page.context["form"].fields["role"].choices]
    assert "project_viewer" in offered
    assert "x-keeper" in offered
    assert "project_member" not in offered
    assert "you do not hold: see costs" in page.content.decode()
    assert add(client, project, who="bob", role="project_member").status_code == 422
    assert add(client, project, who="bob", role="project_viewer").status_code == 302
    # A role that gives nothing yet may give something tomorrow: it too needs the right to give roles there.
    foreign = a_project("Elsewhere", a_team("Elsewhere"))
    with pytest.raises(Exception, match="give and take away roles"):
        role_bindings.grant(
            user=bob,
            role="deployer",
            scope=role_bindings.Scope(ScopeKind.PROJECT, foreign.pk, foreign.name),
            by=COMMAND,
            at=clock.now(),
            granted_by=User.objects.get(pk=keeper.pk),
        )


def test_the_preview_says_who_gets_what_where(
    olga: User, bob: User, cleo: User, project: Project, cluster: Cluster
) -> None:
    for name in ("shop", "cart", "till"):
        key = a_namespace(cluster, name)
        holdings.assign(project=project, namespaces=[key], by=COMMAND, at=clock.now())
    group = a_group("shop-developers", bob, cleo)
    asked = {"on": f"project:{project.pk}", "role": "project_member", "holder": f"group:{group.pk}"}
    said = client_of(olga).get("/people/bindings/preview/", asked).content.decode().strip()
    assert (
        said
        == "2 people get: see workloads, see teams, see projects, see costs, see members, in 3 namespaces on 1 cluster"
    )


def test_role_and_end_change_on_the_binding_page(olga: User, bob: User, project: Project) -> None:
    binding = give(bob, "project_viewer", project, reason="to look")
    client = client_of(olga)
    assert client.post(f"/people/bindings/{binding.pk}/", {"role": "project_member", "end": "1d"}).status_code == 302
    changed = Binding.objects.get(user=bob)
    assert changed.role == "project_member"
    assert changed.reason == "to look"
    assert changed.expires_at is not None
    answer = client.post(f"/people/bindings/{changed.pk}/", {"role": "project_member", "end": "never"})
    assert answer["Location"] == url(project)
    assert Binding.objects.get(user=bob).expires_at is None


def test_taking_away_says_who_loses_what_first(olga: User, bob: User, cleo: User, project: Project) -> None:
    group = a_group("shop-developers", bob, cleo)
    binding = role_bindings.grant(
        group=group,
        role="project_member",
        scope=role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name),
        by=COMMAND,
        at=clock.now(),
    )
    client = client_of(olga)
    asked = client.post("/people/bindings/remove/", {"pick": str(binding.pk), "next": url(project)})
    text = asked.content.decode()
    assert asked.status_code == 200
    assert "2 people lose this" in text
    assert "shop-developers, group of Corporate directory: 2 people" in text
    assert Binding.objects.filter(pk=binding.pk).exists()
    done = client.post("/people/bindings/remove/", {"pick": str(binding.pk), "next": url(project), "sure": "1"})
    assert done["Location"] == url(project)
    assert client_of(bob).get(url(project)).status_code == 404


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_after_taking_away_nobody_is_led_elsewhere(olga: User, bob: User, project: Project, where: str) -> None:
    binding = give(bob, "project_member", project)
    done = client_of(olga).post("/people/bindings/remove/", {"pick": str(binding.pk), "next": where, "sure": "1"})
    assert done["Location"] == url(project)


def test_ended_roles_are_shown_for_ninety_days(olga: User, bob: User, cleo: User, project: Project) -> None:
    for user, days in ((bob, 89), (cleo, 91)):
        binding = give(user, "project_member", project)
        Binding.objects.filter(pk=binding.pk).update(expires_at=clock.now() - timedelta(days=days))
    listed = {row["name"]: row["state"] for row in rows(client_of(olga), project)}
    assert listed["bob"] == "ended"
    assert "cleo" not in listed


def test_an_old_sign_in_is_proved_again_before_anything_is_typed(olga: User, bob: User, project: Project) -> None:
    client = client_of(olga)
    session = client.session
    session["authenticated_at"] = 0
    session.save()
    text = client.get(url(project)).content.decode()
    assert f"/confirm/?next={url(project)}" in text
    assert 'name="who"' not in text
    assert add(client, project, who="bob")["Location"].startswith("/confirm/")
    assert not Binding.objects.filter(user=bob).exists()


@pytest.mark.parametrize("twin", ["ＢＯＢ", "Bob", " bob "])
def test_a_name_written_otherwise_is_the_same_person(olga: User, bob: User, project: Project, twin: str) -> None:
    assert add(client_of(olga), project, who=twin).status_code == 302
    assert Binding.objects.filter(user=bob, scope_id=project.pk).exists()


def test_a_name_that_only_looks_alike_is_nobody(olga: User, bob: User, project: Project) -> None:
    assert add(client_of(olga), project, who="b\N{CYRILLIC SMALL LETTER O}b").status_code == 422
    assert not Binding.objects.filter(user=bob).exists()


def test_a_group_made_again_under_its_name_inherits_nothing(
    olga: User, bob: User, cleo: User, project: Project
) -> None:
    first = a_group("ops", bob)
    assert add(client_of(olga), project, who="ops").status_code == 302
    first.gone_at = clock.now()
    first.save()
    second = a_group("ops", cleo)
    assert client_of(bob).get(url(project)).status_code == 404
    assert client_of(cleo).get(url(project)).status_code == 404
    assert add(client_of(olga), project, who="ops").status_code == 302
    assert Binding.objects.get(group__gone_at=None, group__isnull=False).group == second


def test_a_disabled_providers_groups_are_not_found(olga: User, bob: User, project: Project) -> None:
    group = a_group("ops", bob)
    provider = a_provider()
    provider.enabled = False
    provider.save()
    assert add(client_of(olga), project, who="ops", holder=f"group:{group.pk}").status_code == 422


def test_two_projects_of_one_name_keep_their_members_apart(olga: User, bob: User, project: Project) -> None:
    twin = a_project(project.name, a_team("Another"))
    assert twin.slug != project.slug
    assert add(client_of(olga), project, who="bob").status_code == 302
    assert client_of(bob).get(url(project)).status_code == 200
    assert client_of(bob).get(url(twin)).status_code == 404


def test_who_sees_one_project_reads_no_names_of_its_teams_members(team: Team, project: Project, bob: User) -> None:
    give(person("tina"), "team_owner", team)
    give(bob, "project_viewer", project)
    (row,) = rows(client_of(bob), team)
    assert (row["name"], row["people"]) == (None, 1)


def test_page_file_and_fragment_are_the_same_rows(olga: User, bob: User, project: Project) -> None:
    give(bob, "project_member", project)
    answer = client_of(olga).get(url(project), {"format": "csv"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in text.splitlines()[1:3]] == ["bob", "olga"]
