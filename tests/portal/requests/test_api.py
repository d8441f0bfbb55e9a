"""api/v1 of requests and reviews: the same rules as on the pages, by people who have just signed in."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import yaml
from django.db import connection
from django.test import Client

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import limits
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.requests import reviews, services
from portal.requests.models import AccessRequest, Decision, Review, State
from portal.tokens.services import tokens
from tests.factories import rivals
from tests.factories.rivals import World
from tests.people import client_of, person

OWN, REVIEWS = "/api/v1/own-access-requests/", "/api/v1/access-reviews/"
ABSENT = UUID(int=7)


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """A present that a test moves on."""
    now = [rivals.AT]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    yield now


@pytest.fixture
def world(db: None) -> World:
    """Two teams."""
    return rivals.world()


@pytest.fixture
def owner(world: World) -> User:
    """Owns our project."""
    user = person("olga")
    rivals.give(user, "project_owner", ScopeKind.PROJECT, world.ours.project)
    return user


@pytest.fixture
def stranger(world: World) -> User:
    """Owns their project."""
    user = person("stranger")
    rivals.give(user, "project_owner", ScopeKind.PROJECT, world.theirs.project)
    return user


@pytest.fixture
def review(world: World, owner: User, present: list[datetime]) -> Review:
    """The review of our project, a quarter later."""
    Binding.objects.update(created_at=rivals.AT)
    present[0] += timedelta(days=92)
    reviews.open_due(at=clock.now())
    return Review.objects.get(scope_id=world.ours.project.pk)


def wanted(slug: str, **changes: Any) -> dict[str, Any]:
    """What bob asks for."""
    return {"role": "project_viewer", "kind": "project", "thing": slug, "days": 7, "reason": "on call", **changes}


def post(client: Client, path: str, sent: Any = None) -> Any:
    """Send JSON."""
    return client.post(path, {} if sent is None else sent, content_type="application/json")


def stale(user: User) -> Client:
    """A browser whose sign-in is long ago."""
    client = client_of(user)
    session = client.session
    session["authenticated_at"] = 0
    session.save()
    return client


def program_of(user: User, world: World) -> Client:
    """A program with a token of the person's that reads on our project."""
    scope = Scope(ScopeKind.PROJECT, world.ours.project.pk, world.ours.project.name)
    reads = frozenset({Permission.PROJECT_VIEW, Permission.MEMBER_VIEW})
    ends = clock.now() + timedelta(days=1)
    asked = tokens.Wanted(name="program", scope=scope, permissions=reads, expires_at=ends)
    _token, text = tokens.create(user=user, wanted=asked, by=COMMAND, at=clock.now())
    return Client(headers={"Authorization": f"Bearer {text}"})


def test_from_asking_to_having(world: World, owner: User, bob: User) -> None:
    slug = world.ours.project.slug
    made = post(client_of(bob), OWN, wanted(slug))
    assert made.status_code == 202, made.content
    asked = made.json()
    assert (asked["asked_for"], asked["state"], asked["days"]) == (slug, "waiting", 7)
    assert [row["id"] for row in client_of(bob).get(OWN).json()["results"]] == [asked["id"]]
    assert client_of(owner).get(OWN).json()["results"] == []
    answer = post(client_of(owner), f"/api/v1/access-requests/{asked['id']}/approve/", {"days": 7})
    assert answer.status_code == 204
    assert Binding.objects.get(user=bob).expires_at == rivals.AT + timedelta(days=7)
    assert client_of(bob).get(OWN).json()["results"][0]["state"] == "approved"
    event = Event.objects.get(kind="requests.request.ask")
    assert event.actor_label == "bob"


def test_what_exists_and_what_does_not_answer_alike(world: World, owner: User, bob: User, cleo: User) -> None:
    slugs = {bob: world.ours.project.slug, cleo: "okapi-nothing"}
    answers, lists = [], []
    for user, slug in slugs.items():
        answer = post(client_of(user), OWN, wanted(slug))
        listed = client_of(user).get(OWN)
        key = answer.json()["id"]
        answers.append((answer.status_code, answer.content.decode().replace(key, "id").replace(slug, "slug")))
        lists.append(listed.content.decode().replace(key, "id").replace(slug, "slug"))
    assert answers[0] == answers[1]
    assert lists[0] == lists[1]
    assert answers[0][0] == 202
    decidable = client_of(owner).get("/api/v1/access-requests/").json()["results"]
    assert [row["username"] for row in decidable] == ["bob"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "   "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "\x00"}, "reason"),
        ({"thing": ""}, "thing"),
        ({"thing": "x" * 64}, "thing"),
        ({"thing": ["a"]}, "thing"),
        ({"kind": "planet"}, "kind"),
        ({"kind": "everything", "role": "admin"}, "thing"),
        ({"role": "root"}, "role"),
        ({"role": "admin"}, "role"),
        ({"days": 0}, "days"),
        ({"days": services.LONGEST_DAYS + 1}, "days"),
        ({"days": "soon"}, "days"),
    ],
)
def test_bad_input_is_refused_at_its_field(world: World, bob: User, changes: dict[str, Any], field: str) -> None:
    answer = post(client_of(bob), OWN, wanted(world.ours.project.slug, **changes))
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["errors"]) == [field]
    assert not AccessRequest.objects.exists()


def test_all_that_is_left_out_is_named(bob: User) -> None:
    answer = post(client_of(bob), OWN)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"role", "kind", "days", "reason"}


def test_what_does_not_end_and_everything_can_be_asked_for(world: World, bob: User) -> None:
    answer = post(client_of(bob), OWN, {"role": "admin", "kind": "everything", "days": None, "reason": "on call"})
    assert answer.status_code == 202, answer.content
    assert answer.json()["days"] is None


def test_the_same_twice_is_a_conflict(world: World, bob: User) -> None:
    for slug in (world.ours.project.slug, "nothing-there"):
        assert post(client_of(bob), OWN, wanted(slug)).status_code == 202
        again = post(client_of(bob), OWN, wanted(slug))
        assert again.status_code == 409
        assert "asked for this already" in again.json()["errors"][""][0]


def test_pages_and_programs_share_one_limit(world: World, bob: User) -> None:
    browser = client_of(bob)
    for number in range(limits.ACCESS_REQUESTS.per):
        if number % 2:
            key = post(browser, OWN, wanted(f"thing-{number}")).json()["id"]
        else:
            browser.post("/requests/new/", {**wanted(f"thing-{number}"), "days": "7"})
            key = AccessRequest.objects.get(asked_for=f"thing-{number}").pk
        assert post(browser, f"{OWN}{key}/withdraw/").status_code == 204
    refused = post(browser, OWN, wanted("one-more"))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert browser.post("/requests/new/", {**wanted("one-more"), "days": "7"}).status_code == 429
    assert not AccessRequest.objects.filter(state=State.WAITING).exists()


def test_one_has_so_many_waiting_at_a_time(world: World, bob: User) -> None:
    for number in range(services.MOST_WAITING):
        assert post(client_of(bob), OWN, wanted(f"thing-{number}")).status_code == 202
    answer = post(client_of(bob), OWN, wanted("one-more"))
    assert answer.status_code == 422
    assert "Withdraw one first" in answer.json()["errors"][""][0]


def test_one_takes_back_ones_own(world: World, owner: User, bob: User) -> None:
    key = post(client_of(bob), OWN, wanted(world.ours.project.slug)).json()["id"]
    foreign, absent = (post(client_of(owner), f"{OWN}{one}/withdraw/") for one in (key, ABSENT))
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert _without_id(foreign) == _without_id(absent)
    assert post(client_of(bob), f"{OWN}{key}/withdraw/").status_code == 204
    assert AccessRequest.objects.get().state == State.WITHDRAWN
    assert post(client_of(bob), f"{OWN}{key}/withdraw/").status_code == 409


@pytest.mark.parametrize("key", ["x", "1", f"{ABSENT}0"])
def test_what_is_no_key_is_not_there(world: World, owner: User, key: str) -> None:
    for path in (f"{OWN}{key}/withdraw/", f"/api/v1/access-requests/{key}/approve/", f"{REVIEWS}{key}/decide/"):
        assert post(client_of(owner), path).status_code == 404


def test_ones_own_is_asked_for_by_people_who_have_just_signed_in(world: World, bob: User) -> None:
    sent = wanted(world.ours.project.slug)
    assert post(Client(), OWN, sent).status_code == 401
    assert post(stale(bob), OWN, sent).json()["title"] == "sign_in_again"
    program = program_of(world.ours.member, world)
    assert program.get("/api/v1/projects/").status_code == 200
    assert program.get(OWN).status_code == 403
    assert post(program, OWN, sent).status_code == 403
    assert not AccessRequest.objects.exists()
    key = post(client_of(bob), OWN, sent).json()["id"]
    assert post(stale(bob), f"{OWN}{key}/withdraw/").status_code == 403
    assert AccessRequest.objects.get().state == State.WAITING


def test_the_description_says_what_is_sent(bob: User) -> None:
    described = yaml.safe_load(client_of(bob).get("/api/v1/openapi.yaml").content)
    sent = {
        path: described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for path in (OWN, f"{REVIEWS}{{id}}/decide/")
    }
    assert [one.rsplit("/", 1)[1] for one in sent.values()] == ["AskInRequest", "AnswersInRequest"]


def bindings_of(client: Client, review: Review) -> list[dict[str, Any]]:
    """What the API shows to decide on."""
    answer = client.get(f"{REVIEWS}{review.pk}/")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["bindings"]
    return found


def test_keep_and_drop(world: World, review: Review, owner: User) -> None:
    client = client_of(owner)
    shown = bindings_of(client, review)
    assert {one["user"] for one in shown} >= {"olga", world.ours.member.username}
    drop = [one["id"] for one in shown if one["user"] == world.ours.member.username]
    keep = [one["id"] for one in shown if one["id"] not in drop]
    answer = post(client, f"{REVIEWS}{review.pk}/decide/", {"keep": keep, "drop": drop})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["kept"], answer.json()["dropped"], answer.json()["closed_by"]) == (len(keep), 1, "olga")
    assert answer.json()["bindings"] == []
    assert not Binding.objects.filter(pk__in=drop).exists()
    assert Binding.objects.filter(pk__in=keep).count() == len(keep)
    assert Decision.objects.filter(review=review).count() == len(shown)
    again = post(client, f"{REVIEWS}{review.pk}/decide/", {"keep": keep})
    assert again.status_code == 409


def test_every_role_is_answered_once(review: Review, owner: User) -> None:
    client = client_of(owner)
    keys = [one["id"] for one in bindings_of(client, review)]
    assert len(keys) > 1
    wrong: dict[str, dict[str, Any]] = {
        "": {"drop": keys[:-1]},
        "drop": {"keep": keys, "drop": keys[:1]},
        "keep": {"keep": [*keys, "x"]},
    }
    for field, sent in wrong.items():
        answer = post(client, f"{REVIEWS}{review.pk}/decide/", sent)
        assert answer.status_code == 422, (field, answer.content)
        assert list(answer.json()["errors"]) == [field]
    assert [one["id"] for one in bindings_of(client, review)] == keys
    review.refresh_from_db()
    assert review.closed_at is None


def test_a_role_of_another_scope_is_not_dropped_along(world: World, review: Review, owner: User) -> None:
    client = client_of(owner)
    keep = [one["id"] for one in bindings_of(client, review)]
    sent = {"keep": keep, "drop": [str(world.theirs.binding.pk)]}
    assert post(client, f"{REVIEWS}{review.pk}/decide/", sent).json()["dropped"] == 0
    assert Binding.objects.filter(pk=world.theirs.binding.pk).exists()


def test_others_find_no_review(world: World, stranger: User, review: Review) -> None:
    """Who gives roles elsewhere, and who gives none: as if it were not there."""
    keys = [str(one.pk) for one in reviews.bindings_of(review, at=clock.now())]
    for client in (client_of(stranger), client_of(world.ours.member), program_of(world.ours.member, world)):
        for there, absent in (
            (client.get(f"{REVIEWS}{review.pk}/"), client.get(f"{REVIEWS}{ABSENT}/")),
            *((post(client, f"{REVIEWS}{one}/decide/", {"drop": keys}) for one in (review.pk, ABSENT)),),
        ):
            assert there.status_code == absent.status_code == 404
            assert _without_id(there) == _without_id(absent)
    assert len(reviews.bindings_of(review, at=clock.now())) == len(keys)


def test_deciding_needs_a_fresh_sign_in_and_no_token_has_it(world: World, review: Review, owner: User) -> None:
    keys = [str(one.pk) for one in reviews.bindings_of(review, at=clock.now())]
    path = f"{REVIEWS}{review.pk}/"
    assert post(Client(), f"{path}decide/", {"drop": keys}).status_code == 401
    old, program = stale(owner), program_of(owner, world)
    for answer in (old.get(path), post(old, f"{path}decide/", {"drop": keys})):
        assert answer.status_code == 403
        assert answer.json()["title"] == "sign_in_again"
    assert program.get(path).status_code == 404
    assert post(program, f"{path}decide/", {"drop": keys}).status_code == 404
    assert len(reviews.bindings_of(review, at=clock.now())) == len(keys)


@pytest.mark.parametrize(("note", "text"), [("x" * 501, "500"), ("\x00", "Null characters"), ("  ", "Say why")])
def test_the_page_refuses_a_note_instead_of_cutting_it(
    world: World, owner: User, bob: User, note: str, text: str
) -> None:
    key = post(client_of(bob), OWN, wanted(world.ours.project.slug)).json()["id"]
    answer = client_of(owner).post(f"/requests/{key}/reject/", {"note": note})
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert AccessRequest.objects.get().state == State.WAITING


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", ["okapi-shop", "nothing-there"])
def test_of_two_at_the_same_moment_one_is_told(world: World, bob: User, slug: str) -> None:
    browsers = [client_of(bob) for _click in range(4)]
    together = threading.Barrier(len(browsers))
    statuses: list[int] = []

    def ask(browser: Client) -> None:
        try:
            together.wait(10)
            statuses.append(post(browser, OWN, wanted(slug)).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [202, 409, 409, 409]
    assert AccessRequest.objects.filter(asker=bob, asked_for=slug).count() == 1


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_nobody_gets_more_than_the_most(world: World, bob: User) -> None:
    for number in range(services.MOST_WAITING - 1):
        assert post(client_of(bob), OWN, wanted(f"thing-{number}")).status_code == 202
    browsers = [client_of(bob) for _click in range(4)]
    together = threading.Barrier(len(browsers))
    statuses: list[int] = []

    def ask(number: int, browser: Client) -> None:
        try:
            together.wait(10)
            statuses.append(post(browser, OWN, wanted(f"more-{number}")).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [202, 422, 422, 422]
    assert AccessRequest.objects.filter(asker=bob).count() == services.MOST_WAITING


def _without_id(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.json().items() if key != "instance"}
