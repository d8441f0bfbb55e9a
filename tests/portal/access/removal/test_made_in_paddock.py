"""What is taken away in Paddock ends within 60 seconds everywhere, by a real clock at the real web server (T6).

Everybody below reads a file that would take ten minutes, asks pages and the API, and has a job that waits. Everything
is taken away while they do.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clusters.projects.services import holdings, projects
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts import sessions
from portal.accounts.bindings import role_bindings, role_services
from portal.accounts.models import (
    Binding,
    CustomRole,
    GroupMembership,
    Identity,
    OutsideGroup,
    Provider,
    Session,
    User,
)
from portal.accounts.outside import freezing
from portal.accounts.session_store import IDENTITY
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import kinds
from portal.tokens.services import tokens
from tests.factories import rivals
from tests.people import client_of, person
from tests.portal.access.removal import holding
from tests.portal.access.removal.holding import ALL, Holder
from tests.portal.config import serving
from tests.portal.config.serving import Served

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
log = logging.getLogger(__name__)
# At the pace of the readers this is more than ten minutes.
ROWS = 150_000
RIGHTS = frozenset({Permission.INVENTORY_VIEW, Permission.PROJECT_VIEW})
SESSION = ("page", "poll", "API by session", "download")


@dataclass
class Given:
    """What somebody has the right by, and from where they sign in."""

    user: User
    binding: Binding
    provider: Provider | None = None
    role: CustomRole | None = None
    holder: Holder | None = field(default=None, repr=False)


def deactivated(given: Given) -> None:
    accounts.set_active(user=given.user, active=False, by=COMMAND)


def revoked(given: Given) -> None:
    role_bindings.revoke(binding=given.binding, by=COMMAND, at=clock.now())


def provider_disabled(given: Given) -> None:
    assert given.provider is not None
    freezing.disable(provider=given.provider, by=COMMAND, at=clock.now())


def role_deleted(given: Given) -> None:
    assert given.role is not None
    role_services.delete(role=given.role, by=COMMAND, at=clock.now(), take_away=True)


def permission_taken_off(given: Given) -> None:
    assert given.role is not None
    less = role_services.Draft("Less", "", frozenset({ScopeKind.PROJECT}), frozenset({Permission.TEAM_VIEW}))
    role_services.change(
        role=given.role,
        draft=less,
        seen=role_services.version(given.role),
        by=COMMAND,
        at=clock.now(),
        author=None,
    )


def token_revoked(given: Given) -> None:
    assert given.holder is not None
    tokens.revoke(token=given.holder.token, by=COMMAND, at=clock.now())


def session_ended(given: Given) -> None:
    mine = Session.objects.filter(user=given.user).values_list("public_id", flat=True)
    sessions.end(public_ids=list(mine), of=None, by=COMMAND)


def kept(given: Given) -> None:
    """Nothing is taken away."""


@dataclass(frozen=True)
class Row:
    """How the right was given, what takes it away, and which ways end by it."""

    by: str
    take: Callable[[Given], None]
    ends: Sequence[str] = ALL


ROWS_OF_MATRIX: dict[str, Row] = {
    "user deactivated": Row("person", deactivated),
    "binding revoked": Row("person", revoked),
    "binding of a group revoked": Row("group", revoked),
    "provider disabled": Row("group", provider_disabled),
    "custom role deleted": Row("role", role_deleted),
    "permission taken off a custom role": Row("role", permission_taken_off),
    "token revoked": Row("person", token_revoked, ("API by token", "job")),
    "session ended": Row("person", session_ended, SESSION),
    "nothing": Row("person", kept, ()),
}


def give(world: rivals.World, number: int, by: str) -> tuple[Given, Client]:
    """Give somebody the right to our project: to themselves, to their group, or by a role made here."""
    user, at = person(f"holder-{number}"), clock.now()
    provider, role, identity = None, None, None
    whom: dict[str, Any] = {"user": user}
    if by == "group":
        provider = Provider.objects.create(key=f"annex-{number}", kind="ldap", name="Annex", enabled=True)
        group = OutsideGroup.objects.create(provider=provider, external_id="1", name="annex", seen_at=at)
        identity = Identity.objects.create(
            user=user, provider=provider, subject="1", username=user.username, groups_as_of=at
        )
        GroupMembership.objects.create(identity=identity, group=group, direct=True)
        whom = {"group": group}
    if by == "role":
        draft = role_services.Draft(f"Pods {number}", "", frozenset({ScopeKind.PROJECT}), RIGHTS)
        role = role_services.create(draft=draft, by=COMMAND, at=at, author=None)
    key = role.key if role else "project_viewer"
    binding = role_bindings.grant(**whom, role=key, scope=holding.project(world), by=COMMAND, at=at)
    client = client_of(user)
    if identity is not None:
        session = client.session
        session[IDENTITY] = str(identity.pk)
        session.save()
    return Given(user, binding, provider, role), client


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server with a thread for each file."""
    running = serving.start(tmp_path, {"GUNICORN_CMD_ARGS": "--threads 24"})
    yield running
    running.stop()


def test_all_ends_within_a_minute(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    known = holding.known_kinds()
    monkeypatch.setattr(kinds, "known", lambda: known)
    world = rivals.world()
    holding.fill(world, ROWS)
    everybody: dict[str, Given] = {}
    for number, (what, row) in enumerate(ROWS_OF_MATRIX.items()):
        given, client = give(world, number, row.by)
        by_token = "job" in row.ends and "page" not in row.ends
        given.holder = holding.set_off(what, world, served, client, given.user, by_token=by_token)
        everybody[what] = given
    try:
        _take_all_away(everybody)
        _close_the_project(world, everybody["nothing"])
    finally:
        for given in everybody.values():
            assert given.holder is not None
            given.holder.download.stop()


def _take_all_away(everybody: dict[str, Given]) -> None:
    holders = {what: given.holder for what, given in everybody.items() if given.holder is not None}
    holding.wait_until_under_way(holders.values())
    taken, found = {}, {}
    for what, given in everybody.items():
        ROWS_OF_MATRIX[what].take(given)
        taken[what] = time.monotonic()
    quick = [way for way in ALL if way != "download"]
    for what, row in ROWS_OF_MATRIX.items():
        ways = [way for way in quick if way in row.ends]
        found[what] = holding.seconds_until_denied(holders[what], taken[what], ways=ways)
    for what, row in ROWS_OF_MATRIX.items():
        if "download" in row.ends:
            found[what] |= holding.seconds_until_denied(holders[what], taken[what], ways=["download"])
    log.info("seconds until the end:\n%s", holding.told(found))
    _keeps_the_rest(holders)


def _keeps_the_rest(holders: dict[str, Holder]) -> None:
    """What was not taken away goes on: without it, a server that denies everything would pass."""
    for what, row in ROWS_OF_MATRIX.items():
        for way in ALL:
            if way not in row.ends:
                assert holders[what].has(way), (what, way)
    assert holders["nothing"].download.seconds_for(ROWS) > holding.TEN_MINUTES


def _close_the_project(world: rivals.World, given: Given) -> None:
    """Its namespaces go first; what stood in them is nobody's then, however the right to the project stands."""
    side, at = world.ours, clock.now()
    holdings.release(project=side.project, namespaces=[(world.shared.pk, side.namespace.uid)], by=COMMAND, at=at)
    projects.close(project=side.project, by=COMMAND, at=at)
    assert given.holder is not None
    holding.seconds_until_denied(given.holder, time.monotonic(), ways=["page", "poll"])
