"""Signing in by the page, of somebody who is in a thousand groups: through a chain of groups, or in each directly.

The request is the whole POST: directory, account, a thousand memberships written (those of before are forgotten
between the sign-ins), session, audit. `steady` is the same where the memberships are as the directory says.
"""

import statistics
from typing import Any

import ldap

from portal.accounts.models import GroupMembership
from tests.bench import pages, refresh
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, late, rounds

ROUNDS = 40


def paddock(inputs: dict[str, Any]) -> Sample:
    for name in inputs["passwords"]:
        _sign_in(inputs, name, Clock())
    written, steady = (
        [_one(inputs, number, forget=forget) for number in range(rounds(inputs, ROUNDS))] for forget in (True, False)
    )
    return {
        "cost": late(written),
        "median": statistics.median(written),
        "steady": late(steady),
        "steady_median": statistics.median(steady),
    }


def reference(inputs: dict[str, Any]) -> Sample:
    people, _groups = inputs["bases"]
    walls = []
    for number in range(rounds(inputs, ROUNDS)):
        name = _name(inputs, number)
        with Clock() as timed:
            line = refresh.bound(inputs, *inputs["service"])
            ((who, _found),) = line.search_s(people, ldap.SCOPE_SUBTREE, f"(uid={name})", ["entryUUID"])
            line.simple_bind_s(who, inputs["passwords"][name])
            ((_who, told),) = line.search_s(who, ldap.SCOPE_BASE, "(objectClass=*)", ["memberOf"])
            line.unbind_s()
        if not told["memberOf"]:
            raise RuntimeError(f"{name} is in no group")
        walls.append(timed.wall)
    return {"cost": late(walls), "median": statistics.median(walls)}


def _one(inputs: dict[str, Any], number: int, *, forget: bool) -> float:
    name = _name(inputs, number)
    mine = GroupMembership.objects.filter(identity__username=name)
    if forget:
        mine.delete()
    timed = Clock()
    _sign_in(inputs, name, timed)
    if mine.count() < inputs["nested"]:
        raise RuntimeError(f"{name} is in {mine.count()} groups")
    return timed.wall


def _sign_in(inputs: dict[str, Any], name: str, timed: Clock) -> None:
    client = pages.browser()
    # As a browser does; the first page of a client also loads the middleware.
    pages.get(client, "/sign-in/")
    typed = {"username": name, "password": inputs["passwords"][name]}
    with timed:
        answer = client.post("/sign-in/", typed)
    if answer.status_code != 302:
        raise RuntimeError(f"{name} was answered with {answer.status_code}")


def _name(inputs: dict[str, Any], number: int) -> str:
    names = list(inputs["passwords"])
    return str(names[number % len(names)])
