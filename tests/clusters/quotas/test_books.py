"""The books in the database keep the pool under the same load as those in memory."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from clusters.projects.models import Project
from clusters.quotas import moving
from clusters.quotas.models import QuotaShare
from clusters.quotas.pool import Key, Standing
from clusters.quotas.services.books import ProjectBooks
from clusters.registry.models import Cluster
from portal.core import clock
from tests.clusters.quotas.conftest import hold
from tests.clusters.quotas.estate import RESOURCES, Estate, Flaky, Object, Share, World
from tests.clusters.quotas.test_plans import decide

pytestmark = pytest.mark.django_db


class StoredBooks(ProjectBooks):
    """The real books; use, floors and reach come from the estate instead of the inventory."""

    def __init__(self, project: Project, estate: Estate) -> None:
        super().__init__(project.pk, self.at)
        self.estate = estate
        self.passed = timedelta(0)

    def at(self) -> datetime:
        return clock.now() + self.passed

    def time_passes(self) -> None:
        self.passed += timedelta(minutes=5)

    def rows(self) -> Sequence[Standing]:
        found: dict[Key, dict[str, QuotaShare]] = {}
        for share in QuotaShare.objects.filter(project_id=self.project_id).order_by("pk"):
            found.setdefault((share.cluster_id, share.namespace_uid), {})[share.resource] = share
        return [
            Standing(
                key=key,
                name=key[1],
                granted={name: int(share.granted) for name, share in shares.items()},
                used=dict(self.estate.objects[key].used),
                floor=dict.fromkeys(RESOURCES, 1),
                recent=dict(self.estate.objects[key].used),
                frozen=key in self.estate.frozen,
                behind=any(share.granted != share.confirmed for share in shares.values()),
            )
            for key, shares in found.items()
        ]

    @property
    def shares(self) -> dict[Key, Share]:
        """As the world's other loop reads them."""
        now, found = self.at(), {}
        for row in self.rows():
            shares = QuotaShare.objects.filter(cluster_id=row.key[0], namespace_uid=row.key[1])
            moving_now = any(share.moving_until and share.moving_until > now for share in shares)
            found[row.key] = Share(dict(row.granted), {}, moving=moving_now)
        return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_watcher_never_sees_more_than_the_pool(project: Project, east: Cluster, west: Cluster, seed: int) -> None:
    keys = [hold(project, cluster, f"n{number}") for number in range(2) for cluster in (east, west)]
    decide(project, given={"amounts": {"requests.cpu": 4000, "pods": 30}})
    estate = Estate({"requests.cpu": 4000, "pods": 30}, random.Random(seed))
    for key in keys:
        estate.objects[key] = Object(1, dict.fromkeys(RESOURCES, 0), dict.fromkeys(RESOURCES, 0))
    books = StoredBooks(project, estate)
    world = World(estate, books, 0.4)
    while world.steps < 250:
        world.work()
        world.happen()
    assert estate.writes > 10
    world.calm()
    calm = Flaky(estate, lambda: None, 0)
    for _pass in range(8):
        moving.balance(books, calm)
    for row in books.rows():
        assert estate.objects[row.key].hard == row.granted
    for resource in RESOURCES:
        assert sum(row.granted[resource] for row in books.rows()) >= 0.8 * estate.pool[resource]
