"""Rights end when what gave them does: each way of taking away × each way of asking (T6).

In Paddock the bound is 60 seconds. What asks again is denied with its next request; a download under way asks
every 20 seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from clusters.inventory.models import Pod
from clusters.projects.services import holdings, projects
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings, role_services
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import (
    Binding,
    CustomRole,
    GroupMembership,
    GroupNesting,
    Identity,
    OutsideGroup,
    Session,
    User,
)
from portal.accounts.outside import freezing
from portal.accounts.session_store import IDENTITY
from portal.core import clock, under_way
from portal.core.actors import COMMAND
from portal.explorer import looking
from portal.jobs import kinds, runner
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.tokens.services import robots, tokens
from tests.factories import rivals
from tests.factories.rivals import AT, World
from tests.people import client_of, person

KIND = "tests.portal.access.removal"
LATER = AT + timedelta(seconds=60)


@dataclass
class Leaver:
    """Somebody who reads our pods, and everything by which they do."""

    world: World
    user: User
    identity: Identity
    group: OutsideGroup
    inner: OutsideGroup
    binding: Binding
    role: CustomRole | None
    client: Client
    program: Client
    viewer: Client


def nothing(run: Any, **ids: str) -> None:
    """The work of the job that is waiting."""


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A present that a test moves; downloads ask again with each piece once it has."""
    moment = {"now": AT}
    monkeypatch.setattr(clock, "now", lambda: moment["now"])
    monkeypatch.setattr(under_way, "ASK_EVERY", 0.0)
    yield moment


@pytest.fixture
def world(db: None) -> World:
    """Two teams, and pods enough for a file of several pieces."""
    made = rivals.world()
    side = made.ours
    place = {"cluster": made.shared, "namespace": side.namespace, "namespace_name": side.namespace.name}
    for number in range(450):
        rivals.filled(Pod, name=f"okapi-{number}", node="", phase="Running", owner_uid="", **place)
    return made


def given(world: World, by: str) -> Leaver:
    """Give the right in one way: to the person, their group, a group around it, their team, or by an own role."""
    side, user = world.ours, person("okapi-leaver")
    provider = world.group.provider
    identity = Identity.objects.create(
        user=user, provider=provider, subject="9", username="leaver", groups_as_of=AT, last_sign_in_at=AT
    )
    inner = OutsideGroup.objects.create(provider=provider, external_id="2", name="inner", seen_at=AT)
    GroupNesting.objects.create(parent=world.group, child=inner)
    GroupMembership.objects.create(identity=identity, group=inner, direct=True)
    GroupMembership.objects.create(identity=identity, group=world.group, direct=False)
    project = Scope(ScopeKind.PROJECT, side.project.pk, side.project.name)
    role = None
    if by == "role":
        role = CustomRole.objects.create(
            key="x-pods",
            name="Pods",
            scope_kinds=["project"],
            permissions=["inventory.view", "project.view"],
            created_by="tests",
        )
    whom: dict[str, Any] = {"user": user}
    if by in {"group", "nested"}:
        whom = {"group": inner if by == "group" else world.group}
    team = Scope(ScopeKind.TEAM, side.team.pk, side.team.name)
    binding = role_bindings.grant(
        **whom,
        role={"role": "x-pods", "team": "team_owner"}.get(by, "project_viewer"),
        scope=team if by == "team" else project,
        by=COMMAND,
        at=AT,
    )
    client = client_of(user)
    session = client.session
    session[IDENTITY] = str(identity.pk)
    session.save()
    return Leaver(
        world, user, identity, world.group, inner, binding, role, client, program(user, project), viewing(user)
    )


def program(user: User, scope: Scope) -> Client:
    """What asks by a token of the person's."""
    permissions = frozenset({Permission.INVENTORY_VIEW, Permission.PROJECT_VIEW})
    wanted = tokens.Wanted("reader", scope, permissions, expires_at=AT + timedelta(days=30))
    _token, text = tokens.create(user=user, wanted=wanted, by=COMMAND, at=AT)
    return Client(headers={"Authorization": f"Bearer {text}"})


def viewing(user: User) -> Client:
    """An administrator who looks at the portal as the person."""
    viewer = person(f"viewer-of-{user.username}", "admin")
    client = client_of(viewer)
    session = client.session
    looking.start(session, user=user, reason="to help", viewer=viewer, by=viewer.as_actor(), at=AT)
    session.save()
    return client


def deactivated(one: Leaver) -> None:
    accounts.set_active(user=one.user, active=False, by=COMMAND)


def out_of_group(one: Leaver) -> None:
    GroupMembership.objects.filter(identity=one.identity).delete()


def not_nested(one: Leaver) -> None:
    GroupNesting.objects.all().delete()
    GroupMembership.objects.filter(identity=one.identity, direct=False).delete()


def provider_disabled(one: Leaver) -> None:
    freezing.disable(provider=one.identity.provider, by=COMMAND, at=AT)


def binding_revoked(one: Leaver) -> None:
    role_bindings.revoke(binding=one.binding, by=COMMAND, at=AT)


def binding_ended(one: Leaver) -> None:
    role_bindings.change_end(binding=one.binding, expires_at=AT + timedelta(seconds=30), by=COMMAND, at=AT)


def role_edited(one: Leaver) -> None:
    assert one.role is not None
    less = role_services.Draft("Pods", "", frozenset({ScopeKind.PROJECT}), frozenset({Permission.TEAM_VIEW}))
    role_services.change(
        role=one.role, draft=less, seen=role_services.version(one.role), by=COMMAND, at=AT, author=None
    )


def project_moved(one: Leaver) -> None:
    projects.move_to_team(project=one.world.ours.project, team=one.world.theirs.team, by=COMMAND, at=AT)


def namespace_released(one: Leaver) -> None:
    side = one.world.ours
    holdings.release(project=side.project, namespaces=[(one.world.shared.pk, side.namespace.uid)], by=COMMAND, at=AT)


def identity_gone(one: Leaver) -> None:
    Identity.objects.filter(pk=one.identity.pk).update(state="gone")


def groups_too_old(one: Leaver) -> None:
    Identity.objects.filter(pk=one.identity.pk).update(groups_as_of=AT - timedelta(days=2))


# What is taken away: how the right was given, and what takes it.
REMOVALS: dict[str, tuple[str, Callable[[Leaver], None]]] = {
    "user deactivated": ("person", deactivated),
    "group membership": ("group", out_of_group),
    "nested group": ("nested", not_nested),
    "provider disabled": ("group", provider_disabled),
    "provider disabled, through a group around": ("nested", provider_disabled),
    "role binding": ("person", binding_revoked),
    "role binding of a group": ("group", binding_revoked),
    "role binding ended": ("person", binding_ended),
    "custom role edited": ("role", role_edited),
    "project moved to another team": ("team", project_moved),
    "namespace released": ("person", namespace_released),
    "identity gone": ("group", identity_gone),
    "groups not read for too long": ("group", groups_too_old),
}
# A row that is gone from what one sees is no end of the right to the list, whose file has no such row any more.
KEEPS_THE_RIGHT = {"namespace released", "project moved to another team"}
POLL = {"HX-Request": "true", "X-Poll": "1"}


def denied(answer: Any) -> bool:
    """Whether nothing was given."""
    leads = answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")
    return answer.status_code in {401, 403, 404} or leads.startswith("/sign-in/")


def asked(one: Leaver, way: str) -> Any:
    """Ask for our pod in one way."""
    page, api = f"/inventory/pods/{one.world.ours.pod.pk}/", f"/api/v1/projects/{one.world.ours.project.pk}/"
    match way:
        case "page":
            return one.client.get(page)
        case "fragment poll":
            return one.client.get(page, headers=POLL)
        case "API by session":
            return one.client.get(api)
        case "API by token":
            return one.program.get(api)
        case _:
            return one.viewer.get(page)


@pytest.mark.parametrize("way", ["page", "fragment poll", "API by session", "API by token", "view-as"])
@pytest.mark.parametrize("what", REMOVALS)
def test_what_asks_again_is_denied(world: World, present: dict[str, Any], what: str, way: str) -> None:
    by, take = REMOVALS[what]
    one = given(world, by)
    assert asked(one, way).status_code == 200
    take(one)
    present["now"] = LATER
    answer = asked(one, way)
    if way == "view-as" and what == "user deactivated":
        # Nobody is left to look as: what is shown then is the viewer's own.
        assert looking.KEY not in one.viewer.session
        return
    if what == "namespace released" and way.startswith("API"):
        # The project is theirs to read still; what went is what stood in the namespace.
        assert answer.status_code == 200
        return
    assert denied(answer), answer.status_code


@pytest.mark.parametrize("what", [what for what in REMOVALS if what not in KEEPS_THE_RIGHT])
def test_a_download_under_way_is_cut(world: World, present: dict[str, Any], what: str) -> None:
    by, take = REMOVALS[what]
    one = given(world, by)
    answer: Any = one.client.get("/inventory/pods/", {"format": "csv"})
    assert isinstance(answer, StreamingHttpResponse)
    pieces: Any = iter(answer.streaming_content)  # type: ignore[arg-type]
    first = next(pieces)
    assert b"okapi-" not in first, "the header goes out alone"
    assert b"okapi-" in next(pieces)
    take(one)
    present["now"] = LATER
    with pytest.raises(under_way.Ended):
        next(pieces)


@pytest.mark.parametrize("what", ["token revoked", "robot retired", "project closed", "session ended"])
def test_what_is_held_in_the_hand_opens_nothing_any_more(world: World, present: dict[str, Any], what: str) -> None:
    side = world.ours
    project = Scope(ScopeKind.PROJECT, side.project.pk, side.project.name)
    user = side.robot.user if what in {"robot retired", "project closed"} else side.member
    client = client_of(user) if what == "session ended" else program(user, project)
    address = f"/api/v1/projects/{side.project.pk}/"
    assert client.get(address).status_code == 200
    match what:
        case "token revoked":
            tokens.revoke(token=user.tokens.order_by("-expires_at")[0], by=COMMAND, at=AT)
        case "robot retired":
            robots.retire(robot=side.robot, by=COMMAND, at=AT)
        case "project closed":
            holdings.release(
                project=side.project, namespaces=[(world.shared.pk, side.namespace.uid)], by=COMMAND, at=AT
            )
            projects.close(project=side.project, by=COMMAND, at=AT)
        case _:
            Session.objects.filter(user=user).delete()
    present["now"] = LATER
    assert client.get(address).status_code == 401


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that needs the right to the project it is about."""
    made = kinds.Kind(KIND, "Waiting", f"{__name__}.nothing", "default", 20, 1, Permission.INVENTORY_VIEW.value)
    known = {**kinds.known(), KIND: made}
    monkeypatch.setattr(kinds, "known", lambda: known)
    return KIND


@pytest.mark.parametrize("what", [what for what in REMOVALS if what not in KEEPS_THE_RIGHT])
def test_a_job_that_waits_is_refused(world: World, present: dict[str, Any], kind: str, what: str) -> None:
    by, take = REMOVALS[what]
    one = given(world, by)
    about: dict[str, Any] = {"project_id": str(world.ours.project.pk)}
    first = jobs.enqueue(kind, key="first", by=one.user.as_actor(), **about)
    runner.run(first.pk)
    assert Job.objects.get(pk=first.pk).state == "succeeded"
    waiting = jobs.enqueue(kind, key="second", by=one.user.as_actor(), **about)
    take(one)
    present["now"] = LATER
    runner.run(waiting.pk)
    assert Job.objects.get(pk=waiting.pk).state == "dead"
