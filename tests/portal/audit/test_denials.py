"""Refusals: the first at once, the others counted, told once, whatever is killed in between."""

import threading
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.accounts.models import User
from portal.audit import denials
from portal.audit import services as audit
from portal.audit.models import Denial, Event
from portal.core import clock
from portal.core.actors import Actor
from tests.people import client_of

AT = datetime(2026, 8, 14, 12, 30, 15, tzinfo=UTC)
EVE = Actor("user", "7", "eve", "10.0.0.1", "r-1")
AFTER = AT + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """One minute."""
    monkeypatch.setattr(clock, "now", lambda: AT)


def refuse(by: Actor = EVE, path: str = "/audit/7/", permission: str = "audit.view") -> None:
    audit.record_denial(by, permission=permission, path=path, method="GET", on="")


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


@pytest.mark.django_db
def test_repeats_become_one_event_with_their_number() -> None:
    for number in range(200):
        refuse(path=f"/audit/{number}/")
    refuse(path="/audit/heads/")
    assert kinds() == ["access.denied"] * 2, "one for each pattern of address"
    assert audit.tell_repeats(at=AT + timedelta(seconds=30)) == 0, "the minute goes on"
    assert audit.tell_repeats(at=AFTER) == 2
    event = Event.objects.get(kind="access.repeated")
    assert event.after == {"permission": "audit.view", "times": 199, "minute": "2026-08-14T12:30:00+00:00"}
    assert (event.actor_label, event.on_label) == ("eve", "/audit/<int:event_id>/")
    assert audit.tell_repeats(at=AFTER) == 0
    assert not Denial.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_told_exactly_once_though_killed_and_told_by_two() -> None:
    for _ in range(3):
        refuse()
    with mock.patch.object(denials, "forget", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        audit.tell_repeats(at=AFTER)
    assert kinds() == ["access.denied"]

    def tell() -> None:
        audit.tell_repeats(at=AFTER)
        connection.close()

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds() == ["access.denied", "access.repeated"]


@pytest.mark.django_db(transaction=True)
def test_every_refusal_is_counted_once_however_many_at_a_time() -> None:
    def many() -> None:
        for _ in range(25):
            refuse()
        connection.close()

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kinds() == ["access.denied"]
    audit.tell_repeats(at=AFTER)
    told = Event.objects.get(kind="access.repeated").after
    assert told is not None
    assert told["times"] == 199


@pytest.mark.django_db
def test_strangers_are_counted_by_network_and_never_without_bound() -> None:
    for number in range(50):
        stranger = Actor("anonymous", "", "anonymous", f"2001:db8::{number:x}")
        refuse(stranger, path=f"/audit/{number}/", permission=f"p{number}")
    assert kinds() == ["access.stranger"]
    for number in range(1_000):
        refuse(Actor("anonymous", "", "anonymous", f"10.1.{number // 250}.{number % 250}"))
    assert len(kinds()) == denials.MOST_STRANGERS + 1


@pytest.mark.django_db
def test_the_gate_tells_of_strangers_and_of_people(bob: User) -> None:
    for _ in range(2):
        assert Client().get(reverse("audit:events")).status_code == 302
        assert Client().get("/api/v1/audit-events/").status_code == 401
        assert client_of(bob).get(reverse("audit:integrity")).status_code == 404
    told = Event.objects.filter(kind__startswith="access.").values_list("kind", "actor_label")
    assert sorted(told) == [("access.denied", "bob"), ("access.stranger", "anonymous")]
