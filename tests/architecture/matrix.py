"""The table of expected answers, and asking for every cell of it.

What is expected comes from `table.py`, which is written by hand, and from what the cast is given; nothing of it is
computed by the code that answers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client

from tests.architecture import addresses, table
from tests.architecture.addresses import Address
from tests.architecture.cast import PARTS, On, Part, Somebody
from tests.factories.rivals import World

Kind = Literal["sign in", "confirm", "closed", "hidden", "unanswered", "open", "broken"]
Side = Literal["ours", "theirs"]
SIDES: tuple[Side, ...] = ("ours", "theirs")
HTMX = {"HX-Request": "true"}
# Where ViewingAs lets nothing through (portal/explorer/middleware.py).
NOT_LOOKING = ("/profile/", "/password/", "/confirm/", "/api/")
PERSONAL = frozenset(table.PERSONAL.split())
ASKED = [one for one in addresses.every() if one.name not in addresses.UNASKED]
# A test of its own holds that the table knows each of them.
EVERY = [one for one in ASKED if one.name in table.ADDRESSES]


@dataclass(frozen=True)
class Shape:
    """One way of asking."""

    name: str
    method: str
    query: str = ""
    htmx: bool = False


PAGE = [
    Shape("page", "GET"),
    Shape("fragment", "GET", htmx=True),
    Shape("post", "POST"),
    Shape("htmx post", "POST", htmx=True),
]
FILES = [Shape("csv", "GET", "?format=csv"), Shape("jsonl", "GET", "?format=jsonl")]


def shapes(one: Address) -> list[Shape]:
    """Every way of asking for an address: lists have files, programs have methods."""
    if one.is_api:
        methods = [name for name in getattr(one.view, "actions", {"get": ""}) if name != "head"]
        return [Shape(f"api {method}", method.upper()) for method in methods]
    listing = hasattr(getattr(one.view, "view_class", None), "listing")
    return PAGE + FILES if listing else PAGE


@dataclass(frozen=True)
class Cell:
    """One person, one address about one side's thing, asked for in one way."""

    who: str
    address: Address
    side: Side
    shape: Shape

    def __str__(self) -> str:
        return f"{self.who}: {self.shape.name} {self.address.name} of {self.side}"


# Who is asked about in every shape; for the others one of a pair is taken, by turns.
THOROUGH = frozenset({"anonymous", "member", "view_as"})
PAIRS = (("page", "fragment"), ("post", "htmx post"), ("csv", "jsonl"))


def cells(who: Iterable[str], among: Iterable[Address] = EVERY, *, whole: bool = False) -> Iterator[Cell]:
    """The cells of some people, about what is ours and about what is theirs.

    The shapes of a pair differ in how the answer looks, not in whether there is one: without `whole` most people ask
    in one of them, which one changes from person to person and from address to address.
    """
    for key in who:
        for one in among:
            if key not in _few(one.name):
                continue
            for side in _sides(one):
                turn = 2 if whole or key in THOROUGH else crc32(f"{key} {one.name} {side}".encode()) % 2
                yield from (Cell(key, one, side, shape) for shape in shapes(one) if _in_turn(shape.name, turn))


def _few(name: str) -> Iterable[str]:
    """Who asks for an address: what is public is asked by strangers, and the description of the API is long."""
    if table.ADDRESSES[name] == "public":
        return {"anonymous"}
    return {"anonymous", "member", "token", "view_as"} if name == "api:schema" else PARTS


def _sides(one: Address) -> tuple[Side, ...]:
    return ("ours", "theirs") if one.argument and one.kind not in table.OF_THE_HOUSE else ("ours",)


def _in_turn(shape: str, turn: int) -> bool:
    return not any(shape in pair and pair.index(shape) == 1 - turn for pair in PAIRS if turn < 2)


class Sweep:
    """Asks cells of one world. Whatever an answer changed is undone."""

    def __init__(self, world: World, people: Mapping[str, Somebody]) -> None:
        self.world = world
        self.people = people
        # Made here, since some of the things are made for their address, and what an answer changes is undone.
        self.urls = {(one.name, side): one.url(world, side) for one in EVERY for side in SIDES}
        self.named = {(kind, side): naming(world, kind, side) for kind in table.LISTS.values() for side in SIDES}
        self.last = ""

    def ask(self, cell: Cell) -> HttpResponseBase:
        """Ask for one."""
        with transaction.atomic():
            answer = asked(self.people[cell.who].client, self.urls[cell.address.name, cell.side], cell.shape)
            # Read inside of the transaction: files are made while they are read.
            self.last = addresses.body(answer).decode("utf-8", "replace")
            transaction.set_rollback(True)
        return answer

    def kind(self, cell: Cell) -> Kind:
        """What the answer to one amounts to."""
        return kind_of(self.ask(cell))

    def expected(self, cell: Cell) -> Kind:
        """What the table says of it."""
        return expected(cell, self.people[cell.who].part, self.urls[cell.address.name, cell.side])

    def wrong(self, among: Iterable[Cell]) -> Iterator[str]:
        """Ask for each; tell those that are answered differently from what the table says."""
        for cell in among:
            answer = self.ask(cell)
            kind, wanted = kind_of(answer), self.expected(cell)
            if kind != wanted and not _same(kind, wanted, cell):
                yield f"{cell}: {kind}, not {wanted}"
            elif kind == "open" and cell.shape.name in {"csv", "api get"} and cell.address.name in table.LISTS:
                yield from (f"{cell}: {fault}" for fault in self._misshown(cell, answer))

    def _misshown(self, cell: Cell, answer: HttpResponseBase) -> Iterator[str]:
        """What stands in a list and should not, and the other way round."""
        text, kind = self.last, table.LISTS[cell.address.name]
        permission = table.permission(cell.address.name, "GET")
        for side in SIDES:
            meant = allowed(self.people[cell.who].part, permission, kind, side)
            if (self.named[kind, side] in text) != meant:
                yield f"{side} {kind} is {'not ' if meant else ''}in it"


def naming(world: World, kind: str, side: Side) -> str:
    """What stands in a list where a thing of one side does."""
    one = world.ours if side == "ours" else world.theirs
    match kind:
        case "cluster":
            return f"https://{(world.shared if side == 'ours' else world.foreign).name}.example"
        case "node":
            return (world.near if side == "ours" else world.node).name
        case "membership":
            return str(one.binding.pk)
        case "event":
            return f"{one.project.name}"
        case "pod" | "workload" | "namespace" | "team" | "project" | "robot":
            return str(getattr(one, kind).name)
        case _:
            raise LookupError(kind)


def asked(client: Client, url: str, shape: Shape) -> HttpResponseBase:
    """Send one request."""
    more: dict[str, Any] = {"headers": HTMX} if shape.htmx else {}
    if shape.method in {"PUT", "PATCH"} or (shape.name.startswith("api") and shape.method == "POST"):
        more |= {"data": "{}", "content_type": "application/json"}
    answer: Any = client.generic(shape.method, f"{url}{shape.query}", **more)
    return answer  # type: ignore[no-any-return]


def kind_of(answer: HttpResponseBase) -> Kind:
    """What an answer amounts to."""
    leads = answer.headers.get("Location", "") or answer.headers.get("HX-Redirect", "")
    if answer.status_code == 401 or leads.startswith("/sign-in/?next="):
        return "sign in"
    if leads.startswith("/confirm/"):
        return "confirm"
    named: dict[int, Kind] = {403: "closed", 404: "hidden", 405: "unanswered"}
    return named.get(answer.status_code, "broken" if answer.status_code >= 500 else "open")


def expected(cell: Cell, part: Part, path: str) -> Kind:
    """What the answer amounts to, by the table."""
    line = table.ADDRESSES[cell.address.name]
    if part.by == "view as" and _not_while_looking(cell, path):
        return "closed"
    if line == "public":
        return "open"
    strange = part.ended or (part.by == "token" and not cell.address.is_api)
    if strange:
        return "sign in"
    if line == "signed_in":
        return _for_everybody(cell, part)
    permission = table.permission(cell.address.name, cell.shape.method)
    if part.stale and permission.rstrip("!~") in PERSONAL and places(part, permission.rstrip("!~")):
        return "closed" if cell.address.is_api else "confirm"
    return "open" if allowed(part, permission, cell.address.kind, cell.side) else "hidden"


def allowed(part: Part, permission: str, kind: str, side: Side) -> bool:
    """Whether what the person is given reaches the thing, with the permission of the table ("!" = all over)."""
    name, everywhere, anywhere = permission.rstrip("!~"), permission.endswith("!"), permission.endswith("~")
    held = places(part, name)
    if "everything" in held:
        return True
    if everywhere:
        return False
    if anywhere or not kind:
        return bool(held)
    return bool(held & reaching(kind, side, name))


def places(part: Part, permission: str) -> set[On]:
    """Where a person has a permission in the end."""
    held = roles_at(part.roles, permission)
    if part.viewed is not None:
        if permission in PERSONAL or "everything" not in held:
            return set()
        held = roles_at(part.viewed, permission)
    return held if part.token is None else _limited(held, part.token, permission)


def roles_at(roles: Mapping[str, On], permission: str) -> set[On]:
    """On what roles give a permission."""
    return {on for role, on in roles.items() if permission in table.ROLES[role].split()}


def _limited(held: set[On], token: frozenset[str], permission: str) -> set[On]:
    if permission not in token or permission in PERSONAL or not held & {"everything", "team", "project"}:
        return set()
    return {"project"}


def reaching(kind: str, side: Side, permission: str) -> set[On]:
    """The places in which a thing of one side lies, for a permission."""
    ours = side == "ours"
    inside: set[On] = {"project", "team"} if ours else {"their project"}
    match kind:
        case "team":
            # A team is seen by whoever sees one of its projects, and changed by a right on itself.
            reads = permission.endswith(".view")
            return inside if reads else {"team"} if ours else set()
        case "workload" | "pod" | "namespace":
            # Both teams' stand in the cluster that they share.
            return inside | {"cluster"}
        case "cluster" | "node" | "stream":
            return {"cluster"} if ours else {"their cluster"}
        case _ if kind in table.OF_PROJECTS:
            return inside
        case _:
            return set()


def _for_everybody(cell: Cell, part: Part) -> Kind:
    if part.by == "token":
        # Only the description of the API is asked by session alone, and a program has none.
        return "sign in" if cell.address.name == "api:schema" else "closed"
    if part.stale and cell.shape.method in table.FRESH.get(cell.address.name, "").split():
        return "closed" if cell.address.is_api else "confirm"
    if cell.address.name in table.ONES_OWN:
        return "open" if cell.who == {"ours": "member", "theirs": "their_member"}[cell.side] else "hidden"
    return "open"


def _not_while_looking(cell: Cell, path: str) -> bool:
    return cell.shape.method not in {"GET", "HEAD"} or bool(cell.shape.query) or path.startswith(NOT_LOOKING)


def _same(kind: Kind, wanted: Kind, cell: Cell) -> bool:
    """Whether two kinds are one to the table."""
    line = table.ADDRESSES[cell.address.name]
    if kind == "unanswered":
        # The method is nobody's: whether that or the right is looked at first makes no difference.
        return not table.answers(cell.address.name, cell.shape.method)
    # What is asked for without saying which is not there, whoever asks; a public address may refuse what is sent.
    return (kind, wanted) == ("hidden", "open") and (cell.address.name in table.NAMELESS or line == "public")
