"""Sessions: they end by time, by hand, and with what they rest on."""

from datetime import timedelta

import pytest
from django.test import Client

from portal.accounts import services
from portal.accounts.models import Identity, Provider, Session, User
from portal.accounts.session_store import IDENTITY
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from tests.people import client_of


def works(client: Client) -> bool:
    """Whether the browser is signed in."""
    return client.get("/profile/").status_code == 200


def later(monkeypatch: pytest.MonkeyPatch, **distance: float) -> None:
    """Move the clock."""
    then = clock.now() + timedelta(**distance)
    monkeypatch.setattr(clock, "now", lambda: then)


def test_an_idle_session_ends(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    later(monkeypatch, minutes=59)
    assert works(client)
    later(monkeypatch, minutes=59)
    assert works(client)
    later(monkeypatch, minutes=61)
    assert not works(client)


def test_a_page_that_refreshes_itself_is_no_activity(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    later(monkeypatch, minutes=31)
    assert client.get("/profile/", headers={"X-Poll": "1"}).status_code == 200
    later(monkeypatch, minutes=31)
    assert not works(client)


def test_a_busy_session_ends_after_sixteen_hours(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    for _half_hour in range(31):
        later(monkeypatch, minutes=30)
        assert works(client)
    later(monkeypatch, minutes=31)
    assert not works(client)


def test_a_confirmed_sign_in_does_not_put_off_the_end(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    for _half_hour in range(31):
        later(monkeypatch, minutes=30)
        client.get("/profile/")
    client.post("/confirm/", {"current": "a-long-enough-password-7"})
    assert works(client)
    later(monkeypatch, minutes=31)
    assert not works(client)


def test_one_sees_and_ends_ones_own(bob: User, dan: User) -> None:
    here, there = client_of(bob), client_of(bob)
    foreign = client_of(dan)
    other = Session.objects.get(session_key=there.session.session_key)
    page = here.get("/profile/sessions/").content.decode()
    assert str(other.public_id) in page
    assert not any(key in page for key in Session.objects.values_list("session_key", flat=True))
    theirs = Session.objects.get(user=dan)
    for wrong in (str(theirs.public_id), "nonsense", ""):
        assert here.post("/profile/sessions/end/", {"pick": wrong}).status_code == 422
    assert here.post("/profile/sessions/end/").status_code == 422
    assert works(foreign)
    assert here.post("/profile/sessions/end/", {"pick": str(other.public_id)}).status_code == 302
    assert not works(there)
    assert works(here)
    assert Event.objects.filter(kind="accounts.session.kick", on_id=str(bob.pk)).count() == 1


def test_all_others_end_at_once(bob: User) -> None:
    here, *others = (client_of(bob) for _browser in range(4))
    assert here.post("/profile/sessions/others/end/").status_code == 302
    assert [works(one) for one in others] == [False] * 3
    assert works(here)


def test_an_administrator_ends_anybodys(ann: User, bob: User) -> None:
    theirs = client_of(bob)
    row = Session.objects.get(user=bob)
    admin = client_of(ann)
    assert "bob" in admin.get("/people/sessions/").content.decode()
    assert admin.post("/people/sessions/end/", {"pick": str(row.public_id)}).status_code == 302
    assert not works(theirs)
    assert client_of(bob).post("/people/sessions/end/", {"pick": str(row.public_id)}).status_code == 404


def test_deactivation_ends_them_for_good(bob: User) -> None:
    client = client_of(bob)
    services.set_active(user=bob, active=False, by=COMMAND)
    assert not works(client)
    services.set_active(user=bob, active=True, by=COMMAND)
    assert not works(client)


@pytest.fixture
def by_directory(db: None, bob: User) -> tuple[Client, Identity]:
    """bob without a local password, signed in by a directory."""
    bob.set_unusable_password()
    bob.save()
    provider = Provider.objects.create(key="corp", kind="ldap", name="Corp", enabled=True)
    identity = Identity.objects.create(user=bob, provider=provider, subject="1", username="bob")
    client = client_of(bob)
    session = client.session
    session[IDENTITY] = str(identity.pk)
    session.save()
    return client, identity


def test_a_session_rests_on_its_identity(by_directory: tuple[Client, Identity]) -> None:
    client, identity = by_directory
    assert works(client)
    assert Session.objects.get(user=identity.user).identity == identity
    Identity.objects.update(state="gone")
    assert not works(client)


def test_a_session_rests_on_its_provider(by_directory: tuple[Client, Identity]) -> None:
    client, _identity = by_directory
    Provider.objects.update(enabled=False)
    assert not works(client)


def test_an_identity_given_to_another_ends_it(by_directory: tuple[Client, Identity], dan: User) -> None:
    client, _identity = by_directory
    Identity.objects.update(user=dan)
    assert not works(client)


def test_ended_rows_are_forgotten(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(bob)
    key = client.session.session_key
    later(monkeypatch, minutes=61)
    client.session.clear_expired()
    assert not Session.objects.filter(session_key=key).exists()
