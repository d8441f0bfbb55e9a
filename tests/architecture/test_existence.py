"""What is somebody else's and what is nobody's answer alike: in status, headers and body, and in time (T9).

And headers by which others have been let in change nothing (T3).
"""

import random
import statistics
import time
import uuid
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client

from clusters.inventory.models import Pod, Workload
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster
from tests.architecture import addresses, matrix
from tests.architecture.matrix import Cell, Sweep
from tests.factories.rivals import THEIRS, filled

pytestmark = pytest.mark.django_db
EACH = 125


def outside(answer: HttpResponseBase) -> tuple[int, tuple[tuple[str, str], ...], str]:
    """What a stranger can compare of an answer, without the request's id."""
    kept = sorted((name, value) for name, value in answer.headers.items() if name != "X-Request-Id")
    return answer.status_code, tuple(kept), sha256(addresses.body(answer)).hexdigest()


def pairs(sweep: Sweep) -> list[tuple[str, str]]:
    """1,000 addresses of what is theirs, each beside one of what is not there."""
    theirs = sweep.world.theirs
    place = {"cluster": sweep.world.foreign, "namespace": theirs.namespace, "namespace_name": theirs.namespace.name}
    found = []
    for number in range(EACH):
        name = f"{THEIRS}-{number}"
        pod = filled(Pod, name=name, node="", phase="Running", owner_uid="", **place)
        workload = filled(Workload, name=name, kind="Deployment", images=[], **place)
        project = Project.objects.create(slug=name, name=name)
        team = Team.objects.create(slug=name, name=name)
        far = Cluster.objects.create(slug=name, name=name, server="https://far.example", credential="sealed")
        absent, high = uuid.uuid4(), 10**9 + number
        found += [
            (f"/inventory/pods/{pod.pk}/", f"/inventory/pods/{high}/"),
            (f"/inventory/workloads/{workload.pk}/", f"/inventory/workloads/{high}/"),
            (f"/projects/{name}/", f"/projects/absent-{number}/"),
            (f"/teams/{name}/", f"/teams/absent-{number}/"),
            (f"/clusters/{name}/", f"/clusters/absent-{number}/"),
            (f"/api/v1/projects/{project.pk}/", f"/api/v1/projects/{absent}/"),
            (f"/api/v1/teams/{team.pk}/", f"/api/v1/teams/{absent}/"),
            (f"/api/v1/clusters/{far.pk}/", f"/api/v1/clusters/{absent}/"),
        ]
    return found


def test_a_thousand_of_theirs_are_a_thousand_that_are_not(sweep: Sweep) -> None:
    client = sweep.people["owner"].client
    asked = pairs(sweep)
    assert len(asked) == 1000
    wrong = []
    for foreign, absent in asked:
        with transaction.atomic():
            one, other = outside(client.get(foreign)), outside(client.get(absent))
            transaction.set_rollback(True)
        if one != other or one[0] != 404:
            wrong.append((foreign, one, other))
    assert wrong == []


def telling_apart(client: Client, foreign: str, absent: str, chance: random.Random) -> float:
    """How sure one can be, from the times of interleaved pairs, that one kind takes longer: 1 - p of a sign test."""
    longer = compared = 0
    for _round in range(25):
        taken = {}
        for url in chance.sample([foreign, absent], 2):
            with transaction.atomic():
                # The better of two: what else the machine does only makes an answer later.
                taken[url] = min(_seconds(partial(client.get, url)) for _again in range(2))
                transaction.set_rollback(True)
        if taken[foreign] != taken[absent]:
            compared += 1
            longer += taken[foreign] > taken[absent]
    # The normal approximation of the two-sided sign test.
    distance = abs(longer - compared / 2) / (compared**0.5 / 2)
    return 1 - 2 * (1 - statistics.NormalDist().cdf(distance))


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.mark.parametrize("what", ["/projects/%s/", "/teams/%s/"])
def test_time_does_not_tell_them_apart(sweep: Sweep, what: str) -> None:
    """Told apart is who can be told apart in each of three trials: p > 0.01 in one of them is enough to be alike.

    A way that differs by a query fails all three; a busy machine does not.
    """
    slug = (sweep.world.theirs.project if "projects" in what else sweep.world.theirs.team).slug
    client, chance = sweep.people["owner"].client, random.Random(9)
    for _warm in range(5):
        client.get(what % slug)
    sure = [telling_apart(client, what % slug, what % "absent-thing", chance) for _trial in range(3)]
    assert min(sure) < 0.99, sure


TRICKS = {
    "Impersonate-User": "okapi-admin",
    "Impersonate-Group": "system:masters",
    "Impersonate-Uid": "0",
    "Impersonate_User": "okapi-admin",
    "Impersonate-Extra-Scopes": "everything",
    "X-Remote-User": "okapi-admin",
    "X-Remote-Group": "system:masters",
    "Remote-User": "okapi-admin",
    "X-Forwarded-User": "okapi-admin",
    "X-Forwarded-Email": "admin@example.test",
    "X-Forwarded-For": "127.0.0.1",
    "X-Original-Url": "/people/",
    "X-Rewrite-Url": "/people/",
    "X-Http-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Http-Method": "DELETE",
    "Connection": "Impersonate-User, Authorization",
}


@pytest.mark.parametrize("who", ["anonymous", "viewer", "token"])
def test_no_header_makes_somebody_else(sweep: Sweep, who: str) -> None:
    """On every route the answer is the same to the byte with and without them."""
    client, wrong = sweep.people[who].client, []
    for cell in plain(who):
        # What an earlier answer had to say is said once, by the next page.
        client.cookies.pop("messages", None)
        url = sweep.urls[cell.address.name, cell.side]
        with transaction.atomic():
            before = client.generic(cell.shape.method, url)
            one = before.status_code, addresses.body(before)
            transaction.set_rollback(True)
        with transaction.atomic():
            after = client.generic(cell.shape.method, url, headers=TRICKS)
            other = after.status_code, addresses.body(after)
            transaction.set_rollback(True)
        if one != other:
            wrong.append(f"{cell}: {one[0]}, {other[0]}")
    assert wrong == []


def plain(who: str) -> list[Cell]:
    """Each address once for each method."""
    named = {"page", "post"}
    return [
        cell
        for cell in matrix.cells([who], whole=True)
        if (cell.shape.name in named or cell.address.is_api) and cell.address.name != "api:schema"
    ]
