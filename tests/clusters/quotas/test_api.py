"""Quotas by program: reading, replacing, the effect alone, asking for more."""

from typing import Any

import pytest

from clusters.projects.models import Project, Team
from clusters.quotas.models import QuotaPlan, QuotaRequest
from clusters.quotas.pool import Key
from portal.access.scopes import ScopeKind
from portal.accounts.models import User
from tests.clusters.quotas.conftest import a_pod
from tests.clusters.quotas.test_plans import CPU
from tests.factories.rivals import give
from tests.people import client_of, person

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def tina(team: Team) -> User:
    tina = person("tina")
    give(tina, "team_owner", ScopeKind.TEAM, team)
    return tina


def put(user: User, project: Project, **more: Any) -> Any:
    body = {"mode": "pool", "amounts": {"cpu": "4", "pods": "20"}, "version": 0, **more}
    return client_of(user).put(f"/api/v1/quotas/{project.pk}/", body, content_type=JSON)


def test_a_plan_is_replaced_and_the_same_again_changes_nothing(project: Project, shop: Key, tina: User) -> None:
    a_pod(shop, "web", cpu_m=500)
    answer = put(tina, project)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["version"], answer.json()["amounts"]) == (1, {"pods": "20", CPU: "4"})
    (bar,) = (bar for bar in answer.json()["bars"] if bar["resource"] == CPU)
    assert (bar["used"], bar["limit"]) == ("500m", "4")
    assert put(tina, project, version=1).json()["version"] == 1
    assert put(tina, project, version=0).status_code == 409
    assert put(tina, project, version=1, amounts={"cpu": "5"}).json()["version"] == 2


def test_the_effect_alone_changes_nothing(project: Project, shop: Key, tina: User) -> None:
    answer = put(tina, project, dry_run=True)
    assert answer.json()["effect"][0]["namespace"] == "shop"
    assert not QuotaPlan.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amounts": {"cats": "1"}}, "pool.cats"),
        ({"amounts": {"cpu": "many"}}, "pool.cpu"),
        ({"amounts": {"cpu": "10m"}}, "pool.requests.cpu"),
        ({"limit_range": {"cpu": {"default": "x"}}}, "limit_range.cpu.default"),
        (
            {"mode": "fixed", "shares": [{"cluster_id": "0" * 32, "namespace_uid": "x", "amounts": {"pods": "1"}}]},
            "own",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    project: Project, shop: Key, tina: User, given: dict[str, Any], field: str
) -> None:
    answer = put(tina, project, **given)
    assert answer.status_code == 422, answer.content
    assert field in answer.content.decode()
    assert not QuotaPlan.objects.exists()


def test_asking_and_deciding(project: Project, shop: Key, tina: User, dan: User) -> None:
    put(tina, project)
    olga = person("olga")
    give(olga, "project_member", ScopeKind.PROJECT, project)
    more = f"/api/v1/quotas/{project.pk}/more/"
    body = {"amounts": {"cpu": "6"}, "reason": "sale"}
    assert client_of(dan).post(more, body, content_type=JSON).status_code == 404
    assert client_of(olga).post(more, body, content_type=JSON).status_code == 201
    listed = client_of(tina).get("/api/v1/quota-requests/").json()["results"]
    assert [(one["asker"], one["amounts"]) for one in listed] == [("olga", {CPU: "6"})]
    decide = f"/api/v1/quota-requests/{listed[0]['id']}/approve/"
    assert client_of(olga).post(decide, {"version": 1}, content_type=JSON).status_code == 404
    assert client_of(tina).post(decide, {"version": 1}, content_type=JSON).status_code == 204
    assert QuotaRequest.objects.get().state == "approved"
    assert QuotaPlan.objects.get().pool_target[CPU] == 6000
