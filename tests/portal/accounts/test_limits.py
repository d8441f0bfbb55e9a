"""Limits hold in PostgreSQL: under races, past a wiped cache, and never as a lock."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from portal.accounts import limits
from portal.accounts.models import SignInAttempt, Spending, User
from portal.core import clock
from tests.people import PASSWORD

AT = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
FIVE = limits.Limit("test.five", 5, timedelta(minutes=1))


def test_so_many_and_no_more(db: None) -> None:
    assert [limits.spend(FIVE, "ann", AT) for _each in range(7)] == [True] * 5 + [False] * 2
    assert limits.spend(FIVE, "bob", AT)
    assert limits.spent_by_all(FIVE, AT) == 6


def test_waiting_helps_and_a_full_minute_does_not_double_it(db: None) -> None:
    late = AT + timedelta(seconds=29)
    assert all(limits.spend(FIVE, "ann", late) for _each in range(5))
    assert not limits.spend(FIVE, "ann", late + timedelta(seconds=2)), "the next window has just begun"
    assert limits.spend(FIVE, "ann", late + timedelta(seconds=40))
    assert all(limits.spend(FIVE, "ann", late + timedelta(minutes=3)) for _each in range(5))


def test_what_was_typed_is_not_kept(db: None) -> None:
    limits.spend(FIVE, "my-password", AT)
    assert "my-password" not in str(list(Spending.objects.values()))
    assert not limits.spend(limits.Limit("test.none", 0, timedelta(minutes=1)), "x", AT)


def test_names_are_folded(db: None) -> None:
    for name in ("ann", "ANN", "Ann", "ａｎｎ", "aNN"):
        assert limits.spend(FIVE, name, AT)
    assert not limits.spend(FIVE, "ann", AT)


def test_the_right_code_gives_back(db: None) -> None:
    for _each in range(5):
        limits.spend(FIVE, "ann", AT)
    limits.give_back(FIVE, "ann")
    assert limits.spend(FIVE, "ann", AT)


def test_old_rows_are_forgotten(db: None) -> None:
    limits.spend(FIVE, "ann", AT)
    limits.note_failure(username="ann", address="192.0.2.1", at=AT)
    limits.forget(AT + timedelta(seconds=30))
    assert Spending.objects.count() == SignInAttempt.objects.count() == 1
    limits.forget(AT + timedelta(minutes=3))
    assert Spending.objects.count() == SignInAttempt.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_race_takes_no_more_than_there_are() -> None:
    taken: list[bool] = []

    def take() -> None:
        taken.extend(limits.spend(FIVE, "ann", AT) for _each in range(5))
        connection.close()

    threads = [threading.Thread(target=take) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 5


def test_a_thousand_tries_are_refused_and_the_owner_gets_in(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotating forged addresses and a wiped cache change nothing; neither does it lock the owner out."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    attacker, refused = Client(REMOTE_ADDR="198.51.100.7"), 0
    for number in range(1000):
        if number % 100 == 50:
            cache.clear()
        forged = {"X-Forwarded-For": f"203.0.{number // 250}.{number % 250}"}
        answer = attacker.post("/sign-in/", {"username": "ann", "password": f"guess-{number}"}, headers=forged)
        refused += b"Too many tries" in answer.content
    assert refused == 1000 - limits.PER_ACCOUNT
    right = {"username": "ann", "password": PASSWORD}
    assert b"Too many tries" in attacker.post("/sign-in/", right).content
    assert Client(REMOTE_ADDR="192.0.2.9").post("/sign-in/", right).status_code == 302, "from elsewhere at once"
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=60))
    assert attacker.post("/sign-in/", right).status_code == 302, "from the same network within a minute"
