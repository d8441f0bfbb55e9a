"""Explanations say what the gate does, by the chain that makes it so."""

from datetime import timedelta
from typing import Any

import pytest

from portal.access.permissions import Permission as P
from portal.access.scopes import EVERYWHERE, ScopeKind, Scopes
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import Binding, GroupMembership, Identity, OutsideGroup, Provider, User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.explorer import explaining, things
from portal.tokens.services import robots
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
def group(db: None) -> OutsideGroup:
    """A group of a directory that was read a moment ago."""
    provider = Provider.objects.create(key="corp", kind="ldap", name="Corp", enabled=True)
    return OutsideGroup.objects.create(provider=provider, external_id="g-1", name="shop-developers")


def join(user: User, group: OutsideGroup, *, hours_ago: float = 0) -> Identity:
    """Put the person into the group, as of some time."""
    as_of = rivals.AT - timedelta(hours=hours_ago)
    identity = Identity.objects.create(
        user=user, provider=group.provider, subject=user.username, username=user.username, groups_as_of=as_of
    )
    GroupMembership.objects.create(identity=identity, group=group, direct=True)
    return identity


def project_of(world: World) -> explaining.Thing:
    """Our project."""
    return things.named("project", world.ours.project.slug, asker=EVERYWHERE)


def scope_of(world: World) -> role_bindings.Scope:
    """Our project as a scope."""
    return role_bindings.Scope(ScopeKind.PROJECT, world.ours.project.pk, world.ours.project.name)


def ask(user: User, permission: P, thing: explaining.Thing, asker: Scopes = EVERYWHERE) -> explaining.Verdict:
    """The verdict for a person as the database has them."""
    return explaining.why(User.objects.get(pk=user.pk), permission, thing, asker=asker, at=rivals.AT)


def test_the_chain_names_account_group_role_and_scope(world: World, bob: User, group: OutsideGroup) -> None:
    join(bob, group)
    role_bindings.grant(group=group, role="project_member", scope=scope_of(world), by=COMMAND, at=rivals.AT)
    (chain,) = ask(bob, P.COST_VIEW, project_of(world)).chains
    assert (chain.account, chain.group, chain.role, chain.scope) == (
        "corp",
        "shop-developers",
        "project_member",
        world.ours.project.name,
    )


def test_a_team_holds_its_projects(world: World, bob: User) -> None:
    rivals.give(bob, "team_owner", ScopeKind.TEAM, world.ours.team)
    assert ask(bob, P.PROJECT_EDIT, project_of(world)).allowed
    theirs = things.named("project", world.theirs.project.slug, asker=EVERYWHERE)
    assert not ask(bob, P.PROJECT_EDIT, theirs).allowed


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda user, group: User.objects.filter(pk=user.pk).update(is_active=False), "deactivated"),
        (lambda user, group: Identity.objects.update(groups_as_of=rivals.AT - timedelta(hours=25)), "too old"),
        (lambda user, group: Provider.objects.update(enabled=False), "too old"),
        (lambda user, group: GroupMembership.objects.all().delete(), "No role that is held here gives it"),
        (lambda user, group: Binding.objects.filter(group=group).delete(), "No role that is held here gives it"),
    ],
)
def test_why_not(world: World, bob: User, group: OutsideGroup, spoil: Any, reason: str) -> None:
    join(bob, group)
    role_bindings.grant(group=group, role="project_member", scope=scope_of(world), by=COMMAND, at=rivals.AT)
    assert ask(bob, P.COST_VIEW, project_of(world)).allowed
    spoil(bob, group)
    verdict = ask(bob, P.COST_VIEW, project_of(world))
    assert not verdict.allowed
    assert any(reason in text for text in verdict.reasons), verdict.reasons
    assert "Project member" in verdict.giving


def test_an_ended_role_is_named(world: World, bob: User) -> None:
    end = rivals.AT + timedelta(hours=1)
    binding = role_bindings.grant(
        user=bob, role="project_viewer", scope=scope_of(world), by=COMMAND, at=rivals.AT, expires_at=end
    )
    Binding.objects.filter(pk=binding.pk).update(expires_at=rivals.AT)
    assert any("ended on" in text for text in ask(bob, P.PROJECT_VIEW, project_of(world)).reasons)


def test_both_ends_agree_with_the_gate(world: World, bob: User, cleo: User, dan: User, group: OutsideGroup) -> None:
    join(bob, group)
    join(dan, group, hours_ago=25)
    role_bindings.grant(group=group, role="project_owner", scope=scope_of(world), by=COMMAND, at=rivals.AT)
    rivals.give(cleo, "team_owner", ScopeKind.TEAM, world.ours.team)
    person("boss", "admin")
    person("cash", "finance")
    thing = project_of(world)
    for permission in P:
        may = {row["username"] for row in explaining.who_may(permission, thing, asker=EVERYWHERE, at=rivals.AT)}
        for user in User.objects.all():
            gate = user.scopes_for(permission).covers(team=thing.team, project=thing.project)
            assert gate == ask(user, permission, thing).allowed == (user.username in may), (user.username, permission)


def test_an_owner_learns_no_group_or_binding_from_outside(world: World, bob: User, group: OutsideGroup) -> None:
    boss = person("boss")
    join(boss, group)
    role_bindings.grant(group=group, role="admin", scope=role_bindings.EVERYTHING, by=COMMAND, at=rivals.AT)
    rivals.give(bob, "project_owner", ScopeKind.PROJECT, world.ours.project)
    client = client_of(bob)
    question = {"permission": "project.view", "kind": "project", "thing": world.ours.project.slug}
    page = client.get("/access/", {**question, "person": "boss"}).content.decode()
    assert "outside of what is yours" in page
    for answer in (
        page,
        client.get("/access/", question).content.decode(),
        b"".join(client.get("/access/", {**question, "format": "csv"})).decode(),
        client.get("/api/v1/access/", question).content.decode(),
        client.get("/api/v1/access/", {**question, "person": "boss"}).content.decode(),
    ):
        assert "shop-developers" not in answer
        assert str(Binding.objects.get(group=group).pk) not in answer


@pytest.mark.parametrize("slug", ["theirs", "absent"])
def test_an_owner_asks_about_their_own_alone(world: World, bob: User, slug: str) -> None:
    rivals.give(bob, "project_owner", ScopeKind.PROJECT, world.ours.project)
    thing = world.theirs.project.slug if slug == "theirs" else "nothing-there"
    answer = client_of(bob).get("/access/", {"permission": "cost.view", "kind": "project", "thing": thing})
    assert answer.status_code == 422
    assert "There is none with this slug" in answer.content.decode()
    everything = client_of(bob).get("/access/", {"permission": "cost.view", "kind": "everything"})
    assert everything.status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [("permission", "cost.*"), ("kind", "galaxy"), ("person", "nobody-at-all"), ("thing", "x" * 64)],
)
def test_a_bad_question_is_refused_at_its_field(world: World, ann: User, field: str, value: str) -> None:
    question = {"permission": "cost.view", "kind": "project", "thing": world.ours.project.slug, field: value}
    assert client_of(ann).get("/access/", question).status_code == 422
    assert client_of(ann).get("/api/v1/access/", question).status_code == 422


def test_page_csv_and_api_say_the_same(world: World, ann: User, bob: User) -> None:
    rivals.give(bob, "project_member", ScopeKind.PROJECT, world.ours.project)
    question = {"permission": "cost.view", "kind": "project", "thing": world.ours.project.slug}
    client = client_of(ann)
    rows = client.get("/api/v1/access/", question).json()["results"]
    names = [row["username"] for row in rows]
    assert {"ann", "bob"} <= set(names)
    lines = b"".join(client.get("/access/", {**question, "format": "csv"})).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1 : len(names) + 1]] == names
    page = client.get("/access/", question).content.decode()
    assert all(name in page for name in names)


@pytest.mark.parametrize("address", ["/access/", "/api/v1/access/"])
def test_a_robot_of_others_and_none_are_answered_alike(ann: User, address: str) -> None:
    world = rivals.world()
    owner, theirs = person("owner"), world.theirs.project
    rivals.give(owner, "project_owner", ScopeKind.PROJECT, world.ours.project)
    home = Scope(ScopeKind.PROJECT, theirs.pk, theirs.slug)
    robots.create(
        wanted=robots.Wanted("deploy", "Deploy", home, "project_viewer"), creator=ann, by=COMMAND, at=clock.now()
    )
    question = {"permission": "project.view", "kind": "project", "thing": world.ours.project.slug}
    asked = [client_of(owner).get(address, {**question, "person": f"robot-{name}"}) for name in ("deploy", "deplox")]
    assert [one.status_code for one in asked] == [422, 422]
    assert "Nobody has this user name." in asked[0].content.decode()
    assert client_of(ann).get(address, {**question, "person": "robot-deploy"}).status_code == 200
