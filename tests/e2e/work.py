"""What beat asks for, asked for now, and awaited. The worker of the installation does it."""

from datetime import datetime

from clusters.inventory import selectors
from clusters.inventory.models import ChargedFact
from clusters.registry.models import Cluster
from portal.config import schedule
from portal.core import clock
from portal.jobs.models import Job
from tests.e2e.installation import Installation, NotReady, wait_for


def sync(paddock: Installation) -> None:
    """Read every cluster once more, and measure what was read."""
    run(paddock, "drain")
    run(paddock, "fold")
    assert not ChargedFact.objects.exists()


def close(paddock: Installation) -> None:
    """Close the hours that are due."""
    run(paddock, "close")


def run(paddock: Installation, entry: str) -> None:
    """Carry out an entry of the schedule and wait for every job. Raises NotReady with a failed job's error."""
    begun = clock.now()
    schedule.ENTRIES[entry].run(begun)
    try:
        wait_for(lambda: not Job.objects.open().exists(), within=90, what=f"the jobs of {entry}")
    except TimeoutError as late:
        raise NotReady(f"{late}\n{paddock.log('worker')}") from None
    if dead := list(Job.objects.filter(state="dead", finished_at__gte=begun).values_list("kind", "error")):
        raise NotReady(f"{dead}\n{paddock.log('worker')}")


def confirmed(cluster: str) -> datetime:
    """Return the instant up to which a cluster is known."""
    found = Cluster.objects.get(name=cluster)
    known = selectors.freshness([found.pk])[found.pk]
    assert known is not None
    return known
