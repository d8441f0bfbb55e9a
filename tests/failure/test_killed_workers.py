"""Workers die again and again while they read, measure and charge clusters that change meanwhile.

In the end every table says what it says where nothing was disturbed. `KILLS=500` asks for more than the usual 20,
`SEED=…` repeats a run, as far as the operating system lets it.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from portal.core import clock
from portal.jobs.models import Job
from portal.local import processes
from tests.e2e.fixtures import MakeInstallation
from tests.e2e.installation import Installation, kill, wait_for
from tests.failure import fatal, scenes, states
from tests.failure.worlds import World
from tests.fakes.simulator import Simulator

KILLS = int(os.environ.get("KILLS") or 20)
CLUSTERS = 3
STEPS = 10
# A pass over a quiet cluster takes a bit more than a second.
LONGEST_WAIT = 1.5


@pytest.fixture
def twice(simulator: Simulator) -> Iterator[list[scenes.Scene]]:
    """The same clusters twice, under the same names: one installation after the other reads them from the start."""
    slugs = [f"killed-{number}" for number in range(CLUSTERS)]
    yield [scenes.Scene([World(simulator, slug, number) for number, slug in enumerate(slugs)]) for _ in range(2)]
    for slug in slugs:
        simulator.remove(slug)


def test_workers_that_die_at_random_points_change_nothing(
    installed: MakeInstallation, twice: list[scenes.Scene], chance: random.Random
) -> None:
    seed = chance.getrandbits(32)
    calm, wild = installed(), installed()
    with calm.joined():
        expected = scenes.undisturbed(twice[0], random.Random(seed), STEPS)
    with wild.joined():
        disturbed(wild, twice[1], random.Random(seed), chance)
        found = states.everything()
    for before, after in zip(expected, found, strict=True):
        assert not states.difference(before, after)


def disturbed(paddock: Installation, scene: scenes.Scene, changes: random.Random, chance: random.Random) -> None:
    """Let workers die, first while everything is read for the first time, then while it changes."""
    deaths = _Deaths(paddock, chance)
    scene.attach()
    deaths.until(KILLS // 4)
    _quiet(paddock)
    steps = deaths.until(KILLS, between=lambda: scene.change(changes), times=STEPS)
    for _step in range(steps, STEPS):
        scene.change(changes)
    _quiet(paddock)


class _Deaths:
    """Kills by statement (`fatal`) and from outside, and counts both."""

    def __init__(self, paddock: Installation, chance: random.Random) -> None:
        self._paddock = paddock
        self._chance = chance
        self._tally = paddock.folder / "kills"
        self._tally.touch()
        self._outside = 0

    def count(self) -> int:
        return self._outside + self._tally.stat().st_size

    def until(self, wanted: int, *, between: Callable[[], None] | None = None, times: int = 0) -> int:
        """Go on until so many have died; `between` is called before each round, at most `times`. Returns how often."""
        fuse = {fatal.TALLY: str(self._tally), "SEED": str(self._chance.getrandbits(32))}
        self._paddock.work(DJANGO_SETTINGS_MODULE="tests.failure.fatal_settings", **fuse)
        called = 0
        last = time.monotonic() + 60 + 5 * KILLS
        while self.count() < wanted:
            assert time.monotonic() < last, f"{self.count()} of {wanted} kills\n{self._paddock.log('worker')}"
            if between and called < times:
                between()
                called += 1
            self._round()
        self._paddock.kill("worker")
        return called

    def _round(self) -> None:
        scenes.ask()
        time.sleep(self._chance.uniform(0.2, LONGEST_WAIT))
        blow = self._chance.choices(["none", "child", "worker", "broker"], weights=[12, 4, 1, 1])[0]
        if blow == "broker":
            redis.Redis.from_url(self._paddock.broker_url).flushall()
        elif blow == "worker":
            kill(self._paddock.pid("worker"))
            self._outside += 1
        elif blow == "child":
            for pid in self._chance.sample(children := _children(self._paddock.pid("worker")), min(1, len(children))):
                kill(pid)
                self._outside += 1
        # A pool that dies while it comes up takes its worker with it; the supervisor of `make run` starts it again.
        self._paddock.mend()
        scenes.let_time_pass()


def _quiet(paddock: Installation) -> None:
    """Let a worker do its work in peace until everything is known."""
    paddock.work()
    scenes.let_time_pass()
    since = clock.now()

    def settled() -> bool:
        if scenes.settled_since(since):
            return True
        scenes.ask()
        time.sleep(1)
        return False

    try:
        wait_for(settled, within=90, what="a quiet end")
        # Hours may have been closed before the last of what concerns them was read.
        scenes.ask()
        wait_for(lambda: not Job.objects.open().exists(), within=60, what="the last close")
    except TimeoutError as late:
        open_jobs = Job.objects.open().values_list("kind", "state", "error")
        raise AssertionError(f"{late}\n{list(open_jobs)}\n{paddock.log('worker')}") from None
    paddock.kill("worker")


def _children(pid: int) -> list[int]:
    """Process ids of the pool of a worker."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [child for child in map(int, listed.split()) if processes.identity_of(child)]
