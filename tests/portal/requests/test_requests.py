"""Asking for access: found by name or slug, told the same either way, decided by those who give roles there."""

from datetime import timedelta

import pytest
from django.http import HttpResponse

from clusters.projects.models import Project
from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.outbox.models import Message
from portal.requests import services, tasks
from portal.requests.models import AccessRequest, State
from tests.architecture.addresses import body
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
def owner(world: World) -> User:
    """Owns our project."""
    user = person("olga")
    user.email = "olga@example.test"
    user.save()
    rivals.give(user, "project_owner", ScopeKind.PROJECT, world.ours.project)
    return user


def form(slug: str, **changes: str) -> dict[str, str]:
    """What bob types."""
    return {"kind": "project", "thing": slug, "role": "project_viewer", "days": "7", "reason": "on call", **changes}


def ask(user: User, slug: str, **changes: str) -> HttpResponse:
    """Ask on the page."""
    return client_of(user).post("/requests/new/", form(slug, **changes))  # type: ignore[return-value]


def tell_all() -> None:
    """Run the mail jobs of every request."""
    for request in AccessRequest.objects.all():
        tasks.tell(None, request_id=str(request.pk))  # type: ignore[arg-type]


def test_from_asking_to_seeing(world: World, owner: User, bob: User) -> None:
    slug = world.ours.project.slug
    assert ask(bob, slug).headers["Location"] == "/requests/"
    tell_all()
    assert "bob asks for" in Message.objects.get(kind="mail").subject
    assert "1 request for access waits for you" in client_of(owner).get("/").content.decode()
    page = client_of(owner).get("/requests/waiting/").content.decode()
    assert "on call" in page
    request = AccessRequest.objects.get()
    client_of(owner).post(f"/requests/{request.pk}/approve/", {"days": "7"})
    binding = Binding.objects.get(user=bob)
    assert (binding.role, binding.scope_id) == ("project_viewer", world.ours.project.pk)
    assert binding.expires_at == rivals.AT + timedelta(days=7)
    assert client_of(bob).get(f"/projects/{slug}/").status_code == 200
    assert "Approved" in client_of(bob).get("/requests/").content.decode()
    assert set(Event.objects.filter(kind__startswith="requests.").values_list("kind", flat=True)) == {
        "requests.request.ask",
        "requests.request.approved",
    }


def test_what_exists_and_what_does_not_answer_alike(world: World, owner: User, bob: User, cleo: User) -> None:
    there, absent = ask(bob, world.ours.project.slug), ask(cleo, "okapi-nothing")
    assert (there.status_code, there.headers["Location"]) == (absent.status_code, absent.headers["Location"])
    pages = []
    for user, slug in ((bob, world.ours.project.slug), (cleo, "okapi-nothing")):
        for address in ("/requests/", "/requests/?format=csv"):
            text = body(client_of(user).get(address)).decode()
            assert world.ours.project.name not in text.replace(world.ours.project.slug, "")
            for request in AccessRequest.objects.all():
                text = text.replace(str(request.pk), "id")
            pages.append(text.replace(slug, "slug").replace(user.username, "who"))
    assert pages[0] == pages[2]
    assert pages[1] == pages[3]
    assert "okapi-nothing" not in client_of(owner).get("/requests/waiting/").content.decode()
    tell_all()
    assert Message.objects.filter(kind="mail").count() == 1


def test_a_request_for_nothing_is_nobodys_to_decide(world: World, ann: User, bob: User) -> None:
    ask(bob, "nothing-there")
    request = AccessRequest.objects.get()
    assert client_of(ann).post(f"/requests/{request.pk}/approve/", {"days": ""}).status_code == 404


def test_listed_projects_are_offered(world: World, owner: User, bob: User) -> None:
    slug = world.ours.project.slug
    assert slug not in client_of(bob).get("/requests/new/").content.decode()
    settings = {"name": world.ours.project.name, "description": "", "is_listed": "on"}
    assert client_of(owner).post(f"/projects/{slug}/settings/", settings).status_code == 302
    assert Project.objects.get(slug=slug).is_listed
    assert slug in client_of(bob).get("/requests/new/").content.decode()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"reason": ""}, "required"),
        ({"reason": "   "}, "required"),
        ({"thing": ""}, "Say which one"),
        ({"role": "root"}, "Select a valid choice"),
        ({"role": "admin"}, "cannot be given on this kind"),
        ({"kind": "everything", "role": "admin"}, "names nothing in particular"),
        ({"days": "9999"}, "Select a valid choice"),
        ({"thing": "x" * 64}, "at most 63"),
        ({"reason": "\x00"}, "Null characters"),
    ],
)
def test_bad_input_is_refused_at_its_field(world: World, bob: User, changes: dict[str, str], text: str) -> None:
    answer = ask(bob, changes.pop("thing", world.ours.project.slug), **changes)
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not AccessRequest.objects.exists()


def test_the_same_twice_is_one(world: World, bob: User) -> None:
    ask(bob, world.ours.project.slug)
    again = ask(bob, world.ours.project.slug)
    assert again.status_code == 409
    assert "asked for this already" in again.content.decode()
    absent = [ask(bob, "nothing-there") for _try in range(2)][1]
    assert "asked for this already" in absent.content.decode()


def test_one_asks_for_so_much_at_a_time(world: World, bob: User) -> None:
    for number in range(services.MOST_WAITING):
        assert ask(bob, f"thing-{number}").status_code == 302
    assert ask(bob, "one-more").status_code == 422


def test_nobody_decides_on_their_own(world: World, owner: User) -> None:
    ask(owner, world.ours.project.slug, role="project_member")
    request = AccessRequest.objects.get()
    assert client_of(owner).post(f"/requests/{request.pk}/approve/", {"days": ""}).status_code == 422
    assert client_of(owner).post(f"/requests/{request.pk}/reject/", {"note": "no"}).status_code == 422
    assert "asks for" not in client_of(owner).get("/requests/waiting/").content.decode()


def test_nobody_gives_what_they_do_not_have(world: World, bob: User, cleo: User) -> None:
    giver = person("giver", "admin")  # no cost
    ask(bob, world.ours.project.slug, role="project_member")
    request = AccessRequest.objects.get()
    answer = client_of(giver).post(f"/requests/{request.pk}/approve/", {"days": ""})
    assert answer.status_code == 422
    assert "cannot give what you do not have" in answer.content.decode()
    request.refresh_from_db()
    assert request.state == State.WAITING
    assert not Binding.objects.filter(user=bob).exists()


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_others_decide_nothing_here(world: World, bob: User, action: str) -> None:
    ask(bob, world.ours.project.slug)
    request = AccessRequest.objects.get()
    stranger = person("stranger")
    rivals.give(stranger, "project_owner", ScopeKind.PROJECT, world.theirs.project)
    member = world.ours.member
    for user in (stranger, member):
        assert client_of(user).post(f"/requests/{request.pk}/{action}/", {"note": "x"}).status_code == 404
    assert "on call" not in client_of(stranger).get("/requests/waiting/").content.decode()


def test_a_team_owner_decides_for_its_projects(world: World, bob: User, cleo: User) -> None:
    rivals.give(cleo, "team_owner", ScopeKind.TEAM, world.ours.team)
    ask(bob, world.ours.project.slug)
    request = AccessRequest.objects.get()
    assert client_of(cleo).post(f"/requests/{request.pk}/approve/", {"days": ""}).status_code == 302
    assert Binding.objects.get(user=bob).expires_at is None


def test_a_rejection_says_why(world: World, owner: User, bob: User) -> None:
    ask(bob, world.ours.project.slug)
    request = AccessRequest.objects.get()
    assert client_of(owner).post(f"/requests/{request.pk}/reject/", {"note": " "}).status_code == 422
    client_of(owner).post(f"/requests/{request.pk}/reject/", {"note": "ask the other team"})
    assert "ask the other team" in client_of(bob).get("/requests/").content.decode()
    assert client_of(owner).post(f"/requests/{request.pk}/approve/", {"days": ""}).status_code == 409


def test_one_takes_back_ones_own(world: World, bob: User, cleo: User) -> None:
    ask(bob, world.ours.project.slug)
    request = AccessRequest.objects.get()
    assert client_of(cleo).post(f"/requests/{request.pk}/withdraw/").status_code == 404
    assert client_of(bob).post(f"/requests/{request.pk}/withdraw/").status_code == 302
    request.refresh_from_db()
    assert request.state == State.WITHDRAWN


def test_what_nobody_answers_expires(world: World, bob: User) -> None:
    ask(bob, world.ours.project.slug)
    ask(bob, "nothing-there")
    assert services.expire(at=rivals.AT + timedelta(days=13)) == 0
    assert services.expire(at=rivals.AT + timedelta(days=14)) == 2
    assert set(AccessRequest.objects.values_list("state", flat=True)) == {"expired"}


def test_whoever_left_is_given_nothing(world: World, owner: User, bob: User) -> None:
    ask(bob, world.ours.project.slug)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(errors.Conflict):
        services.approve(request=AccessRequest.objects.get(), approver=owner, by=COMMAND, at=rivals.AT, days=None)


@pytest.mark.parametrize(
    ("given", "status"),
    [({"days": 7}, 204), ({"days": 0}, 422), ({"days": 366}, 422), ({"days": "soon"}, 422), ({"note": "x" * 501}, 422)],
)
def test_the_api_decides_too(world: World, owner: User, bob: User, given: dict[str, object], status: int) -> None:
    ask(bob, world.ours.project.slug)
    request = AccessRequest.objects.get()
    client = client_of(owner)
    assert [row["id"] for row in client.get("/api/v1/access-requests/").json()["results"]] == [str(request.pk)]
    answer = client.post(f"/api/v1/access-requests/{request.pk}/approve/", given, content_type="application/json")
    assert answer.status_code == status
    assert Binding.objects.filter(user=bob).exists() == (status == 204)
