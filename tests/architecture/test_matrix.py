"""Everybody × every address × every way of asking: the answer is the one of the table.

And for every person, permission and thing of the matrix, the explanation of access says what the gate does.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from portal.access import roles
from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import EVERYWHERE
from portal.accounts.models import User, rights
from portal.accounts.models.rights import Places
from portal.core import clock
from portal.explorer import explaining
from portal.explorer.explaining import Thing
from tests.architecture import cast, matrix, table
from tests.architecture.addresses import Address
from tests.architecture.cast import Somebody
from tests.architecture.matrix import Cell, Sweep

pytestmark = pytest.mark.django_db
BY_SESSION = [key for key, part in cast.PARTS.items() if part.by == "session" and not (part.ended or part.stale)]


def declared(one: Address) -> str:
    """What an address says of itself, as a line of the table."""
    if one.mark:
        return one.mark
    methods = [name.upper() for name in one.view.actions if name != "head"] if one.is_api else ["GET", "POST"]
    return " ".join(f"{method} {one.permission(method)}" for method in methods)


def test_the_table_knows_every_address() -> None:
    unknown = {one.name: declared(one) for one in matrix.ASKED if one.name not in table.ADDRESSES}
    assert unknown == {}, "add what is meant to tests/architecture/table.py"
    assert set(table.ADDRESSES) - {one.name for one in matrix.ASKED} == set()


def test_the_declarations_are_those_of_the_table() -> None:
    """By name, so that a wrong declaration is told at once; what it does is told by the answers."""
    wrong = {}
    for one in matrix.EVERY:
        line = table.ADDRESSES[one.name]
        words = line.replace("!", "").replace("~", "").split()
        meant = dict(zip(words[::2], words[1::2], strict=True)) if one.mark is None else {}
        said = {method: str(one.permission(method)) for method in meant}
        if (one.mark or "") != (line if line in {"public", "signed_in"} else "") or said != meant:
            wrong[one.name] = (declared(one), line)
    assert wrong == {}


def test_the_roles_are_those_of_the_table() -> None:
    said = {key: set(map(str, role.permissions)) for key, role in roles.ROLES.items()}
    assert said == {key: set(words.split()) for key, words in table.ROLES.items()}
    assert set(map(str, PERSONAL)) == matrix.PERSONAL


@pytest.mark.parametrize("who", cast.PARTS)
def test_every_answer_is_the_one_of_the_table(sweep: Sweep, who: str) -> None:
    assert list(sweep.wrong(matrix.cells([who]))) == []


def things(sweep: Sweep) -> dict[str, Thing]:
    """Everything a right can be asked about, by the name of the place in the table."""
    world = sweep.world
    ours, theirs = world.ours, world.theirs
    return {
        "everything": explaining.EVERYTHING,
        "team": Thing("", team=ours.team.pk),
        "project": Thing("", project=ours.project.pk, team=ours.team.pk),
        "their project": Thing("", project=theirs.project.pk, team=theirs.team.pk),
        "cluster": Thing("", cluster=world.shared.pk),
        "their cluster": Thing("", cluster=world.foreign.pk),
    }


def held(user: User, permission: Permission, thing: Thing) -> bool:
    """What the gate says."""
    return thing.inside(user.scopes_for(permission))


def fresh(who: Somebody) -> User:
    """The person as a request finds them."""
    assert who.user is not None
    return User.objects.get(pk=who.user.pk)


def test_the_explorer_says_what_the_gate_does(sweep: Sweep) -> None:
    wrong: list[Any] = []
    people = {key: fresh(who) for key, who in sweep.people.items() if who.user}
    for permission in Permission:
        for name, thing in things(sweep).items():
            may = {row["username"] for row in explaining.who_may(permission, thing, asker=EVERYWHERE, at=clock.now())}
            for key, user in people.items():
                why = explaining.why(user, permission, thing, asker=EVERYWHERE, at=clock.now()).allowed
                gate = held(user, permission, thing)
                if not (why == gate == (user.username in may)):
                    wrong.append((key, permission, name, why, gate, user.username in may))
    assert wrong == []


def test_what_the_gate_reads_is_what_the_explorer_reads(sweep: Sweep) -> None:
    """Two readings of the same bindings, one without names: everybody of the matrix holds the same by both."""
    at, some = clock.now(), 0
    for who in sweep.people.values():
        if who.user:
            full = rights.folded(rights.held_by(who.user.pk, at=at))
            assert placed(rights.places_of(who.user.pk, at=at)) == placed(full)
            some += len(full)
    assert some > len(sweep.people) / 2


def placed(found: list[Places]) -> set[tuple[Permission, str, Any]]:
    """Single permissions at single places."""
    return {(held, one.scope_kind, key) for one in found for held in one.permissions for key in one.scope_ids}


def about_one_thing(who: str) -> Iterator[Cell]:
    """The plain cells about what lies in a place."""
    for cell in matrix.cells([who]):
        plain = cell.shape.name in {"page", "fragment", "post", "htmx post"} or cell.address.is_api
        placed = cell.address.kind in table.OF_PROJECTS | {"cluster", "node", "stream"}
        named = cell.address.name not in table.NAMELESS
        if plain and placed and named and table.ADDRESSES[cell.address.name] != "signed_in":
            yield cell


@pytest.mark.parametrize("who", BY_SESSION)
def test_the_explorer_says_what_the_answer_is(sweep: Sweep, who: str) -> None:
    """For every address about a project's or a cluster's thing: open just where the explorer says "allowed"."""
    user, wrong, places = fresh(sweep.people[who]), [], things(sweep)
    for cell in about_one_thing(who):
        permission = table.permission(cell.address.name, cell.shape.method)
        kind = sweep.kind(cell)
        if kind == "unanswered" or not table.answers(cell.address.name, cell.shape.method):
            continue
        of_cluster = cell.address.kind in {"cluster", "node", "stream"}
        thing = places[{"ours": "", "theirs": "their "}[cell.side] + ("cluster" if of_cluster else "project")]
        asked = Permission(permission.rstrip("!~"))
        if explaining.why(user, asked, thing, asker=EVERYWHERE, at=clock.now()).allowed != (kind == "open"):
            wrong.append(f"{cell}: {kind}")
    assert wrong == []
