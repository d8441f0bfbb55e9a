"""Permission lines, and taking each of them away for a while.

A mutant is a line that is gone: a permission of a role, what an address declares for a method, one branch of what
somebody sees, one check of a right on a thing, one condition of the gate. It is made in memory and undone.
"""

import ast
import dataclasses
import inspect
import random
import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from django.db.models import QuerySet

from portal.access import gate, roles, scopes
from portal.access.permissions import Permission
from portal.accounts.bindings import memberships, role_rules
from portal.accounts.models import User
from portal.explorer.middleware import ViewingAs
from portal.requests import selectors as requests
from portal.tokens import authentication
from tests.architecture import cast, matrix, probes, table
from tests.architecture.matrix import Cell, Sweep

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "clusters", "billing")
# Who is asked first, since most mutants are seen by one of them; then the others.
FIRST = ("viewer", "mixed", "member", "nobody", "anonymous", "owner", "token", "everything")
# Lines without which every answer stays the same, because another line says it, too.
SAID_TWICE = {
    "address projects:project: POST project.assign": "the view demands it on the project itself",
    "core portal/access/gate.py HasPermission.has_permission #0 without if permission is None": (
        "no address is without a declaration, which another test holds; and a right to nothing is held nowhere"
    ),
    "core portal/explorer/middleware.py ViewingAs.process_view #0 without if looking.NOTE in request.session and "
    "(not request.path.startswith('/api/'))": "it gives no right: it says once that a look ended by itself",
    "core portal/explorer/middleware.py ViewingAs.process_view #3 without if request.path.startswith('/api/')": (
        "the page that refuses instead has the same status; its shape is held by a test of its own"
    ),
    "core portal/tokens/authentication.py _refusal #2 without if state != 'live'": (
        "a token that is not live opens nothing; the line names the reason in the audit"
    ),
    "rows billing/pricing/models.py PriceBookQuerySet.visible_to #1 without its filter": (
        "no role gives a right to prices on less than everything; a test of the room holds it for those that will"
    ),
    "check clusters/inventory/views.py release_hold": "the cluster is looked up among those one may change",
}
PEOPLE = (*FIRST, *(key for key in cast.PARTS if key not in FIRST))


@dataclass(frozen=True)
class Mutant:
    """One line that is gone. `make` takes it away until the patches are undone; `cells` would notice."""

    name: str
    make: Callable[[pytest.MonkeyPatch], None]
    cells: Callable[[], Iterable[Cell]]


def alive(sweep: Sweep, mutant: Mutant) -> bool:
    """Whether nothing of the matrix turns red without the line."""
    with pytest.MonkeyPatch.context() as patched:
        mutant.make(patched)
        more = probes.PROBES.get(mutant.name)
        return next(sweep.wrong(mutant.cells()), None) is None and not (more and more(sweep))


def every(sweep: Sweep) -> list[Mutant]:
    """All of them, in an order that stays."""
    used = reached(sweep)
    found = [*_of_roles(), *_of_addresses(), *_of_demands(used), *_of_functions(used)]
    return sorted((one for one in found if one.name not in SAID_TWICE), key=lambda one: one.name)


def _at(names: Iterable[str], who: Iterable[str] = PEOPLE) -> Callable[[], Iterator[Cell]]:
    wanted = set(names)
    among = [one for one in matrix.EVERY if one.name in wanted]
    people = list(who)
    return lambda: matrix.cells(people, among, whole=len(among) < 20)


def _of_roles() -> Iterator[Mutant]:
    for key, role in roles.ROLES.items():
        who = [name for name in PEOPLE if key in {*cast.PARTS[name].roles, *(cast.PARTS[name].viewed or {})}]
        # Where nobody else of the cast gets the permission from another role, too.
        for permission in role.permissions:
            names = [
                name for name, line in table.ADDRESSES.items() if permission.value in line.replace("!", " ").split()
            ]
            if not names:
                continue  # It guards no address yet.

            def make(patched: pytest.MonkeyPatch, key: str = key, permission: Permission = permission) -> None:
                less = dataclasses.replace(roles.ROLES[key], permissions=roles.ROLES[key].permissions - {permission})
                patched.setitem(roles.ROLES, key, less)

            yield Mutant(f"role {key}: {permission}", make, _at(names, sorted(who, key=_alone)))


def _alone(who: str) -> int:
    return len(cast.PARTS[who].roles)


def _of_addresses() -> Iterator[Mutant]:
    for one in matrix.EVERY:
        if one.mark is not None:
            continue
        for method in table.ADDRESSES[one.name].split()[::2]:
            permission = one.permission(method)
            assert permission is not None, one.name
            other = one.permission("GET") if method == "POST" and not one.is_api else None
            instead = other if other != permission else None
            yield Mutant(
                f"address {one.name}: {method} {permission}", _undeclared(one.name, method, instead), _at([one.name])
            )


def _undeclared(name: str, method: str, instead: Permission | None) -> Callable[[pytest.MonkeyPatch], None]:
    """Take away what an address declares for a method; a write declaration falls back to the one for reading."""

    def here(request: Any) -> bool:
        return bool(request.method == method and request.resolver_match.view_name == name)

    def make(patched: pytest.MonkeyPatch) -> None:
        refuse, has = gate._refuse, gate.HasPermission.has_permission

        def _refuse(request: Any, permission: Permission) -> Any:
            if not here(request):
                return refuse(request, permission)
            return refuse(request, instead) if instead else None

        def has_permission(self: Any, request: Any, view: Any) -> bool:
            return True if here(request._request) else has(self, request, view)

        patched.setattr(gate, "_refuse", _refuse)
        patched.setattr(gate.HasPermission, "has_permission", has_permission)

    return make


def demand_calls() -> Iterator[tuple[str, int, int]]:
    """Where `gate.demand` is called in the product: file, first and last line.

    Left out is where it asks for everything with a permission that no role has on less: the gate has asked already.
    """
    narrow = {one for kind in scopes.ScopeKind if kind != "everything" for one in role_rules.meaningful_on(kind)}
    whole = {f"Permission.{one.name}" for one in Permission if one not in narrow}
    for path in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "gate.demand":
                if not node.keywords and ast.unparse(node.args[1]) in whole:
                    continue
                yield str(path.relative_to(ROOT)), node.lineno, node.end_lineno or node.lineno


def _of_demands(used: Mapping[Any, set[str]]) -> Iterator[Mutant]:
    for file, first, last in demand_calls():
        names = {name for key, seen in used.items() if _is_in(key, file, first, last) for name in seen}

        def make(patched: pytest.MonkeyPatch, file: str = file, first: int = first, last: int = last) -> None:
            demand = gate.demand

            def _demand(*given: Any, **on: Any) -> None:
                frame = sys._getframe(1)
                if not _is_in(_site(frame), file, first, last):
                    demand(*given, **on)

            patched.setattr(gate, "demand", _demand)

        yield Mutant(f"check {file} {_around(file, first)}", make, _at(names))


def _around(file: str, line: int) -> str:
    """The names of the class and the function in which a line stands."""
    found = []
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            found.append(node.name)
    return ".".join(found)


def _site(frame: FrameType | None) -> tuple[str, int]:
    return (frame.f_code.co_filename, frame.f_lineno) if frame else ("", 0)


def _is_in(key: Any, file: str, first: int, last: int) -> bool:
    return isinstance(key, tuple) and key[0] == str(ROOT / file) and first <= key[1] <= last


def _holders() -> Iterator[tuple[Any, str, FunctionType]]:
    """The functions that say which rows somebody sees, with the class or module that has each."""
    done = set()
    for module in [module for name, module in sorted(sys.modules.items()) if name.split(".")[0] in ROOMS]:
        for holder in [one for one in vars(module).values() if inspect.isclass(one)]:
            one = vars(holder).get("visible_to")
            if isinstance(one, FunctionType) and issubclass(holder, QuerySet) and one not in done:
                done.add(one)
                yield holder, "visible_to", one
    for room, name in (
        (memberships, "visible"),
        (memberships, "inside"),
        (requests, "decidable"),
        (requests, "reviews_of"),
    ):
        yield room, name, getattr(room, name)


def _place(one: Any) -> str:
    code = one.__code__
    return f"{Path(code.co_filename).relative_to(ROOT)} {one.__qualname__}"


# The conditions that make rights and refusals; each address passes them.
CORE: list[Any] = [
    gate._refuse,
    gate._refuse_person,
    gate.HasPermission.has_permission,
    gate.ByPersonAlone.has_permission,
    gate.demand,
    User.scopes_for,
    User.in_force,
    scopes.Scopes.within,
    scopes.Limits.narrow,
    ViewingAs.process_view,
    authentication._refusal,
]


def _of_functions(used: Mapping[Any, set[str]]) -> Iterator[Mutant]:
    for _holder, _name, one in _holders():
        yield from _variants(one, f"rows {_place(one)}", _at(used.get(one.__code__, set())))
    for one in CORE:
        yield from _variants(one, f"core {_place(one)}", _shuffled(_at(_some())))


def _shuffled(cells: Callable[[], Iterable[Cell]]) -> Callable[[], Iterable[Cell]]:
    """The same in an order of chance that stays: what every address passes is noticed at any person, but not at all."""

    def make() -> list[Cell]:
        found = list(cells())
        random.Random(1).shuffle(found)
        return found

    return make


def _some() -> list[str]:
    """Addresses enough for what each of them passes: of every kind and permission one, and what is one's own."""
    first = {(table.ADDRESSES[one.name], one.kind, one.is_api): one.name for one in reversed(matrix.EVERY)}
    return [*first.values(), *(name for name, line in table.ADDRESSES.items() if line == "signed_in")]


def _variants(one: FunctionType, name: str, cells: Callable[[], Iterable[Cell]]) -> Iterator[Mutant]:
    for number, (what, code) in enumerate(variants(one)):

        def make(patched: pytest.MonkeyPatch, code: CodeType = code) -> None:
            patched.setattr(one, "__code__", code)

        yield Mutant(f"{name} #{number} without {what}", make, cells)


def variants(one: FunctionType) -> Iterator[tuple[str, CodeType]]:
    """The function without each of its conditions, its narrowings, and each side of its alternatives."""
    source = textwrap.dedent(inspect.getsource(one))
    count = len(list(_cuts(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        what, cut = list(_cuts(tree))[number]
        cut()
        ast.fix_missing_locations(tree)
        space: dict[str, Any] = {}
        exec(compile(tree, one.__code__.co_filename, "exec", dont_inherit=True), dict(one.__globals__), space)  # noqa: S102 - our own source
        yield what, space[one.__name__].__code__


def _cuts(tree: ast.Module) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each line that can go, in words, with what takes it away."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if field in {"annotation", "returns"}:
                continue  # A type takes part in no answer, though it may read `This | None`.
            parts = value if isinstance(value, list) else [value]
            for at, part in enumerate(parts):
                yield from _cuts_of(node, field, at if isinstance(value, list) else None, part)


def _cuts_of(node: ast.AST, field: str, at: int | None, part: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    def put(new: ast.AST) -> Callable[[], None]:
        def cut() -> None:
            if at is None:
                setattr(node, field, new)
            else:
                getattr(node, field)[at] = new

        return cut

    if isinstance(part, ast.If):
        yield f"if {ast.unparse(part.test)}", put(ast.Pass())
    elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
        yield ast.unparse(part.left), put(part.right)
        yield ast.unparse(part.right), put(part.left)
    elif isinstance(part, ast.Return) and part.value is not None and ".filter(" in ast.unparse(part.value):
        start = ast.unparse(part.value).split(".filter(")[0]
        if not start.startswith("Q("):
            yield "its filter", put(ast.Return(ast.parse(start, mode="eval").body))


def reached(sweep: Sweep) -> Mapping[Any, set[str]]:
    """Which addresses come by which check, and by which function that says what is seen."""
    found: dict[Any, set[str]] = defaultdict(set)
    asked = ""

    def demanding(*given: Any, **on: Any) -> None:
        found[_site(sys._getframe(1))].add(asked)
        demand(*given, **on)

    def seeing(one: FunctionType) -> Callable[..., Any]:
        def wrapped(*given: Any, **more: Any) -> Any:
            found[one.__code__].add(asked)
            return one(*given, **more)

        return wrapped

    demand = gate.demand
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gate, "demand", demanding)
        for holder, name, one in _holders():
            patched.setattr(holder, name, seeing(one))
        for cell in matrix.cells(["everything"]):
            asked = cell.address.name
            sweep.ask(cell)
    # Whoever sees everything is asked about no scope.
    for caller in (memberships.visible, requests.decidable, requests.reviews_of):
        found[memberships.inside.__code__] |= found[caller.__code__]
    return found
