"""A simulated cluster, attached, with the words the tests of the drain need."""

from datetime import datetime
from typing import Any

from django.db import connection

from clusters.inventory import services
from clusters.inventory.drain import Budget
from clusters.inventory.merge.tables import TABLES
from clusters.inventory.models import ChargedFact, Lease, Stream
from clusters.kube import kubeconfig
from clusters.registry.models import Cluster, State
from portal.core import clock, sealed
from tests.fakes.simulator import Body, Simulator

OBJECT_TABLES = (*TABLES, "object_body", "occurrence", "quota_hour")


def attach(simulator: Simulator, slug: str) -> Cluster:
    """Attach the simulated cluster as a confirmed candidate would be."""
    address = kubeconfig.read(simulator.kubeconfig(slug).encode())
    cluster = Cluster(
        slug=slug,
        name=slug,
        state=State.ATTACHED,
        server=address.server,
        kube_system_uid=services.identity_of(address),
        generation=1,
        attached_at=clock.now(),
    )
    sealed.set_sealed(cluster, "credential", address.to_json())
    cluster.save()
    return cluster


class Estate:
    """The simulator's side and Paddock's side of one cluster."""

    def __init__(self, simulator: Simulator, slug: str) -> None:
        self.simulator = simulator
        self.slug = slug
        self.cluster = attach(simulator, slug)

    def sync(self, at: datetime | None = None, budget: Budget | None = None) -> services.PassReport:
        """Make a pass in which every kind is due, whatever failed before."""
        Stream.objects.filter(cluster=self.cluster).update(due_at=None)
        return services.sync_once(self.cluster, at=at or clock.now(), budget=budget)

    def load(self, at: datetime | None = None, *, page_limit: int = 500) -> services.PassReport:
        """Make a pass that lists what has no position and follows nothing."""
        return self.sync(at, Budget(watch_seconds=0, page_limit=page_limit))

    def stream(self, kind: str) -> Stream:
        return Stream.objects.get(cluster=self.cluster, kind=kind)

    def lease(self) -> Lease:
        return Lease.objects.get(cluster=self.cluster)

    def forget_position(self, *kinds: str) -> None:
        """Let the next pass list these kinds."""
        Stream.objects.filter(cluster=self.cluster, kind__in=kinds).update(resource_version="")

    def put(self, resource: str, *objects: Body) -> None:
        self.simulator.put(self.slug, resource, *objects)

    def delete(self, resource: str, name: str, namespace: str = "") -> None:
        self.simulator.delete(self.slug, resource, name, namespace=namespace)

    def fault(self, kind: str, **parameters: Any) -> None:
        self.simulator.fault(self.slug, kind, **parameters)

    def heal(self) -> None:
        self.simulator.heal(self.slug)

    def facts(self, kind: str) -> list[ChargedFact]:
        """What billing has not folded yet, oldest first."""
        return list(ChargedFact.objects.filter(cluster=self.cluster, kind=kind).order_by("id"))

    def fold(self) -> None:
        """Forget the facts so far, as billing does."""
        ChargedFact.objects.filter(cluster=self.cluster).delete()

    def places(self) -> dict[str, list[tuple[str, str]]]:
        """Where each row lies and who wrote it: equal before and after only where nothing was written."""
        found = {}
        with connection.cursor() as cursor:
            for table in OBJECT_TABLES:
                cursor.execute(
                    f"SELECT ctid::text, xmin::text FROM {table} WHERE cluster_id = %s ORDER BY ctid",
                    [self.cluster.pk],
                )
                found[table] = cursor.fetchall()
        return found
