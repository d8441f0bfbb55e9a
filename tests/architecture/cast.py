"""The people of the matrix: what each is given, and how each asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from django.test import Client

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import EVERYTHING, Scope
from portal.accounts.models import User
from portal.accounts.session_store import AUTHENTICATED_AT
from portal.core.actors import COMMAND
from portal.explorer import looking
from portal.tokens.models import Token
from portal.tokens.services import tokens
from tests.factories.rivals import AT, SEEN, World
from tests.people import client_of, person

By = Literal["nobody", "session", "token", "view as"]
# What a role is given on; the cluster is the one that holds both teams.
On = Literal["everything", "team", "project", "their project", "cluster", "their cluster"]


@dataclass(frozen=True)
class Part:
    """One kind of person, as the table of expected answers reads it."""

    roles: Mapping[str, On] = field(default_factory=dict)
    by: By = "session"
    # What a token is limited to, on our project; None = no token.
    token: frozenset[str] | None = None
    # Nobody at all to the portal: no session stands, no token opens.
    ended: bool = False
    # Whether the sign-in is longer ago than what is personal asks for.
    stale: bool = False
    # As whom an administrator looks.
    viewed: Mapping[str, On] | None = None


READS = frozenset({"project.view", "inventory.view", "cost.view", "member.view"})
PARTS: dict[str, Part] = {
    "anonymous": Part(by="nobody", ended=True),
    "nobody": Part(),
    "member": Part({"project_member": "project"}),
    "viewer": Part({"project_viewer": "project"}),
    "owner": Part({"project_owner": "project"}),
    "team_owner": Part({"team_owner": "team"}),
    "cost_viewer": Part({"cost_viewer": "project"}),
    "their_member": Part({"project_member": "their project"}),
    "finance": Part({"finance": "everything"}),
    "cluster_owner": Part({"cluster_owner": "cluster"}),
    "cluster_viewer": Part({"cluster_viewer": "cluster"}),
    "admin": Part({"admin": "everything"}),
    "auditor": Part({"auditor": "everything"}),
    "everything": Part({"admin": "everything", "finance": "everything"}),
    # Changes what is ours and reads what is theirs: a right that is held, but elsewhere.
    "mixed": Part(
        {
            "team_owner": "team",
            "project_viewer": "their project",
            "cluster_owner": "cluster",
            "cluster_viewer": "their cluster",
        }
    ),
    "stale": Part({"project_owner": "project"}, stale=True),
    "disabled": Part({"project_owner": "project"}, ended=True),
    "expired_token": Part({"team_owner": "team"}, by="token", token=READS, ended=True),
    "token": Part({"team_owner": "team"}, by="token", token=READS),
    "robot": Part({"project_viewer": "project"}, by="token", token=READS - {"cost.view"}),
    "view_as": Part({"admin": "everything"}, by="view as", viewed={"project_member": "project"}),
}


@dataclass(frozen=True)
class Somebody:
    """One of them, and the browser or program they ask with."""

    key: str
    part: Part
    client: Client
    user: User | None


def every(world: World) -> dict[str, Somebody]:
    """Make all of them. The present is the world's."""
    return {key: _somebody(world, key, part) for key, part in PARTS.items()}


def scope_of(world: World, on: On) -> Scope:
    """What a role is given on."""
    match on:
        case "team":
            return Scope(ScopeKind.TEAM, world.ours.team.pk, world.ours.team.name)
        case "project":
            return Scope(ScopeKind.PROJECT, world.ours.project.pk, world.ours.project.name)
        case "their project":
            return Scope(ScopeKind.PROJECT, world.theirs.project.pk, world.theirs.project.name)
        case "cluster" | "their cluster":
            found = world.shared if on == "cluster" else world.foreign
            return Scope(ScopeKind.CLUSTER, found.pk, found.name)
        case _:
            return EVERYTHING


def _somebody(world: World, key: str, part: Part) -> Somebody:
    if part.by == "nobody":
        return Somebody(key, part, Client(raise_request_exception=False), None)
    user = _user(world, key, part)
    match part.by:
        case "token":
            client = _program(world, key, part, user)
        case "view as":
            client = _looking_on(world, user)
        case _:
            client = client_of(user)
    client.raise_request_exception = False
    if part.stale:
        session = client.session
        session[AUTHENTICATED_AT] = int((AT - timedelta(minutes=11)).timestamp())
        session.save()
    if key == "disabled":
        # The row alone, so that the session is still there to be believed.
        User.objects.filter(pk=user.pk).update(is_active=False)
    return Somebody(key, part, client, user)


def _user(world: World, key: str, part: Part) -> User:
    if key in {"member", "their_member"}:
        return (world.ours if key == "member" else world.theirs).member
    if key == "robot":
        return world.ours.robot.user
    user = person(f"okapi-{key}")
    for role, on in part.roles.items():
        role_bindings.grant(user=user, role=role, scope=scope_of(world, on), by=COMMAND, at=SEEN)
    return user


def _program(world: World, key: str, part: Part, user: User) -> Client:
    permissions = frozenset(Permission(one) for one in part.token or ())
    wanted = tokens.Wanted(
        f"okapi-{key}", scope_of(world, "project"), permissions, expires_at=SEEN + timedelta(days=30)
    )
    token, text = tokens.create(user=user, wanted=wanted, by=COMMAND, at=SEEN)
    if part.ended:
        Token.objects.filter(pk=token.pk).update(expires_at=AT - timedelta(seconds=1))
    # One that was used lately, as most are: its use is no news.
    Token.objects.filter(pk=token.pk).update(last_used_at=AT, seen_networks=["127.0.0.0/24"])
    return Client(headers={"Authorization": f"Bearer {text}"})


def _looking_on(world: World, viewer: User) -> Client:
    client = client_of(viewer)
    session = client.session
    looking.start(session, user=world.ours.member, reason="to help", viewer=viewer, by=viewer.as_actor(), at=AT)
    session.save()
    return client
