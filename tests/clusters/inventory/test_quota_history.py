"""The use of quotas, kept per hour for 100 days, written only where something changed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from clusters.inventory import quota_history, services
from clusters.inventory.models import Quota, QuotaHour
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.estate import Estate
from tests.clusters.inventory.objects import namespace, quota

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 10, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def found(estate: MakeEstate) -> Estate:
    made = estate(namespaces=[namespace("shop")], resourcequotas=[used("1500m")])
    made.load(START)
    return made


def used(cpu: str, hard: str = "10") -> dict[str, Any]:
    made = quota("limits")
    made["status"] = {"hard": {"requests.cpu": hard}, "used": {"requests.cpu": cpu}}
    made["spec"] = {"hard": {"requests.cpu": hard}}
    return made


def hours() -> list[tuple[int, str]]:
    rows = QuotaHour.objects.order_by("hour").values_list("hour", "used")
    return [(hour.hour, amounts["requests.cpu"]) for hour, amounts in rows]


def test_the_last_state_of_an_hour_is_kept(found: Estate) -> None:
    assert hours() == [(10, "1500m")]
    found.put("resourcequotas", used("2"))
    found.sync(START + timedelta(minutes=20))
    assert hours() == [(10, "2")]
    found.put("resourcequotas", used("3"))
    found.sync(START + HOUR)
    assert hours() == [(10, "2"), (11, "3")]
    row = QuotaHour.objects.latest("hour")
    assert row.namespace is not None
    assert (row.namespace.name, row.quota_name) == ("shop", "limits")


def test_an_hour_without_a_change_adds_nothing(found: Estate) -> None:
    found.sync(START + HOUR)
    found.put("resourcequotas", used("1500m") | {"extra": "another version, the same amounts"})
    found.sync(START + 2 * HOUR)
    found.forget_position("quota")
    found.sync(START + 3 * HOUR)
    assert hours() == [(10, "1500m")]


def test_hours_between_are_filled(found: Estate) -> None:
    found.put("resourcequotas", used("4", hard="12"))
    found.sync(START + 3 * HOUR)
    one = Quota.objects.get()
    uses = quota_history.of(one, since=START - 5 * HOUR, until=START + 5 * HOUR)
    assert [(use.hour.hour, use.hard, use.used) for use in uses] == [
        (10, Decimal(10), Decimal("1.5")),
        (11, Decimal(10), Decimal("1.5")),
        (12, Decimal(10), Decimal("1.5")),
        (13, Decimal(12), Decimal(4)),
        (14, Decimal(12), Decimal(4)),
        (15, Decimal(12), Decimal(4)),
    ]
    late = quota_history.of(one, since=START + 2 * HOUR, until=START + 3 * HOUR)
    assert [(use.hour.hour, use.used) for use in late] == [(12, Decimal("1.5")), (13, Decimal(4))]


def test_what_is_older_than_100_days_goes_but_for_what_still_holds(found: Estate) -> None:
    for number, cpu in ((1, "2"), (2, "3")):
        found.put("resourcequotas", used(cpu))
        found.sync(START + number * HOUR)
    services.forget(at=START + timedelta(days=99))
    assert len(hours()) == 3
    services.forget(at=START + timedelta(days=101))
    assert hours() == [(12, "3")]
    found.delete("resourcequotas", "limits", "shop")
    found.sync(START + timedelta(days=101))
    services.forget(at=START + timedelta(days=110))
    assert hours() == []


def test_what_no_longer_is_a_quantity_is_left_out(found: Estate) -> None:
    QuotaHour.objects.update(hard={"pods": "lots", "requests.cpu": "10"})
    uses = quota_history.of(Quota.objects.get(), since=START, until=START + HOUR)
    assert {use.resource for use in uses} == {"requests.cpu"}
