"""Who sees which cost: everything, a team, a project, and nobody by accident."""

import json
import random
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from billing.ledger.models import CostHour, CostRun
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.factories import costs
from tests.factories.costs import AT, HOUR, Owner
from tests.people import client_of

PAGES = ("/costs/", "/api/v1/costs/", "/api/v1/cost-runs/")


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers' present."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def ledger(db: None) -> costs.Estate:
    """A random ledger."""
    found = costs.estate()
    costs.store(costs.some_rows(random.Random(3), found))
    for cluster in found.clusters:
        costs.runs(cluster, found.hours)
    return found


def give(user: User, role: str, kind: ScopeKind, thing: Any = None) -> User:
    """Give a role on everything, a team, a project or a cluster."""
    scope = role_bindings.Scope(kind, thing.pk, str(thing)) if thing is not None else role_bindings.EVERYTHING
    role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=AT)
    return user


def addresses(about: costs.Estate) -> dict[str, str]:
    """Every address of the room, about something of the first project."""
    row = CostHour.objects.filter(project_id=about.projects[0].pk, price_key_id__isnull=False).order_by("id")[0]
    named = {
        "cluster": row.cluster.slug,
        "start": row.starts_at.isoformat(),
        "kind": row.kind,
        "namespace": row.namespace_uid,
        "key": str(row.price_key_id),
    }
    return {
        "page": "/costs/",
        "file": "/costs/?format=csv",
        "api": "/api/v1/costs/",
        "runs": "/api/v1/cost-runs/",
        "row": f"/costs/row/?{urlencode(named)}",
        "project": f"/costs/projects/{about.projects[0].slug}/panel/",
        "cluster": f"/costs/clusters/{row.cluster.slug}/panel/",
    }


EVERY = ("page", "file", "api", "runs", "row", "project", "cluster")


@pytest.mark.parametrize("name", EVERY)
def test_nobody_without_signing_in(ledger: costs.Estate, name: str) -> None:
    address = addresses(ledger)[name]
    answer = Client().get(address)
    assert answer.status_code == (401 if address.startswith("/api/") else 302)


@pytest.mark.parametrize("name", EVERY)
def test_nobody_without_the_right(ledger: costs.Estate, dan: User, name: str) -> None:
    give(dan, "project_viewer", ScopeKind.PROJECT, ledger.projects[0])
    assert client_of(dan).get(addresses(ledger)[name]).status_code == 404


@pytest.mark.parametrize("name", EVERY)
def test_another_teams_person_sees_nothing_of_it(ledger: costs.Estate, dan: User, name: str) -> None:
    give(dan, "team_owner", ScopeKind.TEAM, ledger.teams[2])
    answer = client_of(dan).get(addresses(ledger)[name])
    if name in ("row", "project"):
        assert answer.status_code == 404
        return
    assert answer.status_code == 200
    body = b"".join(answer) if answer.streaming else answer.content
    for word in ("Payments", "Checkout", "Search", "Index", str(ledger.teams[0].pk), "Idle", "kube-system"):
        assert word.encode() not in body


@pytest.mark.parametrize("name", EVERY)
def test_who_has_the_right_sees_it(ledger: costs.Estate, bob: User, name: str) -> None:
    give(bob, "project_member", ScopeKind.PROJECT, ledger.projects[0])
    assert client_of(bob).get(addresses(ledger)[name]).status_code == 200


def test_a_project_scope_gives_its_rows_alone(ledger: costs.Estate, bob: User) -> None:
    give(bob, "cost_viewer", ScopeKind.PROJECT, ledger.projects[1])
    for by in ("team", "project", "cluster", "namespace", "day", "kind"):
        rows = client_of(bob).get("/api/v1/costs/", {"by": by}).json()["results"]
        assert rows
        assert {(row["kind"], row["shared"], row["unassigned"]) for row in rows} == {("workload", False, False)}
        assert {row.get("project_id", str(ledger.projects[1].pk)) for row in rows} == {str(ledger.projects[1].pk)}


def test_a_team_sees_what_it_paid_and_not_what_its_project_cost_before(bob: User) -> None:
    cluster, mine, theirs = costs.a_cluster("oslo"), costs.a_team("Mine"), costs.a_team("Theirs")
    project = costs.a_project("Moved", theirs)
    hour = AT.replace(minute=0, second=0)
    costs.store(
        [
            costs.Row(cluster, hour - 2 * HOUR, "web", Owner(project, theirs), amounts={"cpu": Decimal(7)}),
            costs.Row(cluster, hour - HOUR, "web", Owner(project, mine), amounts={"cpu": Decimal(5)}),
        ]
    )
    give(bob, "cost_viewer", ScopeKind.TEAM, mine)
    rows = client_of(bob).get("/api/v1/costs/", {"by": "project"}).json()["results"]
    assert [(row["team"], row["cost"]) for row in rows] == [("Mine", "5.000000000000")]


def test_a_role_on_a_cluster_shows_no_cost(ledger: costs.Estate, cleo: User) -> None:
    give(cleo, "cluster_owner", ScopeKind.CLUSTER, ledger.clusters[0])
    for page in PAGES:
        assert client_of(cleo).get(page).status_code == 404


def test_the_administrator_without_finance_sees_no_cost(ledger: costs.Estate, bob: User) -> None:
    give(bob, "admin", ScopeKind.EVERYTHING)
    assert client_of(bob).get("/costs/").status_code == 404


QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"by": "project"},
    {"by": "cluster", "month": "2026-07"},
    {"by": "namespace"},
    {"by": "day"},
    {"by": "kind"},
    {"by": "hour", "from": "2026-08-01", "to": "2026-08-03"},
    {"by": "day", "team": "payments"},
)


def test_other_peoples_cost_changes_nothing_in_what_bob_is_told(ledger: costs.Estate, bob: User) -> None:
    mine = ledger.projects[0]
    give(bob, "project_member", ScopeKind.PROJECT, mine)
    before = _all_answers(client_of(bob), ledger)
    _change_the_rest(ledger, mine)
    after = _all_answers(client_of(bob), ledger)
    assert before == after
    assert any("Checkout" in answer for answer in before)


def _all_answers(client: Client, about: costs.Estate) -> list[str]:
    """Every page, API answer and file, without the ids of rows and the tokens of forms."""
    found = []
    for query in QUERIES:
        found.append(client.get("/costs/", query).content.decode())
        found.append(client.get("/costs/", query, headers={"HX-Request": "true"}).content.decode())
        found.append(json.dumps(client.get("/api/v1/costs/", query).json()))
        found.append(b"".join(client.get("/costs/", {**query, "format": "csv"})).decode())
    named = addresses(about)
    found += [client.get(named[name]).content.decode() for name in ("row", "project", "cluster", "runs")]
    return [re.sub(r'csrf\w*"?[^>]*?(value=|:)[^>]*>', "", answer, flags=re.IGNORECASE) for answer in found]


def _change_the_rest(about: costs.Estate, mine: Project) -> None:
    """Other teams' rows cost more or go, a team and a cluster come, with an older past and a younger present."""
    dice = random.Random(99)
    others = CostHour.objects.exclude(project_id=mine.pk)
    others.filter(id__in=dice.sample(list(others.values_list("id", flat=True)), others.count() // 3)).delete()
    others.update(cpu_amount=Decimal(987654), cpu_q=55)
    team = costs.a_team("Aardvarks")
    project = costs.a_project("Anthill", team)
    cluster = costs.a_cluster("athens")
    old = AT.replace(month=5, minute=0, second=0)
    rows = [
        costs.Row(place, old, "nest", Owner(project, team), key=1, amounts={"cpu": Decimal(3)})
        for place in (cluster, about.clusters[0])
    ]
    costs.store(rows)
    costs.runs(cluster, [old, AT.replace(minute=0, second=0)], behind=HOUR)
    assert Team.objects.count() == 4
    assert Cluster.objects.count() == 4
    assert CostRun.objects.filter(cluster=cluster).count() == 2
