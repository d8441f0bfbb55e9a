"""The first sync, the fold and the close of the demo's clusters: the real ones, side by side."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import connection, connections
from django.utils.translation import gettext as _

from billing.ledger import services as ledger
from billing.metering import services as metering
from clusters.inventory import selectors as inventory
from clusters.inventory import services as syncing
from clusters.registry.models import Cluster
from portal.core import clock, errors
from portal.core.periods import HOUR, Period, floor_hour

Result = TypeVar("Result")

# Two cores: while one thread waits for the database, the other works.
_SIDE_BY_SIDE = 3
_SYNC_SECONDS = 60.0


def sync(clusters: Iterable[Cluster]) -> None:
    """Read every cluster whole; a worker that reads one already is waited for. Raises `Refused`."""
    _each(_sync, clusters)


def fold(clusters: Iterable[Cluster]) -> None:
    """Turn what was read into segments."""
    _each(lambda cluster: metering.fold(cluster_id=cluster.pk, at=clock.now()), clusters)
    with connection.cursor() as cursor:
        # The planner's own statistics come minutes later, and the close would go by those of empty tables.
        cursor.execute("ANALYZE segment, price_key, rate, namespace_tenure, project_tenure")


def close(clusters: Iterable[Cluster], since: datetime) -> int:
    """Close the hours since an instant, the running one too. Returns how many hours of clusters."""
    at = clock.now()
    hours = Period(floor_hour(since), floor_hour(at) + HOUR)
    done = _each(lambda cluster: _close(cluster.pk, hours, at), clusters)
    return sum(done)


def _sync(cluster: Cluster) -> None:
    deadline = time.monotonic() + _SYNC_SECONDS
    begun = clock.now() - timedelta(minutes=5)
    while True:
        report = syncing.sync_once(cluster, at=clock.now(), owner="load_demo")
        known = inventory.freshness([cluster.pk])[cluster.pk]
        if known is not None and known >= begun:
            return
        if time.monotonic() > deadline:
            raise errors.Refused.one(
                "",
                _("%(name)s could not be read: %(why)s")
                % {"name": cluster.name, "why": report.failed or report.skipped},
            )
        time.sleep(0.5)


def _close(cluster_id: UUID, hours: Period, at: datetime) -> int:
    return ledger.close_range(cluster_id=cluster_id, start=hours.start, end=hours.end, at=at).hours


def _each(work: Callable[[Cluster], Result], clusters: Iterable[Cluster]) -> list[Result]:
    """Do the work for each cluster in a thread of its own; the first error is raised after all have ended."""

    def alone(cluster: Cluster) -> Result:
        try:
            return work(cluster)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as threads:
        return list(threads.map(alone, clusters))
