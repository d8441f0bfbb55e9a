"""Valkey loses everything while jobs are open: the rows in PostgreSQL bring every one of them back."""

import random

import pytest
import redis

from portal.core import clock
from portal.jobs.models import Job
from tests.e2e.fixtures import MakeInstallation
from tests.e2e.installation import Installation, wait_for
from tests.failure import scenes, states
from tests.failure.worlds import World
from tests.fakes.simulator import Simulator

CLUSTERS = 2


def wipe(paddock: Installation) -> None:
    """FLUSHALL."""
    redis.Redis.from_url(paddock.broker_url).flushall()


def open_jobs() -> list[tuple[str, str]]:
    return list(Job.objects.open().values_list("kind", "state"))


@pytest.fixture
def scene(simulator: Simulator) -> scenes.Scene:
    return scenes.Scene([World(simulator, f"wiped-{number}", number, pods=60) for number in range(CLUSTERS)])


def test_a_wiped_broker_loses_no_job(installed: MakeInstallation, scene: scenes.Scene, chance: random.Random) -> None:
    seed = chance.getrandbits(32)
    calm, wild = installed(), installed()
    with calm.joined():
        expected = scenes.undisturbed(scene, random.Random(seed), 2)
    with wild.joined():
        changes = random.Random(seed)
        scene.attach()
        asked = scenes.ask()
        assert len(asked) == 3 * CLUSTERS
        wipe(wild)
        wild.work()
        wild.tick()
        _all_run(wild)
        scene.change(changes)
        scenes.ask()
        wipe(wild)
        scene.change(changes)
        _all_run(wild)
        found = states.everything()
    for before, after in zip(expected, found, strict=True):
        assert not states.difference(before, after)


def _all_run(paddock: Installation) -> None:
    """Nobody asks again for what was lost: beat alone has to notice that it was sent long ago and not begun."""
    Job.objects.open().update(sent_at=clock.now() - scenes.LONG_AGO)
    try:
        wait_for(lambda: not open_jobs(), within=60, what="the end of every job")
        scenes.ask()
        wait_for(lambda: not open_jobs(), within=60, what="the end of one more pass")
    except TimeoutError as late:
        raise AssertionError(f"{late}\n{open_jobs()}\n{paddock.log('beat')}\n{paddock.log('worker')}") from None
