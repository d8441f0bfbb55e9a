"""A few simulated clusters in an installation: asking for work, letting time pass, and how it ends undisturbed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.pricing.models import PriceBook, Rate, Unit
from clusters.inventory import schedule as inventory
from clusters.inventory import selectors
from clusters.inventory.models import ChargedFact, Lease, Stream
from clusters.registry.models import Cluster
from portal.core import clock, periods
from portal.core.actors import SYSTEM
from portal.jobs import runner
from portal.jobs import services as jobs
from portal.jobs.models import Job, State
from tests.clusters.inventory.estate import attach
from tests.failure import states
from tests.failure.worlds import LEFT, World

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
# Odd, so that every rounding shows.
PRICES = {"core": "0.031611", "memory": "0.004237", "volume": "0.000137", "load_balancer": "0.0251"}
LONG_AGO = timedelta(minutes=10)


def ask() -> list[Job]:
    """Ask for a pass over every cluster, as beat does, for measuring what was read, and for hours that are over."""
    at = clock.now()
    inventory.drain_due(at)
    for cluster_id in Cluster.objects.attached().values_list("pk", flat=True):
        jobs.enqueue("billing.metering.fold", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id))
        jobs.enqueue(
            "billing.ledger.close_hour", key=str(cluster_id), by=SYSTEM, cluster_id=str(cluster_id), **_closed(at)
        )
    return list(Job.objects.open())


def _closed(at: datetime) -> dict[str, Any]:
    """Hours around the one in which things end (`worlds.LEFT`): what they cost does not depend on when it is asked."""
    last = periods.floor_hour(at) - LEFT
    hours = {"start": periods.floor_hour(last) - 2 * periods.HOUR, "end": periods.floor_hour(last) + 2 * periods.HOUR}
    return {name: hour.isoformat() for name, hour in hours.items()}


def let_time_pass() -> None:
    """Let every lease run out and every pause end, as if minutes had gone by, and send again what is open."""
    ago = clock.now() - LONG_AGO
    Job.objects.filter(state=State.RUNNING).update(lease_until=ago)
    Job.objects.open().update(sent_at=None, due_at=ago)
    Lease.objects.filter(until__isnull=False).update(until=ago)
    Lease.objects.update(due_at=None)
    Stream.objects.update(due_at=None)
    jobs.send_stuck(at=clock.now())


@dataclass
class Scene:
    """One installation and the clusters it reads."""

    worlds: Sequence[World]

    def attach(self) -> None:
        book = PriceBook.objects.create(slug="list", name="List", currency="USD", all_clusters=True)
        for asset, price in PRICES.items():
            Rate.objects.create(
                book=book,
                asset=asset,
                price=Decimal(price),
                unit=Unit.HOUR,
                period=(BEFORE, None),
                version=1,
                created_by="a test",
            )
        for world in self.worlds:
            world.load()
            attach(world.simulator, world.slug)

    def change(self, chance: random.Random) -> None:
        for world in self.worlds:
            world.step(chance)


def undisturbed(scene: Scene, chance: random.Random, steps: int) -> tuple[states.State, ...]:
    """Run every job here, one after the other; returns the end state."""
    scene.attach()
    _run_here(ask())
    for _step in range(steps):
        scene.change(chance)
    _run_here(ask())
    _run_here(ask())
    return states.everything()


def _run_here(asked: Sequence[Job]) -> None:
    for job in sorted(asked, key=lambda one: one.kind, reverse=True):
        assert runner.run(job.pk) in (State.SUCCEEDED, "not due"), Job.objects.get(pk=job.pk).error


def settled_since(since: datetime) -> bool:
    """Everything was confirmed after `since`, and all of it is measured."""
    fresh = selectors.freshness(Cluster.objects.attached().values_list("pk", flat=True))
    known = all(at is not None and at > since for at in fresh.values())
    return known and not ChargedFact.objects.exists() and not Job.objects.open().exists()
