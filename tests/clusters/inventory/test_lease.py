"""One reader per cluster, and nothing written by one that comes too late."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from clusters.inventory import lease, schedule, services
from clusters.inventory.drain import Budget, drain
from clusters.inventory.merge.apply import Store
from clusters.inventory.models import Lease, Pod, Stream
from clusters.inventory.reading import PassClock, Reading
from clusters.kube import reactor
from clusters.kube.conversation import List
from clusters.kube.objects.table import POD
from clusters.registry import services as registry
from clusters.registry.models import Cluster
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs.models import Job
from tests.clusters.inventory.conftest import MakeEstate
from tests.clusters.inventory.estate import Estate
from tests.clusters.inventory.objects import shop


def test_a_cluster_that_is_being_read_is_left_alone(estate: MakeEstate) -> None:
    found = estate(**shop())
    at = clock.now()
    grip = lease.claim(cluster_id=found.cluster.pk, owner="first", at=at)
    assert grip is not None
    assert found.sync(at).skipped == "taken"
    assert lease.claim(cluster_id=found.cluster.pk, owner="third", at=at + timedelta(minutes=5)) is not None


def _lose_lease(found: Estate) -> None:
    Lease.objects.filter(cluster=found.cluster).update(fence=F("fence") + 1)


def _detach(found: Estate) -> None:
    registry.detach(cluster=found.cluster, by=COMMAND, at=clock.now())


@pytest.mark.parametrize("happens", [_lose_lease, _detach])
def test_a_reader_that_comes_too_late_writes_nothing(estate: MakeEstate, happens: Callable[[Estate], None]) -> None:
    found = estate(**shop(pods=30))
    found.load()
    before = found.places()
    streams = list(Stream.objects.order_by("pk").values())
    found.put("pods", *shop(pods=60)["pods"][30:])
    report = services.sync_once(found.cluster, at=clock.now(), alive=lambda: happens(found))
    assert report.skipped == "lost"
    assert found.places() == before
    assert list(Stream.objects.order_by("pk").values()) == streams


@pytest.mark.parametrize("page", range(1, 7))
def test_a_change_of_the_registration_between_pages_stops_the_list_there(estate: MakeEstate, page: int) -> None:
    found = estate(**shop(pods=30))
    grip = lease.claim(cluster_id=found.cluster.pk, owner="", at=clock.now())
    assert grip is not None
    stream = Stream.objects.create(cluster=found.cluster, kind="pod")
    store = Store(found.cluster.pk, [])
    reading = Reading(stream, POD, grip=grip, store=store, clock=PassClock(clock.now()))
    talk = drain(reading, Budget(watch_seconds=0, page_limit=5))
    address = registry.connection(found.cluster)
    request = next(talk)
    for number in range(1, page + 1):
        assert isinstance(request, List)
        reply = reactor.fetch(address, request, deadline=10, allow_loopback=True)
        if number == page:
            Cluster.objects.filter(pk=found.cluster.pk).update(generation=F("generation") + 1)
            with pytest.raises(lease.LeaseLost):
                talk.send(reply)
        else:
            request = talk.send(reply)
    assert Pod.objects.count() == (page - 1) * 5
    stream.refresh_from_db()
    assert stream.resource_version == ""


def test_the_schedule_asks_for_clusters_that_are_free_and_due(estate: MakeEstate) -> None:
    found, later = estate(**shop()), estate()
    at = clock.now()
    Lease.objects.create(cluster=later.cluster, due_at=at + timedelta(minutes=3))
    schedule.drain_due(at)
    job = Job.objects.get(kind="clusters.inventory.drain")
    assert job.key == str(found.cluster.pk)
    assert runner.run(job.pk) == "succeeded"
    job.refresh_from_db()
    assert job.result is not None
    assert job.result["failed"] == {}
    assert Pod.objects.count() == 3
    schedule.drain_due(at + timedelta(minutes=4))
    assert Job.objects.open().filter(kind="clusters.inventory.drain").count() == 2


def test_a_detached_cluster_is_not_read(estate: MakeEstate) -> None:
    found = estate(**shop())
    _detach(found)
    schedule.drain_due(clock.now())
    assert not Job.objects.open().filter(kind="clusters.inventory.drain").exists()
    assert services.sync_once(found.cluster, at=clock.now()).skipped == "taken"
