"""Looking as somebody else: what both may see, to read, heard of, and over soon."""

from datetime import timedelta

import pytest
from django.test import Client

from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.core import clock
from tests.factories import rivals
from tests.factories.rivals import World
from tests.people import client_of, person


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present of the world."""
    monkeypatch.setattr(clock, "now", lambda: rivals.AT)


@pytest.fixture
def world(db: None) -> World:
    """Two teams."""
    return rivals.world()


@pytest.fixture
def boss(world: World) -> User:
    """An administrator who sees no cost."""
    return person("boss", "admin")


def look_as(boss: User, username: str) -> Client:
    """The administrator's browser, looking as somebody."""
    client = client_of(boss)
    answer = client.post(f"/access/look/{username}/", {"reason": "they cannot see it"})
    assert answer.status_code == 302
    return client


def test_the_viewer_sees_what_both_may_see(world: World, boss: User, bob: User) -> None:
    rivals.give(bob, "project_member", ScopeKind.PROJECT, world.ours.project)
    client = look_as(boss, "bob")
    projects = client.get("/projects/").content.decode()
    assert world.ours.project.name in projects
    assert world.theirs.project.name not in projects
    assert "You look as bob until" in projects
    # bob sees cost, the administrator does not.
    assert client_of(bob).get("/costs/").status_code == 200
    assert client.get("/costs/").status_code == 404


def test_what_the_viewer_alone_may_is_closed(boss: User, bob: User) -> None:
    client = look_as(boss, "bob")
    for address in ("/people/", "/audit/", "/jobs/", "/access/"):
        assert client.get(address).status_code == 404, address


@pytest.mark.parametrize(
    "address",
    ["/profile/", "/profile/sessions/", "/password/", "/confirm/", "/api/v1/projects/", "/projects/?format=csv"],
)
def test_nothing_personal_no_file_no_program(boss: User, bob: User, address: str) -> None:
    assert look_as(boss, "bob").get(address).status_code == 403


def test_nothing_is_written(world: World, boss: User, bob: User) -> None:
    rivals.give(bob, "project_owner", ScopeKind.PROJECT, world.ours.project)
    client = look_as(boss, "bob")
    slug = world.ours.project.slug
    before = Binding.objects.count()
    for address in (f"/projects/{slug}/settings/", "/projects/new/", "/password/", "/access/look/fay/"):
        assert client.post(address, {"name": "changed"}).status_code == 403, address
    assert Binding.objects.count() == before


def test_it_ends_by_itself_and_by_hand(boss: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = look_as(boss, "bob")
    assert client.post("/access/look/end/").status_code == 302
    assert client.get("/people/").status_code == 200
    client = look_as(boss, "bob")
    monkeypatch.setattr(clock, "now", lambda: rivals.AT + timedelta(minutes=15))
    assert client.get("/people/").status_code == 200


def test_it_ends_with_either_account(boss: User, bob: User) -> None:
    client = look_as(boss, "bob")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert client.get("/people/").status_code == 200
    User.objects.filter(pk=bob.pk).update(is_active=True)
    client = look_as(boss, "bob")
    User.objects.filter(pk=boss.pk).update(is_active=False)
    assert client.get("/projects/").status_code == 302


def test_it_ends_with_the_right_to_look(boss: User, bob: User) -> None:
    client = look_as(boss, "bob")
    Binding.objects.filter(user=boss, role="admin").delete()
    assert client.get("/projects/").wsgi_request.user.username == "boss"


def test_the_audit_names_both_and_the_person_sees_it(boss: User, bob: User) -> None:
    client = look_as(boss, "bob")
    started = Event.objects.get(kind="access.view_as.start")
    assert (started.actor_label, started.on_label, (started.after or {})["reason"]) == (
        "boss",
        "bob",
        "they cannot see it",
    )
    client.get("/people/")
    denied = Event.objects.filter(kind="access.denied").latest("id")
    assert (denied.actor_label, denied.as_label) == ("boss", "bob")
    page = client_of(bob).get("/profile/looks/").content.decode()
    assert "boss" in page
    assert "they cannot see it" in page
    assert "boss" not in client_of(person("eve")).get("/profile/looks/").content.decode()


@pytest.mark.parametrize(("who", "reason"), [("bob", ""), ("bob", "  "), ("boss", "myself"), ("gone", "gone")])
def test_a_bad_look_is_refused(boss: User, bob: User, who: str, reason: str) -> None:
    gone = person("gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert client_of(boss).post(f"/access/look/{who}/", {"reason": reason}).status_code == 422
    assert not Event.objects.filter(kind="access.view_as.start").exists()


def test_it_needs_the_right_and_a_fresh_sign_in(boss: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_of(bob).post("/access/look/boss/", {"reason": "curious"}).status_code == 404
    client = client_of(boss)
    monkeypatch.setattr(clock, "now", lambda: rivals.AT + timedelta(minutes=11))
    assert client.post("/access/look/bob/", {"reason": "late"}).headers["Location"].startswith("/confirm/")


def test_a_look_that_ends_by_itself_says_so_once(
    boss: User, bob: User, cleo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = look_as(boss, "bob")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    client.get("/jobs/?format=csv")
    page = client.get("/people/").content.decode()
    assert "You no longer look as bob: their account is not in force any more." in page
    assert "no longer look" not in client.get("/people/").content.decode()
    client = look_as(boss, "cleo")
    monkeypatch.setattr(clock, "now", lambda: rivals.AT + timedelta(minutes=15))
    assert "Your quarter of an hour is over." in client.get("/people/").content.decode()
    assert "quarter of an hour" not in client.get("/people/").content.decode()
