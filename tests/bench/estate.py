"""The replayed cluster as an attached one, and passes over it. Runs in children only: Django is set up there."""

from pathlib import Path
from typing import Any

from django.db import connection

from clusters.inventory import services
from clusters.inventory.drain import Budget
from clusters.inventory.models import Stream
from clusters.inventory.services import PassReport
from clusters.kube import kubeconfig
from clusters.kube.objects.table import KINDS, POD, Kind
from clusters.registry.models import Cluster, State
from portal.core import clock, sealed
from tests.bench.contest import Sample

PASSES = 5
LISTS_ALONE = Budget(watch_seconds=0)


def prepare(inputs: dict[str, Any]) -> Sample:
    """Attach the cluster and read it for the first time."""
    address = kubeconfig.read(Path(inputs["kubeconfig"]).read_bytes())
    cluster = Cluster(
        slug="replay",
        name="replay",
        state=State.ATTACHED,
        server=address.server,
        kube_system_uid=services.identity_of(address),
        generation=1,
        attached_at=clock.now(),
    )
    sealed.set_sealed(cluster, "credential", address.to_json())
    cluster.save()
    # A pass has a deadline: on a busy machine the first list may take a second one, which finds the rows of the first.
    reports = [read(cluster)]
    while reports[-1].failed and len(reports) < PASSES:
        Stream.objects.update(due_at=None)
        reports.append(read(cluster))
    demand(reports[-1], listed=None, changed=None)
    return {"seconds": sum(report.seconds for report in reports), "passes": len(reports)}


def attached() -> Cluster:
    """The one cluster; the connection to the database is open then."""
    return Cluster.objects.get()


def backend() -> int:
    """The process of the database that serves this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def forget(*kinds: Kind) -> None:
    """Let the next pass list these kinds."""
    Stream.objects.filter(kind__in=[kind.name for kind in kinds]).update(resource_version="", due_at=None)


def read(cluster: Cluster, *kinds: Kind) -> PassReport:
    """Make a pass that lists what has no position and follows nothing."""
    return services.sync_once(cluster, at=clock.now(), kinds=kinds or KINDS, budget=LISTS_ALONE)


def relist(cluster: Cluster, inputs: dict[str, Any], *, changed: int) -> PassReport:
    """Read all pods again; raises where the pass did not do exactly that."""
    report = read(cluster, POD)
    demand(report, listed=inputs["size"], changed=changed)
    return report


def demand(report: PassReport, *, listed: int | None, changed: int | None) -> None:
    """Raise where a pass failed, or did something else than it was to do."""
    found = report.as_result()
    wanted: dict[str, object] = {"skipped": "", "failed": {}}
    wanted |= {name: count for name, count in (("listed", listed), ("changed", changed)) if count is not None}
    if any(found[name] != value for name, value in wanted.items()):
        raise RuntimeError(f"the pass did {found}, not {wanted}")
