"""The page of one stored row: its formulas give the stored amounts."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from billing.ledger import explaining, selectors
from billing.ledger.models import AssetHour, CostHour, CostRun, PodHour
from billing.metering.models import PriceKey
from billing.pricing.models import PriceBook
from portal.accounts.models import User
from portal.core import clock
from tests.factories import costs
from tests.factories.costs import AT, HOUR, Owner, Row
from tests.people import client_of

EXACT = Context(prec=200, rounding=ROUND_HALF_UP)
START = AT.replace(minute=0, second=0) - HOUR
GIB = 2**30


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers' present."""
    monkeypatch.setattr(clock, "now", lambda: AT)


def half_up(top: Decimal, bottom: Decimal) -> Decimal:
    """Divide to 30 places, round to twelve."""
    divided = EXACT.divide(top, bottom).quantize(Decimal("1E-30"), context=EXACT)
    return divided.quantize(Decimal("1E-12"), context=EXACT)


def kept(asset: str, **fields: Any) -> PriceKey:
    """A price key."""
    return PriceKey.objects.create(asset=asset, **fields)


def priced(row: Row, **rates: int) -> CostHour:
    """Store the row with its asset and run, whose price book is the one there is."""
    assert row.key is not None
    costs.store([row])
    costs.runs(row.cluster, [row.hour])
    book = PriceBook.objects.get()
    CostRun.objects.update(price_book_id=book.pk, price_version=book.version)
    offered = {"cpu_q": 8000 * 3600, "memory_q": 32 * GIB * 3600, "gpu_q": 0, "seconds": 3600}
    AssetHour.objects.create(
        cluster=row.cluster,
        hour=row.hour,
        starts_at=row.hour,
        ends_at=row.hour + HOUR,
        day=row.hour.date(),
        price_key_id=row.key,
        **offered,
        **rates,
    )
    return CostHour.objects.get()


def explained(person: User, row: CostHour) -> dict[str, explaining.Line]:
    """The lines of the row by resource."""
    found = selectors.behind(
        person,
        slug=row.cluster.slug,
        start=row.starts_at,
        kind=row.kind,
        namespace=row.namespace_uid,
        key=row.price_key_id,
    )
    assert found is not None
    return {line.resource: line for line in explaining.lines(found)}


def address(row: CostHour, **changes: str) -> str:
    """The row's page."""
    named = {
        "cluster": row.cluster.slug,
        "start": row.starts_at.isoformat(),
        "kind": row.kind,
        "namespace": row.namespace_uid,
        "key": str(row.price_key_id),
    }
    return f"/costs/row/?{urlencode({**named, **changes})}"


def test_prices_of_parts(fay: User) -> None:
    core = costs.a_rate("core", "0.031611", START - timedelta(days=1))
    memory = costs.a_rate("memory", "3.09301", START - timedelta(days=1), unit="month")
    cluster, team = costs.a_cluster("oslo"), costs.a_team("Payments")
    amounts: dict[str, Decimal | None] = {
        "cpu": half_up(1_234_567 * core.price, Decimal(1000 * 3600)),
        "memory": half_up(987_654_321_987 * memory.price, Decimal(GIB * 3600 * 730)),
        "gpu": None,
    }
    row = Row(
        cluster,
        START,
        "web",
        Owner(costs.a_project("Checkout", team), team),
        key=kept("node", instance_type="m5").pk,
        quantities={"cpu": 1_234_567, "memory": 987_654_321_987, "gpu": 500},
        amounts=amounts,
    )
    stored = priced(row, cpu_rate_id=core.pk, memory_rate_id=memory.pk)
    lines = explained(fay, stored)
    assert {name: line.result for name, line in lines.items()} == amounts
    assert {name: line.amount for name, line in lines.items()} == amounts
    text = client_of(fay).get(address(stored)).content.decode()
    for word in ("1234567", "0.031611", "List prices", "per month", "node m5", "11:00:00", "Checkout", "unpriced"):
        assert word in text
    assert f"{amounts['cpu']:f}" in text


def test_the_price_of_a_whole_node(fay: User) -> None:
    rate = costs.a_rate("node", "0.384", START - timedelta(days=1))
    book = rate.book
    weight = 8000 * 3600 * book.cpu_ratio * GIB + 32 * GIB * 3600 * book.memory_ratio * 1000
    amounts: dict[str, Decimal | None] = {
        "cpu": half_up(900_000 * book.cpu_ratio * GIB * rate.price * 3600, EXACT.multiply(weight, Decimal(3600))),
        "memory": half_up(
            EXACT.multiply(Decimal(77 * GIB) * book.memory_ratio * 1000, rate.price * 3600),
            EXACT.multiply(weight, Decimal(3600)),
        ),
    }
    quantities = {"cpu": 900_000, "memory": 77 * GIB}
    row = Row(costs.a_cluster("oslo"), START, "web", key=kept("node").pk, quantities=quantities, amounts=amounts)
    lines = explained(fay, priced(row, rate_id=rate.pk))
    assert {name: line.result for name, line in lines.items()} == amounts


def test_volumes_and_fees(fay: User) -> None:
    rate = costs.a_rate("volume", "0.04", START - timedelta(days=1), unit="month")
    quantity = 10 * GIB * 3600 + 7
    amounts: dict[str, Decimal | None] = {"storage": half_up(quantity * rate.price, Decimal(GIB * 3600 * 730))}
    cluster = costs.a_cluster("oslo")
    row = Row(
        cluster, START, kind="unattached", key=kept("volume").pk, quantities={"storage": quantity}, amounts=amounts
    )
    lines = explained(fay, priced(row, rate_id=rate.pk))
    assert lines["storage"].result == amounts["storage"]


def test_the_pods_behind_a_row_are_named(fay: User) -> None:
    costs.a_rate("core", "0.03", START - timedelta(days=1))
    cluster = costs.a_cluster("oslo")
    stored = priced(Row(cluster, START, "web", key=kept("node").pk, quantities={"cpu": 5}, amounts={"cpu": None}))
    PodHour.objects.create(
        cluster=cluster,
        hour=START,
        starts_at=START,
        day=START.date(),
        uid="one",
        name="web-7f9c",
        namespace_uid=stored.namespace_uid,
        asset="pod",
        price_key_id=stored.price_key_id,
        owner_kind="Deployment",
        owner_name="web",
    )
    text = client_of(fay).get(address(stored)).content.decode()
    assert "web-7f9c" in text
    assert "Deployment web" in text


@pytest.mark.parametrize(
    "change",
    [
        {"start": "then"},
        {"start": "2026-08-29T11:00:00"},
        {"key": "x"},
        {"key": "9" * 30},
        {"cluster": "a\0"},
        {"kind": "no"},
    ],
)
def test_a_row_that_is_not_there(fay: User, change: dict[str, str]) -> None:
    costs.a_rate("core", "0.03", START - timedelta(days=1))
    stored = priced(Row(costs.a_cluster("oslo"), START, "web", key=kept("node").pk, quantities={"cpu": 5}))
    client: Client = client_of(fay)
    assert client.get(address(stored)).status_code == 200
    assert client.get(address(stored, **change)).status_code == 404
