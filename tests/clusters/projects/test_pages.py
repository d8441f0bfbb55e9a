"""The pages of teams, projects and namespaces without project."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from clusters.projects.models import NamespaceTenure, Project, Team
from clusters.projects.services import holdings
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.projects.conftest import a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db


def member(user: User, role: str, on: Team | Project) -> Client:
    kind = ScopeKind.TEAM if isinstance(on, Team) else ScopeKind.PROJECT
    scope = role_bindings.Scope(kind, on.pk, on.name)
    role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now())
    return people.client_of(user)


def pick(key: holdings.Key) -> str:
    return f"{key[0]}/{key[1]}"


def hold(project: Project, cluster: Cluster, name: str) -> holdings.Key:
    key = a_namespace(cluster, name)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=clock.now())
    return key


def body(client: Client, name: str, *args: str) -> str:
    answer = client.get(reverse(f"projects:{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def test_from_nothing_to_a_held_namespace(ann: User, cluster: Cluster) -> None:
    client = people.client_of(ann)
    assert "New team" in body(client, "teams")
    assert client.post(reverse("projects:new_team"), {"name": "Payments", "owner": "ann"}).status_code == 302
    answer = client.post(reverse("projects:new"), {"name": "Checkout", "team": "payments"})
    assert answer["Location"] == reverse("projects:project", args=["checkout"])
    assert "This project holds no namespace yet." in body(client, "project", "checkout")
    keys = [a_namespace(cluster, name, labels={"project": "checkout"}) for name in ("shop", "cart")]
    listed = body(client, "unowned")
    assert listed.count("Checkout") >= 2  # suggested for both
    assert all(pick(key) in listed for key in keys)
    given = {"pick": [pick(key) for key in keys], "project": "checkout", "since": "first_seen", "do": "assign"}
    assert client.post(reverse("projects:unowned"), given).status_code == 302
    assert "shop" in body(client, "project", "checkout")
    assert "Every namespace belongs to a project." in body(client, "unowned")
    assert all(columns(key)[1] is not None for key in keys)


def test_moving_and_releasing_several_at_once(ann: User, cluster: Cluster, project: Project, team: Team) -> None:
    client, target = people.client_of(ann), a_project("Search", team)
    keys = [hold(project, cluster, name) for name in ("a", "b", "c")]
    url = reverse("projects:project", args=[project.slug])
    moved = {"pick": [pick(key) for key in keys[:2]], "project": target.slug, "since": "now", "do": "move"}
    shown = client.post(url, moved)
    assert shown.status_code == 200
    assert "Get access" in shown.content.decode()
    assert columns(keys[0])[1] == project.pk
    assert client.post(url, {**moved, "confirmed": "1"}).status_code == 302
    assert [columns(key)[1] for key in keys] == [target.pk, target.pk, project.pk]
    released = {"pick": [pick(keys[2])], "since": "now", "do": "release"}
    assert client.post(url, released).status_code == 302
    assert columns(keys[2]) == (None, None)
    assert "Namespace moved" in body(client, "project_activity", project.slug)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pick": [], "project": "checkout"}, "Choose at least one namespace."),
        ({"pick": ["nonsense"], "project": "checkout"}, "could not be read"),
        ({}, "Choose a project."),
        ({"project": "checkout", "since": "hour"}, "Name the hour."),
        ({"project": "checkout", "since": "hour", "hour": "2020-01-01T00:00"}, "before the open month"),
        ({"project": "checkout", "since": "never"}, "Select a valid choice"),
    ],
)
def test_a_refused_choice_is_told_and_changes_nothing(
    ann: User, cluster: Cluster, project: Project, given: dict[str, str], said: str
) -> None:
    key = a_namespace(cluster, "shop")
    data = {"pick": [pick(key)], "since": "now", "do": "assign", **given}
    answer = people.client_of(ann).post(reverse("projects:unowned"), data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not NamespaceTenure.objects.exists()


def test_what_somebody_else_took_is_told_on_the_page(ann: User, cluster: Cluster, project: Project) -> None:
    key = hold(project, cluster, "shop")
    given = {"pick": [pick(key)], "project": project.slug, "since": "now", "do": "assign"}
    answer = people.client_of(ann).post(reverse("projects:unowned"), given)
    assert answer.status_code == 422
    assert "prod/shop is in the project Checkout already." in answer.content.decode()


def test_a_project_is_renamed_given_away_and_closed(ann: User, project: Project) -> None:
    client, receiver = people.client_of(ann), a_team("Search")
    slug = project.slug
    renamed = client.post(reverse("projects:project_settings", args=[slug]), {"name": "Till"})
    assert renamed.status_code == 302
    assert client.post(reverse("projects:project_team", args=[slug]), {"team": receiver.slug}).status_code == 302
    page = body(client, "project", slug)
    assert "Till" in page
    assert "Search" in page
    assert client.post(reverse("projects:close_project", args=[slug])).status_code == 302
    assert client.post(reverse("projects:close_project", args=[slug])).status_code == 409
    assert client.post(reverse("projects:team_settings", args=["search"]), {"name": "Find"}).status_code == 302
    assert client.post(reverse("projects:close_team", args=["search"])).status_code == 302


@pytest.mark.parametrize("role", ["project_member", "project_viewer", "project_owner"])
def test_a_member_sees_their_own_project_alone(
    bob: User, cluster: Cluster, project: Project, team: Team, role: str
) -> None:
    foreign = a_project("Secret plans", a_team("Elsewhere"))
    hold(foreign, cluster, "hidden-namespace")
    hold(project, cluster, "shop")
    client = member(bob, role, project)
    pages = [body(client, name) for name in ("projects", "teams")]
    pages += [body(client, f"project{tab}", project.slug) for tab in ("", "_members", "_activity")]
    pages.append(body(client, "team", team.slug))
    assert not any(word in page for page in pages for word in ("Secret plans", "Elsewhere", "hidden-namespace"))
    assert "Checkout" in pages[0]
    assert "shop" in pages[2]
    assert "Put into" not in pages[2]
    for name in ("project", "project_members", "project_activity", "project_settings", "project_cost"):
        assert client.get(reverse(f"projects:{name}", args=[foreign.slug])).status_code == 404
    assert client.get(reverse("projects:team", args=["elsewhere"])).status_code == 404
    hidden, absent = (client.get(reverse("projects:project", args=[slug])) for slug in (foreign.slug, "nothing"))
    assert _without_tokens(hidden.content) == _without_tokens(absent.content)


def _without_tokens(page: bytes) -> str:
    """Form tokens are masked anew in each answer."""
    return re.sub(r"[A-Za-z0-9]{64}", "", page.decode())


def test_a_team_owner_opens_projects_and_sees_all_of_the_team(bob: User, team: Team, project: Project) -> None:
    client = member(bob, "team_owner", team)
    assert client.post(reverse("projects:new"), {"name": "Search", "team": team.slug}).status_code == 302
    assert {"Search", "Checkout"} <= set(re.findall(r"Search|Checkout", body(client, "team", team.slug)))
    other = a_team("Elsewhere")
    assert client.post(reverse("projects:new"), {"name": "Spy", "team": other.slug}).status_code == 422
    assert client.post(reverse("projects:project_team", args=["checkout"]), {"team": other.slug}).status_code == 422
    assert client.get(reverse("projects:new_team")).status_code == 404
    assert client.post(reverse("projects:close_team", args=[team.slug])).status_code == 404


def test_roles_on_a_cluster_show_no_project(bob: User, cluster: Cluster, project: Project) -> None:
    scope = role_bindings.Scope(ScopeKind.CLUSTER, cluster.pk, cluster.name)
    role_bindings.grant(user=bob, role="cluster_owner", scope=scope, by=COMMAND, at=clock.now())
    client = people.client_of(bob)
    assert client.get(reverse("projects:projects")).status_code == 404
    assert client.get(reverse("projects:project", args=[project.slug])).status_code == 404


def test_only_who_may_assign_assigns(bob: User, dan: User, cluster: Cluster, project: Project, team: Team) -> None:
    key, held = a_namespace(cluster, "shop"), hold(project, cluster, "held")
    for client in (member(bob, "project_owner", project), member(dan, "team_owner", team), Client()):
        given = {"pick": [pick(key)], "project": project.slug, "since": "now", "do": "assign"}
        assert client.post(reverse("projects:unowned"), given).status_code in {404, 302}
        released = {"pick": [pick(held)], "since": "now", "do": "release"}
        assert client.post(reverse("projects:project", args=[project.slug]), released).status_code in {404, 302}
    assert columns(key) == (None, None)
    assert columns(held)[1] == project.pk
    assert Event.objects.filter(kind="access.denied").count() == 4


def test_members_are_listed_without_addresses(ann: User, bob: User, project: Project) -> None:
    client = member(bob, "project_member", project)
    assert "bob" in body(client, "project_members", project.slug)
    activity = body(client, "project_activity", project.slug)
    assert "Project created" in activity


@pytest.mark.parametrize("name", ["projects", "teams", "unowned", "new", "new_team"])
def test_pages_need_a_sign_in_and_a_right(cleo: User, name: str) -> None:
    assert Client().get(reverse(f"projects:{name}")).status_code == 302
    assert people.client_of(cleo).get(reverse(f"projects:{name}")).status_code == 404


def test_the_list_exports_what_it_shows(ann: User, cluster: Cluster, project: Project) -> None:
    hold(project, cluster, "shop")
    client = people.client_of(ann)
    page = client.get(reverse("projects:projects") + "?format=csv")
    file = b"".join(page.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Checkout,Payments,1,1" in file
    row = client.get("/api/v1/projects/").json()["results"][0]
    assert (row["name"], row["team"], row["namespaces"], row["clusters"]) == ("Checkout", "Payments", 1, 1)
