"""The pages of costs: what each says, in every state, for whom, and in how many queries."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.ledger import selectors
from billing.ledger.models import CostHour, CostRun
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.factories import costs
from tests.factories.costs import AT, HOUR, Owner, Row
from tests.people import client_of

COSTS = "/costs/"
# Of one page with everything on it: session, person and frame, filters, rows, totals, figures, chart.
MOST_QUERIES = 26


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers' present."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def ledger(db: None) -> costs.Estate:
    """A random ledger."""
    found = costs.estate()
    costs.store(costs.some_rows(random.Random(7), found))
    for cluster in found.clusters:
        costs.runs(cluster, found.hours)
    return found


def text_of(client: Client, path: str = COSTS, **query: str) -> str:
    """The page as text."""
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def member(user: User, kind: ScopeKind, thing: Any, role: str = "cost_viewer") -> User:
    """Give a role on a team or project."""
    role_bindings.grant(user=user, role=role, scope=role_bindings.Scope(kind, thing.pk, str(thing)), by=COMMAND, at=AT)
    return user


# The six states


def test_without_a_cluster_the_page_says_so_and_leads_to_one(ann: User) -> None:
    text = text_of(client_of(ann))
    assert "There is no cluster yet" in text
    assert reverse("registry:add") in text


def test_without_prices_the_page_leads_to_them(fay: User) -> None:
    costs.a_cluster("oslo")
    text = text_of(client_of(fay))
    assert "There are no prices yet" in text
    assert reverse("pricing:books") in text


def test_before_the_first_count_the_page_says_when_it_comes(fay: User, prices: None) -> None:
    costs.a_cluster("oslo")
    assert "Nothing has been counted yet" in text_of(client_of(fay))


def test_filters_that_hide_all_can_be_cleared(fay: User, ledger: costs.Estate) -> None:
    text = text_of(client_of(fay), namespace="nowhere")
    assert 'data-empty="filtered"' in text
    assert "Clear filters" in text


def test_without_the_right_there_is_no_page(bob: User, ledger: costs.Estate) -> None:
    assert client_of(bob).get(COSTS).status_code == 404


def test_a_cluster_that_lags_is_named_and_the_rest_stays(fay: User, ledger: costs.Estate) -> None:
    lost = ledger.clusters[1]
    CostRun.objects.filter(cluster=lost).delete()
    costs.runs(lost, ledger.hours, behind=timedelta(hours=3))
    text = text_of(client_of(fay))
    assert "1 of 2 clusters not reachable since" in text
    assert "charged up to its last confirmation" in text
    assert "Payments" in text


def test_old_figures_carry_their_age(fay: User, ledger: costs.Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=40))
    assert "older than promised" in text_of(client_of(fay))


# What stands on the pages


def test_every_answer_says_how_far_it_is_counted(fay: User, ledger: costs.Estate) -> None:
    client = client_of(fay)
    text = text_of(client)
    assert "2026-08-29 12:02:40 UTC" in text
    assert "Provisional" in text
    assert "What is requested is charged, not what is used" in text
    answer = client.get("/api/v1/costs/").json()
    assert answer["counted_to"] == "2026-08-29T12:02:40Z"
    assert answer["state"] == "provisional"
    assert answer["currency"] == "USD"
    assert Decimal(answer["coverage"]) < 1
    assert "requested" in answer["basis"]
    file = b"".join(client.get(COSTS, {"format": "csv"})).decode()
    for name in ("counted_to,2026-08-29T12:02:40Z", "coverage,0.9", "currency,USD", "state,provisional", "basis,"):
        assert name in file


def test_a_month_that_is_over_and_confirmed_is_final(fay: User, ledger: costs.Estate) -> None:
    answer = client_of(fay).get("/api/v1/costs/", {"month": "2026-07"}).json()
    assert answer["state"] == "final"
    assert answer["coverage"] == "1.000000"


def test_kinds_that_no_team_pays_stand_apart(fay: User, ledger: costs.Estate) -> None:
    text = text_of(client_of(fay))
    for word in ("Idle", "Reserved by the system", "Fees", "Shared", "Unassigned", "Unattached volumes"):
        assert word in text
    rows = client_of(fay).get("/api/v1/costs/", {"by": "kind"}).json()["results"]
    assert len(rows) == 7
    whole = sum(Decimal(row["cost"]) for row in rows)
    month = CostHour.objects.filter(month=costs.MONTH)
    resources = ("cpu", "memory", "gpu", "storage", "units", "fee")
    assert whole == sum(getattr(row, f"{one}_amount") or 0 for row in month for one in resources)


def test_unpriced_is_shown_with_its_quantity_and_never_as_zero(fay: User) -> None:
    cluster, team = costs.a_cluster("oslo"), costs.a_team("Payments")
    owner = Owner(costs.a_project("Checkout", team), team)
    hour = AT.replace(minute=0, second=0) - HOUR
    costs.store([Row(cluster, hour, "web", owner, quantities={"cpu": 3_600_000}, amounts={"cpu": None})])
    costs.runs(cluster, [hour])
    client = client_of(fay)
    text = text_of(client)
    assert "1 core h" in text
    assert "0.00 USD" not in text
    for label in ("CPU, USD", "Cost, USD"):
        assert f'data-label="{label}"><span class="absent">– unpriced</span>' in text
    row = client.get("/api/v1/costs/").json()["results"][0]
    assert row["cost"] is None
    assert row["unpriced_cpu_millicore_seconds"] == "3600000"
    hours = client.get("/api/v1/costs/", {"by": "hour", "from": "2026-08-29"}).json()["results"]
    assert [row["cost"] for row in hours] == [None]


def test_the_drill_down_ends_at_a_stored_row(fay: User, ledger: costs.Estate) -> None:
    client = client_of(fay)
    path = [
        {},
        {"team": "payments", "by": "project"},
        {"team": "payments", "project": "checkout", "by": "cluster"},
        {"team": "payments", "project": "checkout", "cluster": "oslo", "by": "namespace"},
    ]
    for here, onward in zip(path, path[1:], strict=False):
        text = text_of(client, **here)
        assert any(f"{name}={word}" in text for name, word in onward.items()), onward
    namespaces = client.get("/api/v1/costs/", path[-1]).json()["results"]
    name = next(row["namespace_name"] for row in namespaces)
    down = {**path[-1], "namespace": name, "by": "day"}
    assert "2026-08-02" in text_of(client, **down)
    hours = {**down, "by": "hour", "from": "2026-08-02", "to": "2026-08-03"}
    text = text_of(client, **hours)
    start = text.index('href="/costs/row/') + 6
    address = text[start : text.index('"', start)].replace("&amp;", "&")
    found = text_of(client, address)
    assert name in found
    assert "Counted to" in found


def test_hours_of_everything_are_listed_for_a_few_days_only(fay: User, ledger: costs.Estate) -> None:
    answer = client_of(fay).get("/api/v1/costs/", {"by": "hour"})
    assert answer.status_code == 400
    assert "by" in answer.json()["errors"]
    assert client_of(fay).get(COSTS, {"by": "hour"}).status_code == 400
    assert client_of(fay).get(COSTS, {"by": "hour", "from": "2026-08-28"}).status_code == 200


@pytest.mark.parametrize("by", ["team", "day", "hour"])
@pytest.mark.parametrize(
    ("start", "end"), [("0001-01-01", "0001-01-02"), ("9999-12-31", "9999-12-31"), ("2026-08-03", "2026-08-01")]
)
def test_days_far_away_hold_nothing(fay: User, ledger: costs.Estate, by: str, start: str, end: str) -> None:
    query = {"by": by, "from": start, "to": end}
    for path in (COSTS, "/api/v1/costs/"):
        assert client_of(fay).get(path, query).status_code == 200
    runs = client_of(fay).get("/api/v1/cost-runs/", {"from": start, "to": end})
    assert runs.json()["results"] == []


@pytest.mark.parametrize("query", [{"by": "colour"}, {"month": "2026-13"}, {"from": "yesterday"}, {"team": "nobody"}])
def test_a_bad_parameter_is_named(fay: User, ledger: costs.Estate, query: dict[str, str]) -> None:
    answer = client_of(fay).get("/api/v1/costs/", query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)
    assert client_of(fay).get(COSTS, query).status_code == 400


def test_a_fragment_brings_its_figures_along(fay: User, ledger: costs.Estate) -> None:
    answer = client_of(fay).get(COSTS, {"team": "search"}, headers={"HX-Request": "true"})
    text = answer.content.decode()
    assert "<html" not in text
    assert 'hx-swap-oob="true"' in text
    assert 'id="list-costs"' in text


def test_the_chart_adds_up_to_the_table(fay: User, ledger: costs.Estate) -> None:
    text = text_of(client_of(fay))
    table = text[text.index('id="chart-costs"') :]
    table = table[: table.index("</table>")]
    drawn = sum(Decimal(part.split('"')[0] or 0) for part in table.split('data-value="')[1:])
    rows = client_of(fay).get("/api/v1/costs/", {"by": "kind"}).json()["results"]
    assert drawn == sum(Decimal(row["cost"]) for row in rows)


def test_days_without_a_count_are_gaps(fay: User, ledger: costs.Estate) -> None:
    text = text_of(client_of(fay))
    day = text[text.index("2026-08-10") :]
    assert "no data" in day[: day.index("</tr>")]
    day = text[text.index("2026-08-02") :]
    assert "no data" not in day[: day.index("</tr>")]


# For the home page


def test_spend_is_the_month_so_far_beside_the_same_time_of_the_last(fay: User) -> None:
    cluster = costs.a_cluster("oslo")
    start = AT.replace(month=7, day=1, hour=0, minute=0, second=0)
    hours = [start + number * HOUR for number in range(24 * 31)] + [
        start + number * HOUR for number in range(744, 1430)
    ]
    one = {"quantities": {"cpu": 1}, "amounts": {"cpu": Decimal(1)}}
    costs.store([Row(cluster, hour, kind="idle", key=1, **one) for hour in hours if hour < AT])  # type: ignore[arg-type]
    costs.runs(cluster, [hour for hour in hours if hour < AT])
    found = selectors.spend(fay, AT)
    assert found is not None
    assert found.amount == 28 * 24 + 13
    # 28 whole days and the twelve whole hours that had passed on the 29th.
    assert found.previous == 28 * 24 + 12
    assert (found.currency, found.unpriced) == ("USD", False)


def test_spend_by_project_is_what_one_may_see(ledger: costs.Estate, fay: User, bob: User) -> None:
    mine = ledger.projects[0]
    member(bob, ScopeKind.PROJECT, mine)
    every, own = selectors.spend_by_project(fay, AT), selectors.spend_by_project(bob, AT)
    assert set(every) == {project.pk for project in ledger.projects}
    assert own == {mine.pk: every[mine.pk]}
    assert selectors.spend_by_project(bob, AT - timedelta(days=90)) == {}


# Queries


@pytest.mark.parametrize("by", ["team", "project", "cluster", "namespace", "day", "kind"])
def test_queries_do_not_grow_with_rows(fay: User, by: str) -> None:
    few = costs.estate(costs.some_hours()[-3:])
    few.namespaces = [f"ns-{number}" for number in range(25)]
    client = client_of(fay)
    costs.store(costs.some_rows(random.Random(1), few))
    for cluster in few.clusters:
        costs.runs(cluster, few.hours)
    before = _queries(client, by)
    CostHour.objects.all().delete()
    few.namespaces = [f"ns-{number}" for number in range(90)]
    costs.store(costs.some_rows(random.Random(2), few))
    assert _queries(client, by) == before
    assert before <= MOST_QUERIES


def _queries(client: Client, by: str) -> int:
    client.get(COSTS)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(COSTS, {"by": by}).status_code == 200
    return len(seen)


@pytest.fixture
def prices(db: None) -> None:
    """A price book with one rate."""
    from_hour = AT.replace(minute=0, second=0) - timedelta(days=60)
    costs.a_rate("core", "0.03", from_hour)
