"""api/v1 of teams, projects and namespaces: the rules of the pages, by id."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from clusters.projects.models import NamespaceTenure, Project, Team
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests import people
from tests.clusters.projects.conftest import a_namespace, a_project, a_team, columns

pytestmark = pytest.mark.django_db
TEAMS, PROJECTS = "/api/v1/teams/", "/api/v1/projects/"


def send(client: Client, url: str, method: str = "post", **given: Any) -> Any:
    return getattr(client, method)(url, json.dumps(given), content_type="application/json")


def refs(*keys: tuple[Any, str]) -> list[dict[str, str]]:
    return [{"cluster_id": str(cluster), "uid": uid} for cluster, uid in keys]


def test_teams_and_projects_are_opened_changed_and_closed(ann: User) -> None:
    client = people.client_of(ann)
    team = send(client, TEAMS, name="Payments", cost_centre="4711").json()
    assert (team["slug"], team["cost_centre"]) == ("payments", "4711")
    other = send(client, TEAMS, name="Search", slug="find").json()
    made = send(client, PROJECTS, name="Checkout", team=team["id"])
    assert made.status_code == 201
    one = f"{PROJECTS}{made.json()['id']}/"
    assert send(client, one, "patch", name="Till").json()["name"] == "Till"
    assert send(client, f"{one}team/", team=other["id"]).json()["team"] == other["id"]
    assert send(client, f"{TEAMS}{other['id']}/close/").status_code == 409
    assert send(client, f"{one}close/").json()["team"] is None
    assert send(client, f"{TEAMS}{other['id']}/close/").status_code == 200
    assert send(client, f"{TEAMS}{team['id']}/", "patch", owner="ann").json()["owner"] == "ann"
    assert [row["slug"] for row in client.get(TEAMS).json()["results"]] == ["payments"]
    problem = send(client, TEAMS, name="PAYMENTS")
    assert (problem.status_code, list(problem.json()["errors"])) == (422, ["name"])


def test_namespaces_are_assigned_moved_and_released(ann: User, cluster: Cluster, project: Project, team: Team) -> None:
    client, target = people.client_of(ann), a_project("Search", team)
    keys = [a_namespace(cluster, "shop"), a_namespace(cluster, "cart")]
    one = f"{PROJECTS}{project.pk}/"
    listed = client.get("/api/v1/unowned-namespaces/").json()["results"]
    assert {row["name"] for row in listed} == {"shop", "cart"}
    assigned = send(client, f"{one}assign/", namespaces=refs(*keys), since="now")
    assert assigned.status_code == 200
    assert {row["namespace_name"] for row in assigned.json()["results"]} == {"shop", "cart"}
    assert assigned.json()["results"][0]["to"] is None
    assert send(client, f"{one}assign/", namespaces=refs(keys[0])).status_code == 409
    moved = send(client, f"{one}move/", namespaces=refs(keys[0]), project=str(target.pk))
    assert moved.json()["results"][0]["project"] == str(target.pk)
    assert send(client, f"{one}release/", namespaces=refs(keys[1])).status_code == 204
    assert columns(keys[1]) == (None, None)
    held = client.get(f"{PROJECTS}{target.pk}/namespaces/").json()["results"]
    assert [row["namespace_name"] for row in held] == ["shop"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"namespaces": []}, "namespaces"),
        ({"namespaces": "all"}, "namespaces"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2020-01-01T00:00:00Z"}, "since"),
        ({"namespaces": [{"cluster_id": "00000000-0000-4000-8000-000000000000", "uid": "u"}]}, "namespaces"),
    ],
)
def test_bad_input_is_a_problem_at_its_field(
    ann: User, cluster: Cluster, project: Project, given: dict[str, Any], field: str
) -> None:
    body = {"namespaces": refs(a_namespace(cluster, "shop")), **given}
    answer = send(people.client_of(ann), f"{PROJECTS}{project.pk}/assign/", **body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert not NamespaceTenure.objects.exists()


def test_a_future_hour_is_refused(ann: User, cluster: Cluster, project: Project) -> None:
    hour = (clock.now() + timedelta(hours=2)).replace(minute=0, second=0)
    body: dict[str, Any] = {"namespaces": refs(a_namespace(cluster, "shop")), "since": hour.isoformat()}
    assert send(people.client_of(ann), f"{PROJECTS}{project.pk}/assign/", **body).status_code == 422


def test_others_see_and_change_nothing(bob: User, cluster: Cluster, project: Project) -> None:
    foreign = a_project("Secret", a_team("Elsewhere"))
    scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
    role_bindings.grant(user=bob, role="project_owner", scope=scope, by=COMMAND, at=clock.now())
    client, key = people.client_of(bob), a_namespace(cluster, "shop")
    assert [row["slug"] for row in client.get(PROJECTS).json()["results"]] == ["checkout"]
    assert [row["slug"] for row in client.get(TEAMS).json()["results"]] == ["payments"]
    one, other = f"{PROJECTS}{project.pk}/", f"{PROJECTS}{foreign.pk}/"
    hidden, absent = client.get(other), client.get(f"{PROJECTS}{key[0]}/")
    for answer in (hidden, absent):
        assert answer.status_code == 404
    assert {**hidden.json(), "instance": ""} == {**absent.json(), "instance": ""}
    refused = [
        send(client, other, "patch", name="Mine"),
        client.get(f"{other}namespaces/"),
        send(client, f"{one}assign/", namespaces=refs(key)),
        send(client, f"{one}release/", namespaces=refs(key)),
        send(client, f"{one}team/", team=str(a_team("Third").pk)),
        send(client, TEAMS, name="Mine"),
        send(client, PROJECTS, name="Mine", team=str(foreign.pk)),
        client.get("/api/v1/unowned-namespaces/"),
    ]
    assert {answer.status_code for answer in refused} == {404}
    assert send(Client(), f"{one}assign/", namespaces=refs(key)).status_code in {401, 403}
    assert send(client, one, "patch", description="ours").status_code == 200
    assert columns(key) == (None, None)
