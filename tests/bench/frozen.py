"""Pages, and writing messages, while a worker delivers: to targets that answer, or to such as never do.

On both sides 3,000 messages lie in the outbox: sent where targets answer, waiting where they do not. The worker is
Celery's, with four processes. Before the clock runs a delivery of each kind is under way or has failed (frozen), or
has succeeded (healthy); after it that is checked again.
"""

import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction

from portal.core import clock
from portal.jobs.models import Job
from portal.local import programs
from portal.outbox import services as outbox
from portal.outbox.models import Attempt, Kind, Message, State, TargetState
from tests.bench import fleet, pages
from tests.bench.accounts import MONTH
from tests.bench.contest import Sample
from tests.bench.measuring import Clock, late, rounds

ROUNDS = 30
BEFORE_OF_EACH, LANES = 1000, 100
PATHS = {
    "home": "/",
    "projects": "/projects/",
    "pods": "/inventory/pods/",
    "costs": f"/costs/?month={MONTH:%Y-%m}",
    "audit": "/audit/",
    "outbox": "/outbox/",
}
WAIT_SECONDS = 60.0


def paddock(inputs: dict[str, Any]) -> Sample:
    return _measured(inputs, frozen=True)


def reference(inputs: dict[str, Any]) -> Sample:
    return _measured(inputs, frozen=False)


def _measured(inputs: dict[str, Any], *, frozen: bool) -> Sample:
    _fill(frozen=frozen)
    reached = _has_hung if frozen else _has_sent
    with _worker():
        _write()
        _wait_until(reached)
        many = rounds(inputs, ROUNDS)
        sample = _pages(many) if inputs["part"] == "pages" else _writes(many * 4)
        if not reached():
            raise RuntimeError("the targets are not as they should be")
    return sample


def _pages(many: int) -> Sample:
    """Seconds of wall per page in the median, and what they add up to; messages are written all the while."""
    client = pages.browser(fleet.ADMIN)
    walls: dict[str, list[float]] = {name: [] for name in PATHS}
    for number in range(many + 2):
        _write()
        for name, path in PATHS.items():
            with Clock() as timed:
                pages.get(client, path)
            if number >= 2:
                walls[name].append(timed.wall)
    each = {name: statistics.median(found) for name, found in walls.items()}
    return {"cost": sum(each.values()), **each}


def _writes(many: int) -> Sample:
    walls = []
    for _number in range(many):
        with Clock() as timed:
            _write()
        walls.append(timed.wall)
        time.sleep(0.02)
    return {"cost": statistics.median(walls), "p95": late(walls)}


def _write() -> None:
    """One message of each kind in a transaction, as a change that tells of itself does."""
    at, key = clock.now(), str(uuid.uuid4())
    with transaction.atomic():
        outbox.mail(to=[f"{key[:2]}@example.test"], subject="Bench", text="A line.\n" * 20, key=key, at=at)
        outbox.webhook(event="bench.written", body={"key": key}, lane=key[:2], key=key, at=at)
        outbox.stream(target="audit", lines=[f'{{"audit":"event","key":"{key}"}}'], key=key, at=at)


def _fill(*, frozen: bool) -> None:
    Message.objects.all().delete()
    TargetState.objects.all().delete()
    # The worker of the side before left its jobs when it was ended.
    Job.objects.all().delete()
    at = clock.now() - timedelta(hours=1)
    state = {"state": State.WAITING, "next_at": at} if frozen else {"state": State.SENT, "ended_at": at, "sent_at": at}
    Message.objects.bulk_create(
        Message(
            kind=kind,
            key=f"before-{number}",
            lane=f"{kind}:{number % LANES}",
            target="bench",
            to=["before@example.test"],
            left=["before@example.test"],
            subject="Before",
            event="bench.before",
            body="{}",
            created_at=at,
            **state,
        )
        for kind in Kind.values
        for number in range(BEFORE_OF_EACH)
    )


def _has_hung() -> bool:
    kinds = set(Attempt.objects.exclude(ok=True).values_list("message__kind", flat=True))
    return kinds == set(Kind.values) and not Message.objects.filter(state=State.SENT).exists()


def _has_sent() -> bool:
    sent = Message.objects.filter(state=State.SENT).exclude(key__startswith="before")
    return set(sent.values_list("kind", flat=True)) == set(Kind.values)


def _wait_until(reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not reached():
        if time.monotonic() > ends:
            raise RuntimeError("the worker did not deliver")
        time.sleep(0.1)


@contextmanager
def _worker() -> Iterator[None]:
    words = ["-A", "portal.config.celery", "worker", "--pool", "prefork", "--concurrency", "4", "--loglevel", "ERROR"]
    queues = ["-Q", ",".join(programs.QUEUES), "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", *words, *queues], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        # Its tasks hang at a target: nobody waits for them.
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
