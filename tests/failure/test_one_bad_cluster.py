"""One cluster of several that answers a byte a second does not hold up the others."""

import time

from clusters.inventory.models import Pod, Service, Stream
from clusters.registry.models import Cluster
from portal.core import clock
from portal.jobs.models import Job, State
from tests.e2e.installation import Installation, wait_for
from tests.failure import scenes
from tests.failure.worlds import World
from tests.fakes.simulator import Simulator

GOOD = 4
PODS = 300
# Four clusters side by side beside a machine's other work; alone each takes about two seconds.
QUICK = 20.0


def all_read(slugs: list[str]) -> bool:
    at = clock.now()
    rows = Stream.objects.filter(cluster__slug__in=slugs).values_list("state", "last_ok_at")
    return len(rows) > 0 and all(state == "ok" and seen is not None and seen <= at for state, seen in rows)


def test_a_dripping_cluster_delays_nobody(paddock: Installation, simulator: Simulator) -> None:
    worlds = [World(simulator, f"drip-{number}", number, pods=PODS) for number in range(GOOD + 1)]
    bad, good = worlds[0].slug, [world.slug for world in worlds[1:]]
    scenes.Scene(worlds).attach()
    simulator.fault(bad, "drip", path="/api/v1/pods", bytes_per_second=1)
    paddock.work()
    asked_at = time.monotonic()
    scenes.ask()
    wait_for(lambda: all_read(good), within=QUICK * 3, what="the good clusters")
    first = time.monotonic() - asked_at
    assert first < QUICK
    drain = Job.objects.get(kind="clusters.inventory.drain", key=str(Cluster.objects.get(slug=bad).pk))
    assert drain.state == State.RUNNING
    # What the bad one does answer is there already: its kinds are read side by side.
    services = Service.objects.filter(cluster__slug=bad)
    wait_for(services.exists, within=QUICK, what="the other kinds of the bad cluster")
    assert not Pod.objects.filter(cluster__slug=bad).exists()
    # A second pass over the good ones is not held up either, while the bad one still drips.
    Stream.objects.filter(cluster__slug__in=good).update(last_ok_at=None)
    scenes.ask()
    wait_for(lambda: all_read(good), within=QUICK, what="the second pass over the good clusters")
    drain.refresh_from_db()
    assert drain.state == State.RUNNING
    assert Pod.objects.filter(cluster__slug__in=good, gone_at=None).count() == GOOD * PODS
    paddock.kill("worker")
    for world in worlds:
        simulator.remove(world.slug)
