"""A check that says no, fails or takes too long stops the action."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction

from portal.core import action_checks
from portal.core.action_checks import Blocked, Verdict

pytestmark = pytest.mark.django_db
HERE = "tests.portal.core.test_action_checks"


@dataclass(frozen=True)
class Ids:
    """What the tests ask about."""

    project: int


def fine(ids: Ids) -> list[Verdict]:
    return [Verdict(True, text=f"project {ids.project}")]


def refuses(ids: Ids) -> Iterator[Verdict]:
    yield Verdict(False, "amount", "too much")
    yield Verdict(False, "amount", "by far")


def breaks(ids: Ids) -> list[Verdict]:
    raise KeyError("secret")


def breaks_the_query(ids: Ids) -> list[Verdict]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")
    return []


def sleeps(ids: Ids) -> list[Verdict]:
    time.sleep(action_checks.SECONDS + 0.1)
    return []


def sleeps_in_the_database(ids: Ids) -> list[Verdict]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    return []


@pytest.fixture
def checks(settings: Any) -> Any:
    """Sets the checks of the action `do`."""

    def put(*names: str) -> None:
        settings.ACTION_CHECKS = {"do": [f"{HERE}.{name}" for name in names]}

    return put


def test_what_nobody_checks_goes_on(checks: Any) -> None:
    checks()
    assert action_checks.demand("do", Ids(1)) == []
    assert action_checks.demand("something else", Ids(1)) == []


def test_verdicts_come_back_and_a_no_stops_at_its_field(checks: Any) -> None:
    checks("fine")
    assert action_checks.demand("do", Ids(7)) == [Verdict(True, "", "project 7")]
    checks("fine", "refuses")
    with pytest.raises(Blocked) as blocked:
        action_checks.demand("do", Ids(7))
    assert blocked.value.errors == {"amount": ["too much", "by far"]}
    assert blocked.value.status == 409


@pytest.mark.parametrize("name", ["breaks", "breaks_the_query", "is_not_there"])
def test_a_check_that_fails_stops_and_leaves_the_transaction_usable(checks: Any, name: str) -> None:
    checks(name)
    with transaction.atomic():
        with pytest.raises(Blocked, match="could not be made") as blocked:
            action_checks.demand("do", Ids(1))
        assert "secret" not in str(blocked.value)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


@pytest.mark.parametrize("name", ["sleeps", "sleeps_in_the_database"])
def test_a_check_that_takes_too_long_stops(checks: Any, name: str) -> None:
    checks(name)
    begun = time.monotonic()
    with pytest.raises(Blocked, match="took too long"):
        action_checks.demand("do", Ids(1))
    assert time.monotonic() - begun < action_checks.SECONDS + 1


def test_the_time_limit_ends_with_the_check(checks: Any) -> None:
    checks("fine", "breaks")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 7000")
        action_checks.ask("do", Ids(1))
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("7s",)
