"""What refusals and answers tell beside their status, which is the matrix's (test_matrix.py).

Absent and forbidden are one answer, each refusal is recorded, nothing of the others is in what one gets, and nobody
else keeps it.
"""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import Denial
from tests.architecture import addresses, matrix
from tests.architecture.addresses import Address, body
from tests.architecture.matrix import Side, Sweep
from tests.factories.rivals import OURS, THEIRS

pytestmark = pytest.mark.django_db
EVERY = addresses.every()
GATED = [one for one in matrix.EVERY if one.mark is None]
REFUSED = {404, 405}
# Whoever gives roles finds all people by name (portal/accounts/searching.py), so this page about one is no secret.
OF_PEOPLE = {"accounts:grant"}


def denials(user: User | None) -> int:
    """How often the person was refused in this minute, which has not ended."""
    assert user is not None
    return sum(Denial.objects.filter(actor_id=str(user.pk)).values_list("count", flat=True))


def test_every_argument_is_known() -> None:
    assert len(EVERY) > 60
    assert [one.name for one in EVERY if one.argument and not one.kind] == []


def test_a_stranger_reads_nothing(sweep: Sweep) -> None:
    wrong = []
    for cell in matrix.cells(["anonymous"]):
        sweep.ask(cell)
        if OURS in sweep.last.replace(f"next=/{sweep.urls[cell.address.name, cell.side].strip('/')}", ""):
            wrong.append(str(cell))
    assert wrong == []


def told_apart(sweep: Sweep, who: str, one: Address, side: Side) -> dict[str, Any]:
    """By which methods the person learns that a thing exists, or is refused without a record."""
    somebody = sweep.people[who]
    wrong: dict[str, Any] = {}
    absent = one.url(sweep.world, "absent") if one.argument else sweep.urls[one.name, side]
    for method in ("GET", "POST"):
        with transaction.atomic():
            there = somebody.client.generic(method, sweep.urls[one.name, side])
            other = somebody.client.generic(method, absent)
            if there.status_code not in REFUSED or body(there) != body(other):
                wrong[f"{method} {one.name}"] = there.status_code
            if one.permission(method) and there.status_code == 404 and denials(somebody.user) != 2:
                wrong[f"{method} {one.name}"] = "not recorded"
            transaction.set_rollback(True)
    return wrong


def test_absent_and_forbidden_are_one_answer_to_somebody_without_a_role(sweep: Sweep) -> None:
    wrong: dict[str, Any] = {}
    for one in GATED:
        wrong |= told_apart(sweep, "nobody", one, "ours")
    assert wrong == {}


def test_what_is_theirs_is_absent_to_our_member(sweep: Sweep) -> None:
    wrong: dict[str, Any] = {}
    for one in GATED:
        if one.kind:
            wrong |= told_apart(sweep, "member", one, "theirs")
    assert wrong == {}


@pytest.mark.parametrize("who", ["member", "viewer", "owner", "team_owner", "token", "robot", "view_as"])
def test_scoped_people_see_their_own_alone(sweep: Sweep, who: str) -> None:
    wrong, seen = [], 0
    for cell in matrix.cells([who]):
        if cell.shape.method == "GET":
            answer = sweep.ask(cell)
            seen += answer.status_code == 200 and OURS in sweep.last.lower()
            if THEIRS in sweep.last.lower() and cell.address.name not in OF_PEOPLE:
                wrong.append(str(cell))
    assert wrong == []
    assert seen > 8


def test_no_answer_is_kept_by_anybody(sweep: Sweep) -> None:
    wrong: dict[str, Any] = {}
    for one in matrix.EVERY:
        for client in (Client(), sweep.people["everything"].client):
            answer = client.get(sweep.urls[one.name, "ours"])
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
