"""Whole months go, behind a signed checkpoint; what is left still verifies."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from portal.audit import retention, sealing, verification
from portal.audit.models import Check, Checkpoint, Event, Head, Link
from portal.core import clock
from portal.core.actors import SYSTEM
from portal.jobs import runner
from portal.jobs import services as jobs
from tests.portal.audit.chains import broken, exported, past_the_triggers, sealed, verified

pytestmark = pytest.mark.django_db


def old(count: int, at: datetime) -> None:
    """Write events of another time, and seal them at that time."""
    for _ in range(count):
        Event.objects.create(at=at, kind="demo.load", actor_kind="system", actor_id="paddock", actor_label="Paddock")
    sealing.seal(at=at)


@pytest.mark.parametrize(
    ("at", "cutoff"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)),
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_is_kept(at: datetime, cutoff: datetime) -> None:
    assert retention.cutoff(at) == cutoff


@pytest.fixture
def months() -> datetime:
    """Five events of a month that is too old, two of the oldest that is kept, three of today."""
    kept_from = retention.cutoff(clock.now())
    old(5, kept_from - timedelta(days=3))
    old(2, kept_from)
    sealed(3)
    return kept_from


def prune() -> dict[str, int]:
    job = jobs.enqueue("portal.audit.prune", key="", by=SYSTEM)
    assert runner.run(job.pk) == "succeeded"
    job.refresh_from_db()
    return dict(job.result or {})


def test_old_months_go_and_the_chain_goes_on(months: datetime) -> None:
    pins = verification.read_heads(exported())
    assert prune() == {"removed": 5}
    point = Checkpoint.objects.get()
    assert (point.seq, point.cutoff) == (5, months)
    assert list(Link.objects.order_by("seq").values_list("seq", flat=True)) == [6, 7, 8, 9, 10]
    assert not Head.objects.filter(seq__lte=5).exists()
    sealed(1)
    assert Event.objects.filter(kind="audit.month.prune", after__up_to=5).exists()
    check = verified(pins)
    assert (check.found, check.events) == (None, 7), "exported heads of the time before do not trouble"
    assert prune() == {"removed": 0}


def test_a_half_finished_removal_goes_on(months: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    point = retention.set_checkpoint(at=clock.now())
    assert point is not None
    assert retention.clear(point, 2) == 2
    sealed(0)
    assert verified().holds
    monkeypatch.setattr(retention, "BATCH", 2)
    assert prune() == {"removed": 3}
    assert Checkpoint.objects.count() == 1
    assert verified().holds


def test_a_forged_checkpoint_is_found(months: datetime) -> None:
    prune()
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_checkpoint SET hash = repeat('f', 64)")
    assert (broken()["kind"], broken()["first"]) == ("checkpoint", 5)


def test_a_removal_without_a_signature_is_found(months: datetime) -> None:
    link, now = Link.objects.get(seq=5), clock.now()
    point = Checkpoint.objects.create(
        seq=5, hash=link.hash, cutoff=months, at=now, key_id=Head.objects.earliest("seq").key_id, signature="x"
    )
    assert retention.clear(point) == 5
    assert broken()["kind"] == "checkpoint"


def test_evidence_is_kept(months: datetime) -> None:
    with past_the_triggers() as cursor:
        cursor.execute("UPDATE audit_event SET kind = 'x' WHERE id = %s", [Link.objects.get(seq=2).event_id])
    assert not verified().holds
    assert prune() == {"removed": 0}
    assert Check.objects.exists()


def test_only_what_a_checkpoint_names_can_be_removed(months: datetime) -> None:
    point = retention.set_checkpoint(at=clock.now())
    assert point is not None
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.filter(pk=Link.objects.get(seq=1).event_id).delete()
    assert retention.clear(point) == 5
    assert Event.objects.filter(kind="demo.load").count() == 5
