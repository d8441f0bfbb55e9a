"""Asking for a right: somebody with hundreds of bindings, half of them by groups, among a hundred others with fifty.

`loaded` asks an instance that has read its rights; `read` is what each request does first: read them, then ask. The
reference is the bare SELECT behind it, its rows fetched and dropped.
"""

import statistics
import uuid
from collections.abc import Callable
from typing import Any

from django.db import connection

from portal.access.permissions import Permission
from portal.accounts import services as accounts
from portal.accounts.models import Binding, GroupMembership, Identity, OutsideGroup, Provider, User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, late

ROUNDS = 300
NAME = "bound"
OTHERS, OF_EACH = 100, 50
ROLES = ("project_owner", "project_member", "project_viewer")


def prepare(inputs: dict[str, Any]) -> Sample:
    provider = Provider.objects.create(key="bench", kind="ldap", name="Bench", enabled=True)
    for name, count in [(NAME, inputs["size"]), *((f"other-{number}", OF_EACH) for number in range(OTHERS))]:
        _bind(provider, name, count)
    found = User.objects.get(username=NAME)
    if len(found.rights()) != inputs["size"]:
        raise RuntimeError(f"{len(found.rights())} rights are held")
    return {"bindings": Binding.objects.count()}


def paddock(inputs: dict[str, Any]) -> Sample:
    ask = _loaded() if inputs["part"] == "loaded" else _reading()
    held = len(ask().projects)
    if held != inputs["size"]:
        raise RuntimeError(f"the right is held on {held} projects")
    return _timed(ask)


def reference(inputs: dict[str, Any]) -> Sample:
    said: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        said.append((sql, params))
        return execute(sql, params, many, context)

    user = User.objects.get(username=NAME)
    with connection.execute_wrapper(note):
        user.rights()

    def ask() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(*said[-1])
            found: list[Any] = cursor.fetchall()
            return found

    if len(ask()) != inputs["size"]:
        raise RuntimeError(f"{len(said)} statements were made, the last of which is not the one")
    return _timed(ask)


def _reading() -> Callable[[], Any]:
    """As requests do: each has an instance of its own, whose row was read with the session."""
    users = [User.objects.get(username=NAME) for _round in range(ROUNDS + 1)]
    return lambda: users.pop().scopes_for(Permission.INVENTORY_VIEW)


def _loaded() -> Callable[[], Any]:
    user = User.objects.get(username=NAME)
    user.rights()
    return lambda: user.scopes_for(Permission.INVENTORY_VIEW)


def _timed(ask: Callable[[], Any]) -> Sample:
    walls, spent = [], Clock()
    for _round in range(ROUNDS):
        wall = spent.wall
        with spent:
            ask()
        walls.append(spent.wall - wall)
    return {"cost": statistics.median(walls), "p95": late(walls), "client": spent.cpu / ROUNDS}


def _bind(provider: Provider, name: str, count: int) -> None:
    user, _password = accounts.create_user(username=name, by=COMMAND)
    identity = Identity.objects.create(
        user=user, provider=provider, subject=name, username=name, groups_as_of=clock.now()
    )
    own = count // 2
    groups = OutsideGroup.objects.bulk_create(
        OutsideGroup(provider=provider, external_id=f"{name}-{number}", name=f"{name}-{number}")
        for number in range(count - own)
    )
    GroupMembership.objects.bulk_create(
        GroupMembership(identity=identity, group=group, direct=bool(number % 2)) for number, group in enumerate(groups)
    )
    holders: list[dict[str, Any]] = [
        *({"user": user} for _number in range(own)),
        *({"group": group} for group in groups),
    ]
    Binding.objects.bulk_create(
        Binding(
            **holder,
            role=ROLES[number % len(ROLES)],
            scope_kind="project",
            scope_id=uuid.uuid4(),
            scope_label=f"Project {number}",
            created_by="bench",
        )
        for number, holder in enumerate(holders)
    )
