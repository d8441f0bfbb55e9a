"""Page, API and file carry the same figures, to the last digit, and they are the sums of the stored hours."""

import csv
import html
import io
import random
import re
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing.ledger.models import RESOURCES, CostHour
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster
from portal.accounts.models import User
from portal.core import clock
from tests.factories import costs
from tests.people import client_of

PAGE, API = "/costs/", "/api/v1/costs/"
QUANTITIES = {
    "cpu": "cpu_millicore_seconds",
    "memory": "memory_byte_seconds",
    "gpu": "gpu_milli_seconds",
    "storage": "storage_byte_seconds",
    "units": "load_balancer_milli_seconds",
    "fee": "fee_milli_seconds",
}
KEYS: dict[str, tuple[str, ...]] = {
    "team": ("team_id",),
    "project": ("team_id", "project_id"),
    "cluster": ("cluster_id",),
    "namespace": ("team_id", "project_id", "cluster_id", "namespace_uid"),
    "day": ("day",),
    "kind": (),
    "hour": ("cluster_id", "starts_at", "namespace_uid", "price_key_id"),
}
KINDS = ("workload", "shared", "unassigned", "idle", "reserved", "fee", "unattached")
QUERIES = 50


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers' present."""
    monkeypatch.setattr(clock, "now", lambda: costs.AT)


def test_page_api_and_file_say_the_same_as_the_stored_hours(fay: User) -> None:
    about = costs.estate()
    costs.store(costs.some_rows(random.Random(11), about))
    for cluster in about.clusters:
        costs.runs(cluster, about.hours)
    client = client_of(fay)
    dice = random.Random(4)
    filled = 0
    for _number in range(QUERIES):
        query = _some_query(dice, about)
        api = _api(client, query)
        assert _file(client, query) == [{name: _plain(value) for name, value in row.items()} for row in api], query
        page, foot = _page(client, query)
        assert page == [row["cost"] for row in api], query
        assert foot == _sum(row["cost"] for row in api), query
        assert sorted(map(_figures, api), key=repr) == sorted(_expected(query), key=repr), query
        filled += bool(api)
    assert filled > QUERIES / 2


def _some_query(dice: random.Random, about: costs.Estate) -> dict[str, str]:
    query = {"by": dice.choice(list(KEYS)), "size": dice.choice(["25", "50", "100"])}
    if dice.random() < 0.6:
        query["month"] = dice.choice(["2026-07", "2026-08"])
    if dice.random() < 0.3:
        query["from"] = dice.choice(["2026-07-31", "2026-08-02"])
    if dice.random() < 0.3:
        query["to"] = dice.choice(["2026-08-02", "2026-08-03", "2026-08-29"])
    if query["by"] == "hour":
        query |= dice.choice([{"from": "2026-08-01", "to": "2026-08-03"}, {"from": "2026-07-31", "to": "2026-08-01"}])
        query.pop("month", None)
    for name, things in (("team", about.teams), ("project", about.projects), ("cluster", about.clusters)):
        if dice.random() < 0.2:
            query[name] = dice.choice(things).slug  # type: ignore[attr-defined] # each has one
    if dice.random() < 0.2:
        query["namespace"] = dice.choice([*about.namespaces, "kube-system"])
    if dice.random() < 0.2:
        query["kind"] = dice.choice(KINDS)
    return query


def _api(client: Client, query: dict[str, str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    answer = client.get(API, query).json()
    while True:
        rows += answer["results"]
        if not answer["next"]:
            return rows
        answer = client.get(answer["next"]).json()


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _file(client: Client, query: dict[str, str]) -> list[dict[str, str]]:
    text = b"".join(client.get(PAGE, {**query, "format": "csv"})).decode().lstrip("\ufeff")
    lines = [line for line in csv.reader(io.StringIO(text)) if line and not line[0].startswith("#")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


_CELL = re.compile(r'<td class="num" data-label="Cost, USD"(?: title="([-0-9.]+) USD")?>')
_FOOT = re.compile(r'<td class="num" data-label="Cost">(?:<span title="([-0-9.]+) USD">)?')


def _page(client: Client, query: dict[str, str]) -> tuple[list[str | None], Decimal]:
    """Return the exact costs of the table's rows over all its pages, and the total of the foot."""
    found: list[str | None] = []
    address: str | None = PAGE
    given: dict[str, str] | None = query
    foot = Decimal(0)
    while address:
        answer = client.get(address, given)
        assert answer.status_code == 200
        text = answer.content.decode()
        table = text[text.index('id="list-costs"') :]
        body = table[table.index("<tbody>") : table.index("</tbody>")] if "<tbody>" in table else ""
        found += [cell or None for cell in _CELL.findall(body)]
        total = _FOOT.search(table)
        foot = Decimal(total[1] or 0) if total else Decimal(0)
        onward = re.search(r'rel="next" href="([^"]+)"', table)
        address, given = (html.unescape(onward[1]) if onward else None), None
    return found, foot


def _sum(amounts: Any) -> Decimal:
    return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal(0))


def _figures(row: dict[str, Any]) -> tuple[Any, ...]:
    cost = None if row["cost"] is None else Decimal(row["cost"])
    quantities = tuple(int(row[name]) for name in QUANTITIES.values())
    bare = tuple(int(row[f"unpriced_{name}"]) for name in QUANTITIES.values())
    parts = tuple(
        None if row[name] is None else Decimal(row[name])
        for name in ("cpu_cost", "memory_cost", "gpu_cost", "storage_cost", "load_balancer_cost", "fee_cost")
    )
    return row["kind"], row["shared"], row["unassigned"], cost, quantities, bare, parts


def _expected(query: dict[str, str]) -> list[tuple[Any, ...]]:
    """Work the same out from the stored hours, in Python."""
    groups: dict[tuple[Any, ...], list[CostHour]] = defaultdict(list)
    for row in CostHour.objects.all():
        if _fits(row, query):
            key = tuple(getattr(row, name) for name in KEYS[query["by"]])
            groups[*key, row.kind, row.shared, row.team_id is None].append(row)
    return [(*key[-3:], *_added(rows)) for key, rows in groups.items()]


def _fits(row: CostHour, query: dict[str, str]) -> bool:
    first, last = date.min, costs.AT.date()
    if not ({"from", "to", "month"} & set(query)):
        first = costs.MONTH
    if "from" in query:
        first = date.fromisoformat(query["from"])
    if "to" in query:
        last = date.fromisoformat(query["to"]) - timedelta(days=1)
    if not first <= row.day <= last or f"{row.day:%Y-%m}" != query.get("month", f"{row.day:%Y-%m}"):
        return False
    word = row.kind
    if word == "workload" and (row.shared or row.team_id is None):
        word = "shared" if row.shared else "unassigned"
    return (
        ("team" not in query or row.team_id == Team.objects.get(slug=query["team"]).pk)
        and ("project" not in query or row.project_id == Project.objects.get(slug=query["project"]).pk)
        and ("cluster" not in query or row.cluster_id == Cluster.objects.get(slug=query["cluster"]).pk)
        and query.get("namespace", row.namespace_name) == row.namespace_name
        and query.get("kind", word) == word
    )


def _added(rows: list[CostHour]) -> tuple[Any, ...]:
    quantities, bare, parts = [], [], []
    for one in RESOURCES:
        found = [(int(getattr(row, f"{one}_q")), getattr(row, f"{one}_amount")) for row in rows]
        quantities.append(sum(quantity for quantity, _amount in found))
        bare.append(sum(quantity for quantity, amount in found if amount is None))
        priced = sum((amount for _quantity, amount in found if amount is not None), Decimal(0))
        parts.append(None if bare[-1] and bare[-1] == quantities[-1] else priced)
    cost = sum((part for part in parts if part is not None), Decimal(0))
    nothing = any(bare) and quantities == bare
    return None if nothing else cost, tuple(quantities), tuple(bare), tuple(parts)
