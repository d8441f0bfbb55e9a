"""Confirming, resuming and detaching."""

import time
from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction

from clusters.registry import selectors, services
from clusters.registry.models import Cluster, State
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.clusters.registry.conftest import Propose
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_confirmation_pins_the_identity_and_starts_the_sync(propose: Propose) -> None:
    candidate = propose("Prod EU")
    cluster = services.confirm(cluster=candidate, by=COMMAND, at=clock.now())
    assert (cluster.pk, cluster.slug, cluster.state, cluster.generation) == (candidate.pk, "prod-eu", "attached", 1)
    assert cluster.kube_system_uid == candidate.kube_system_uid
    assert Job.objects.open().filter(kind="clusters.inventory.drain", key=str(cluster.pk)).exists()
    event = Event.objects.get(kind="registry.cluster.attach")
    assert (event.on_id, event.actor_kind) == (str(cluster.pk), "command")
    with pytest.raises(errors.Conflict):
        services.confirm(cluster=cluster, by=COMMAND, at=clock.now())


def test_unchecked_candidates_cannot_be_confirmed(propose: Propose) -> None:
    with pytest.raises(errors.Conflict):
        services.confirm(cluster=propose("prod", checked=False), by=COMMAND, at=clock.now())


def test_a_cluster_that_is_attached_is_refused_by_name(
    attach: Propose, propose: Propose, simulated: Callable[..., str]
) -> None:
    slug = simulated()
    attach("first", slug=slug)
    second = propose("second", slug=slug)
    assert [one["text"] for one in second.checks if one["key"] == "known"] == [
        "This cluster is attached already, as first."
    ]
    with pytest.raises(errors.Refused, match="first"):
        services.confirm(cluster=second, by=COMMAND, at=clock.now())


def test_detaching_is_local_and_immediate(attach: Propose, simulator: Simulator, simulated: Callable[..., str]) -> None:
    slug = simulated()
    cluster = attach("prod", slug=slug)
    simulator.fault(slug, "delay", seconds=60)
    begun = time.monotonic()
    detached = services.detach(cluster=cluster, by=COMMAND, at=clock.now())
    assert time.monotonic() - begun < 5
    assert (detached.state, detached.credential, detached.generation) == ("detached", "", 2)
    assert detached.detached_at is not None
    assert not Job.objects.open().filter(kind="clusters.inventory.drain", key=str(cluster.pk)).exists()
    assert Job.objects.open().get(kind="billing.metering.fold").ids == {"cluster_id": str(cluster.pk)}
    with pytest.raises(errors.Conflict):
        services.connection(detached)
    with pytest.raises(errors.Conflict):
        services.detach(cluster=cluster, by=COMMAND, at=clock.now())


@pytest.mark.parametrize("name", ["prod", "renamed"])
def test_a_known_cluster_resumes_its_row(
    attach: Propose, propose: Propose, simulated: Callable[..., str], name: str
) -> None:
    slug = simulated()
    cluster = attach("prod", slug=slug)
    services.detach(cluster=cluster, by=COMMAND, at=clock.now())
    candidate = propose(name, slug=slug)
    assert candidate.pk != cluster.pk
    assert candidate.resumes_id == cluster.pk
    resumed = services.confirm(cluster=candidate, by=COMMAND, at=clock.now())
    assert (resumed.pk, resumed.slug, resumed.name) == (cluster.pk, "prod", "prod")
    assert (resumed.state, resumed.generation, resumed.detached_at) == ("attached", 3, None)
    assert services.connection(resumed).token
    assert Cluster.objects.count() == 1


def test_the_name_of_a_detached_cluster_is_not_given_to_another(attach: Propose, propose: Propose) -> None:
    services.detach(cluster=attach("prod"), by=COMMAND, at=clock.now())
    other = propose("prod")
    assert other.slug == "prod-2"
    with pytest.raises(errors.Refused, match="belongs to another cluster"):
        services.confirm(cluster=other, by=COMMAND, at=clock.now())


def test_the_database_keeps_credentials_and_identities_in_order(attach: Propose) -> None:
    cluster = attach("prod")
    with pytest.raises(IntegrityError), transaction.atomic():
        Cluster.objects.filter(pk=cluster.pk).update(state=State.DETACHED)
    twin = Cluster(slug="twin", name="twin", server="x", credential="x", state=State.ATTACHED)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()
    twin.kube_system_uid = cluster.kube_system_uid
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


def test_the_identity_notice_needs_the_right_generation(attach: Propose) -> None:
    cluster = attach("prod")
    assert not services.set_identity_changed(cluster_id=cluster.pk, generation=0, uid="u", at=clock.now())
    assert services.set_identity_changed(cluster_id=cluster.pk, generation=1, uid="u", at=clock.now())
    assert services.set_identity_changed(cluster_id=cluster.pk, generation=1, uid="u", at=clock.now())
    assert Event.objects.filter(kind="registry.cluster.identity").count() == 1


def test_the_demo_is_known_by_its_clusters(attach: Propose) -> None:
    assert not selectors.demo_loaded()
    Cluster.objects.filter(pk=attach("prod").pk).update(is_demo=True)
    assert selectors.demo_loaded()
