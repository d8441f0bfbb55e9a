"""One writer per cluster; wishes are counted; what comes too late is not kept. On the simulator."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from clusters.applying import leases, reconciling, schedule, services
from clusters.applying.desired import Desired, Order
from clusters.applying.difference import Key, merged
from clusters.applying.leases import Grip, LeaseLost
from clusters.applying.models import AppliedObject, State, WriteLease
from clusters.applying.sending import Sending
from clusters.inventory.models import Namespace
from clusters.registry import accounts
from clusters.registry import services as registry
from clusters.registry.models import Account, Cluster
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.clusters.inventory.estate import Estate
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

MANY, WRITER = 12, "who-may-write"


@pytest.fixture
def estate(simulator: Simulator, simulated: Callable[..., str]) -> Estate:
    """A simulated cluster of one namespace, read once."""
    shop = {"metadata": {"name": "shop"}, "status": {"phase": "Active"}}
    made = Estate(simulator, simulated(slug="applying", admin_token=WRITER, objects={"namespaces": [shop]}))
    accounts.keep(cluster=made.cluster, account=Account.MANAGE, token=WRITER, by=COMMAND, at=clock.now())
    made.load()
    return made


def limits(estate: Estate, number: int = MANY, cpu: str = "1") -> Callable[[UUID, datetime], dict[Key, Desired]]:
    """What is wanted: a few LimitRanges in the namespace."""
    uid = Namespace.objects.get(cluster=estate.cluster, name="shop").uid
    body = {"spec": {"limits": [{"type": "Container", "default": {"cpu": cpu}}]}}

    def wanted(cluster_id: UUID, at: datetime) -> dict[Key, Desired]:
        return merged(
            Desired(
                kind="limit_range",
                namespace="shop",
                namespace_uid=uid,
                name=f"limits-{one}",
                body=body,
                source="test",
                source_id=UUID(int=1),
                project_id=None,
                order=Order.LIMITS,
                forced=True,
                drift="restore",
            )
            for one in range(number)
        )

    return wanted


def reconcile(estate: Estate, wanted: Any, at: datetime | None = None) -> reconciling.Report:
    return reconciling.reconcile(cluster_id=estate.cluster.pk, at=at or clock.now(), owner="test", wanted=wanted)


def claimed(cluster: Cluster, at: datetime | None = None) -> Grip:
    grip = leases.claim(cluster_id=cluster.pk, owner="other", at=at or clock.now())
    assert grip is not None
    return grip


def lost(grip: Grip) -> bool:
    try:
        with transaction.atomic():
            grip.hold()
    except LeaseLost:
        return True
    return False


def test_a_cluster_that_is_being_written_to_is_left_alone(estate: Estate) -> None:
    grip = claimed(estate.cluster)
    assert reconcile(estate, limits(estate)).skipped == "taken"
    assert not lost(grip)
    later = claimed(estate.cluster, clock.now() + leases.LEASE + timedelta(seconds=1))
    assert lost(grip)
    assert not lost(later)


def test_a_grip_ends_with_stop_detach_and_another_identity(estate: Estate) -> None:
    grip = claimed(estate.cluster)
    services.stop(cluster=estate.cluster, by=COMMAND, at=clock.now())
    assert lost(grip)
    services.resume(cluster=estate.cluster, by=COMMAND)
    grip = claimed(estate.cluster)
    Cluster.objects.filter(pk=estate.cluster.pk).update(foreign_uid="another")
    assert lost(grip)
    Cluster.objects.filter(pk=estate.cluster.pk).update(foreign_uid="")
    assert not lost(grip)
    registry.detach(cluster=estate.cluster, by=COMMAND, at=clock.now())
    assert lost(grip)
    assert leases.claim(cluster_id=estate.cluster.pk, owner="x", at=clock.now() + timedelta(hours=1)) is None


def test_nothing_is_sent_near_the_end_of_a_lease() -> None:
    assert not Grip(UUID(int=1), 1, 1, 0, time.monotonic() - 1).may_send()
    assert Grip(UUID(int=1), 1, 1, 0, time.monotonic() + 1).may_send()


def test_a_wish_that_comes_during_a_pass_is_not_lost(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    services.ask(clusters=[estate.cluster.pk], because="test")
    inner = limits(estate)

    def wanted(cluster_id: UUID, at: datetime) -> dict[Key, Desired]:
        found = inner(cluster_id, at)
        if WriteLease.objects.get(pk=cluster_id).owner:
            # After the pass has read, as another transaction would.
            services.ask(clusters=[cluster_id], because="late")
        return found

    assert reconcile(estate, wanted).created == MANY
    lease = WriteLease.objects.get(cluster=estate.cluster)
    assert (lease.asked, lease.done) == (2, 1)
    Job.objects.all().delete()
    schedule.apply_due(clock.now())
    assert Job.objects.filter(kind="clusters.applying.reconcile", key=str(estate.cluster.pk)).exists()
    assert reconcile(estate, inner).skipped == "idle"
    lease.refresh_from_db()
    assert lease.asked == lease.done


@pytest.mark.parametrize("kept", range(0, MANY + 1, 3))
def test_a_worker_that_dies_between_answers_and_rows_leaves_nothing_double(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """Killed after some answers were kept: the next worker ends where an undisturbed one does."""
    sent: list[int] = []

    class Killed(BaseException):
        """As a signal would: nothing catches it."""

    inner = Sending._flush

    def flush(self: Sending) -> None:
        sent.extend(1 for _ in self.answered)
        if len(sent) > kept:
            raise Killed
        inner(self)

    monkeypatch.setattr(Sending, "batch", 1)
    monkeypatch.setattr(Sending, "_flush", flush)
    wanted = limits(estate)
    if kept < MANY:
        with pytest.raises(Killed):
            reconcile(estate, wanted)
    else:
        reconcile(estate, wanted)
    monkeypatch.setattr(Sending, "_flush", inner)
    after = clock.now() + leases.LEASE + timedelta(seconds=1)
    again = reconcile(estate, wanted, after)
    assert again.failed == 0
    rows = AppliedObject.objects.filter(cluster=estate.cluster)
    assert rows.count() == rows.exclude(uid="").filter(state=State.APPLIED).count() == MANY
    assert reconcile(estate, wanted, after).skipped == "idle"
    estate.load()
    assert services.look(cluster_id=estate.cluster.pk, at=clock.now()).drifted == 0


def test_an_unconfirmed_or_held_cluster_is_not_written_to(estate: Estate) -> None:
    wanted = limits(estate)
    late = clock.now() + timedelta(minutes=6)
    assert reconcile(estate, wanted, late).skipped == "unconfirmed"
    stream = estate.stream("limit_range")
    stream.state = "held"
    stream.save()
    assert reconcile(estate, wanted).skipped == "idle"
    assert not AppliedObject.objects.exists()
