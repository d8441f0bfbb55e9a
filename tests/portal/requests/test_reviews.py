"""Looking again each quarter: every role of a scope is kept or dropped on one page."""

from datetime import timedelta

import pytest

from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding, User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.requests import reviews
from portal.requests.models import Decision, Review
from tests.factories import rivals
from tests.factories.rivals import World
from tests.people import client_of, person

QUARTER = timedelta(days=92)


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter after the world was made."""
    monkeypatch.setattr(clock, "now", lambda: rivals.AT + QUARTER)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, db: None) -> World:
    """Two teams, a quarter ago."""
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: rivals.AT)
        made = rivals.world()
        owner = person("olga")
        rivals.give(owner, "project_owner", ScopeKind.PROJECT, made.ours.project)
    Binding.objects.update(created_at=rivals.AT)
    return made


@pytest.fixture
def review(world: World) -> Review:
    """The review of our project."""
    reviews.open_due(at=clock.now())
    return Review.objects.get(scope_id=world.ours.project.pk)


@pytest.fixture
def owner(world: World) -> User:
    """Owns our project."""
    return User.objects.get(username="olga")


def test_each_scope_is_opened_once_a_quarter(world: World) -> None:
    assert reviews.open_due(at=rivals.AT + timedelta(days=1)) == 0
    opened = reviews.open_due(at=clock.now())
    assert opened == Binding.objects.values("scope_kind", "scope_id").distinct().count()
    assert reviews.open_due(at=clock.now() + timedelta(days=60)) == 0


def test_an_open_review_is_not_opened_twice(review: Review) -> None:
    assert reviews.open_due(at=clock.now() + timedelta(days=400)) == 0


def test_keep_and_drop_on_one_page(world: World, review: Review, owner: User) -> None:
    client = client_of(owner)
    assert "olga" in client.get(f"/reviews/{review.pk}/").content.decode()
    bindings = reviews.bindings_of(review, at=clock.now())
    member = next(one for one in bindings if one.user == world.ours.member)
    answers = {f"binding-{one.pk}": "drop" if one == member else "keep" for one in bindings}
    assert client.post(f"/reviews/{review.pk}/", answers).status_code == 302
    review.refresh_from_db()
    assert (review.kept, review.dropped, review.closed_by) == (len(bindings) - 1, 1, "olga")
    assert not Binding.objects.filter(pk=member.pk).exists()
    assert Decision.objects.filter(review=review).count() == len(bindings)


def test_every_role_needs_an_answer(review: Review, owner: User) -> None:
    bindings = reviews.bindings_of(review, at=clock.now())
    some = {f"binding-{one.pk}": "drop" for one in bindings[:-1]}
    answer = client_of(owner).post(f"/reviews/{review.pk}/", some)
    assert answer.status_code == 422
    assert "Decide on each" in answer.content.decode()
    # What was chosen is still chosen, and nothing was dropped.
    assert answer.content.decode().count("checked") == len(bindings) - 1
    assert len(reviews.bindings_of(review, at=clock.now())) == len(bindings)


def test_a_closed_review_stays_closed(review: Review, owner: User) -> None:
    answers = {one.pk: True for one in reviews.bindings_of(review, at=clock.now())}
    reviews.decide(review=review, answers=answers, reviewer=owner, by=COMMAND, at=clock.now())
    assert client_of(owner).post(f"/reviews/{review.pk}/", {}).status_code == 409
    assert "kept" in client_of(owner).get(f"/reviews/{review.pk}/").content.decode()


def test_others_see_nothing_of_it(world: World, review: Review) -> None:
    stranger = person("stranger")
    rivals.give(stranger, "project_owner", ScopeKind.PROJECT, world.theirs.project)
    client = client_of(stranger)
    assert client.get(f"/reviews/{review.pk}/").status_code == 404
    assert client.post(f"/reviews/{review.pk}/", {}).status_code == 404
    assert str(review) not in client.get("/reviews/").content.decode()
