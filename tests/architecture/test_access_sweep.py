"""Every address × every kind of person: nobody gets what is not theirs, and refusals tell nothing.

The table is made from the resolver, so that a new address is in it on the day it is written.
"""

from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from portal.access import roles
from portal.access.scopes import ScopeKind
from portal.accounts.models import User
from portal.audit.models import Denial
from portal.core import clock
from tests.architecture import addresses
from tests.architecture.addresses import Address, body, shapes
from tests.factories import rivals
from tests.factories.rivals import OURS, THEIRS, World
from tests.people import client_of, person

EVERY = addresses.every()
GATED = [one for one in EVERY if one.mark is None]
PAGES = [one for one in EVERY if one.name not in addresses.UNASKED]
HTMX = {"HX-Request": "true"}
REFUSED = {404, 405}


@pytest.fixture(autouse=True)
def present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The present of the world."""
    monkeypatch.setattr(clock, "now", lambda: rivals.AT)


@pytest.fixture
def world(db: None) -> World:
    """Two teams."""
    return rivals.world()


@pytest.fixture
def viewer(world: World) -> User:
    """Reads our project."""
    user = person("viewer")
    rivals.give(user, "project_viewer", ScopeKind.PROJECT, world.ours.project)
    return user


def denials(user: User) -> int:
    """How often the person was refused in this minute, which has not ended."""
    return sum(Denial.objects.filter(actor_id=str(user.pk)).values_list("count", flat=True))


def test_every_argument_is_known() -> None:
    assert len(EVERY) > 60
    assert [one.name for one in EVERY if one.argument and not one.kind] == []


def turned_away(answer: HttpResponseBase) -> bool:
    """Whether a stranger was sent to sign in, or told so."""
    if answer.status_code == 302:
        return answer.headers["Location"].startswith("/sign-in/?next=/")
    if answer.status_code == 204:
        return answer.headers["HX-Redirect"].startswith("/sign-in/?next=/")
    return answer.status_code in {401, 405}


def test_a_stranger_gets_nothing(world: World) -> None:
    wrong = {}
    for one in EVERY:
        if one.mark == "public":
            continue
        url = one.url(world, "ours")
        asked = {**shapes(Client(), url, is_api=one.is_api), "post": Client().post(url)}
        asked["htmx post"] = Client().post(url, headers=HTMX)
        for shape, answer in asked.items():
            if not turned_away(answer) or OURS.encode() in body(answer):
                wrong[f"{one.name} {shape}"] = answer.status_code
    assert wrong == {}


def test_absent_and_forbidden_are_one_answer_to_somebody_without_a_role(world: World) -> None:
    nobody = person("nobody")
    client = client_of(nobody)
    wrong: dict[str, Any] = {}
    for one in GATED:
        for method in ("GET", "POST"):
            before = denials(nobody)
            there, absent = (client.generic(method, one.url(world, whose)) for whose in ("ours", "absent"))
            if there.status_code not in REFUSED or body(there) != body(absent):
                wrong[f"{method} {one.name}"] = there.status_code
            if one.permission(method) and there.status_code == 404 and denials(nobody) != before + 2:
                wrong[f"{method} {one.name}"] = "not recorded"
    assert wrong == {}


def test_what_is_theirs_is_absent_to_our_member(world: World) -> None:
    user = world.ours.member
    client = client_of(user)
    wrong: dict[str, Any] = {}
    for one in [one for one in GATED if one.kind]:
        for method in ("GET", "POST"):
            before = denials(user)
            theirs, absent = (client.generic(method, one.url(world, whose)) for whose in ("theirs", "absent"))
            if theirs.status_code not in REFUSED or body(theirs) != body(absent):
                wrong[f"{method} {one.name}"] = theirs.status_code
            if one.permission(method) and theirs.status_code == 404 and denials(user) != before + 2:
                wrong[f"{method} {one.name}"] = "not recorded"
        for shape, answer in shapes(client, one.url(world, "theirs"), is_api=one.is_api).items():
            if answer.status_code not in REFUSED:
                wrong[f"{shape} {one.name}"] = answer.status_code
    assert wrong == {}


def expected(one: Address, method: str, role: str) -> bool:
    """Whether a role on our project opens the address, about what is ours."""
    permission = one.permission(method)
    return permission in roles.ROLES[role].permissions and one.kind not in addresses.OF_THE_HOUSE


@pytest.mark.parametrize(("who", "role"), [("member", "project_member"), ("viewer", "project_viewer")])
def test_a_role_opens_what_it_says(world: World, viewer: User, who: str, role: str) -> None:
    client, wrong = client_of(world.ours.member if who == "member" else viewer), {}
    for one in GATED:
        for method in ("GET", "POST"):
            status = client.generic(method, one.url(world, "ours")).status_code
            opened = expected(one, method, role)
            # An address that answers GET alone says so to whoever has the right.
            unanswered = opened and method == "POST" and status == 405
            # One row's explanation is asked for by its keys, of which there are none here.
            if opened == (status in REFUSED) and not unanswered and one.name != "ledger:row":
                wrong[f"{method} {one.name}"] = (status, opened)
    assert wrong == {}


@pytest.fixture
def keeper(world: World) -> User:
    """Reads our cluster."""
    user = person("keeper")
    rivals.give(user, "cluster_viewer", ScopeKind.CLUSTER, world.own)
    return user


def test_a_cluster_shows_itself_alone(world: World, keeper: User) -> None:
    client = client_of(keeper)
    wrong: dict[str, Any] = {}
    for one in PAGES:
        for whose in ("ours", "theirs") if one.kind == "cluster" else ("ours",):
            for shape, answer in shapes(client, one.url(world, whose), is_api=one.is_api).items():
                if THEIRS in body(answer).decode().lower() or (whose == "theirs" and answer.status_code not in REFUSED):
                    wrong[f"{one.name} {whose} {shape}"] = answer.status_code
    assert wrong == {}
    for address in ("/clusters/", "/clusters/?format=csv", "/inventory/nodes/", "/api/v1/nodes/", "/inventory/fleet/"):
        assert OURS in body(client.get(address)).decode().lower(), address


@pytest.mark.parametrize("who", ["member", "viewer"])
def test_scoped_people_see_their_own_alone(world: World, viewer: User, who: str) -> None:
    client, wrong, seen = client_of(world.ours.member if who == "member" else viewer), {}, set()
    for one in PAGES:
        for shape, answer in shapes(client, one.url(world, "ours"), is_api=one.is_api).items():
            text = body(answer).decode()
            if THEIRS in text.lower():
                wrong[f"{one.name} {shape}"] = text[max(text.lower().index(THEIRS) - 80, 0) :][:160]
            if answer.status_code == 200 and OURS in text.lower():
                seen.add(f"{one.name} {shape}")
    assert wrong == {}
    lists = {"projects:projects", "projects:teams", "inventory:workloads", "inventory:pods", "inventory:namespaces"}
    assert {f"{name} {shape}" for name in lists for shape in ("page", "fragment", "csv")} <= seen
    assert {f"api:{name}-list api" for name in ("projects", "teams", "workloads", "pods", "namespaces")} <= seen


def test_both_sides_are_there_for_the_administrator(world: World, ann: User) -> None:
    client, wrong = client_of(ann), {}
    for one in GATED:
        for whose in ("ours", "theirs"):
            if one.permission("GET") is None or one.name == "ledger:row":
                continue
            answer = client.get(one.url(world, whose))
            if answer.status_code not in {200, 302, 405}:
                wrong[f"{one.name} {whose}"] = answer.status_code
    assert wrong == {}
    for address in ("/projects/", "/teams/", "/inventory/pods/", "/inventory/namespaces/?format=csv", "/api/v1/pods/"):
        text = body(client.get(address)).decode().lower()
        assert OURS in text, address
        assert THEIRS in text, address


def test_no_answer_is_kept_by_anybody(world: World, ann: User) -> None:
    wrong: dict[str, Any] = {}
    for one in EVERY:
        for client in (Client(), client_of(ann)):
            answer = client.get(one.url(world, "ours"))
            kept = answer.headers.get("Cache-Control", "")
            varies = answer.headers.get("Vary", "")
            policy = answer.headers.get("Content-Security-Policy", "")
            if "no-store" not in kept or "Cookie" not in varies or "HX-Request" not in varies:
                wrong[one.name] = (kept, varies)
            if "default-src 'none'" not in policy or "unsafe" in policy:
                wrong[one.name] = policy
            if answer.headers.get("X-Content-Type-Options") != "nosniff":
                wrong[one.name] = "sniffable"
    assert wrong == {}
