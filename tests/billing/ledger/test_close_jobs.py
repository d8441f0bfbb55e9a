"""Which hours are due when, and the jobs that close them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.ledger import due, schedule, services
from billing.ledger.models import CostHour, CostRun, RunState
from billing.metering.models import Segment
from clusters.registry.models import Cluster, State
from portal.core import clock, errors
from portal.core.periods import HOUR, Period
from portal.jobs import runner
from portal.jobs.models import Job
from portal.jobs.models import State as JobState
from tests.billing.ledger import tables

pytestmark = pytest.mark.django_db
MONTH = datetime(2025, 3, 1, tzinfo=UTC)
CAME = MONTH + timedelta(days=10, minutes=30)


def pod(cluster: Cluster, start: datetime, end: datetime | None = None) -> Segment:
    return Segment.objects.create(
        cluster=cluster,
        kind="pod",
        uid="p",
        name="p",
        namespace_uid="ns",
        starts_at=start,
        ends_at=end,
        seen_at=start,
        cpu_m=1000,
    )


def at(monkeypatch: pytest.MonkeyPatch, instant: datetime) -> datetime:
    monkeypatch.setattr(clock, "now", lambda: instant)
    return instant


def work_off() -> int:
    """Run waiting jobs of the billing queue until there is none; returns how many there were."""
    done = 0
    while job := Job.objects.filter(state=JobState.WAITING).order_by("created_at").first():
        Job.objects.filter(pk=job.pk).update(due_at=clock.now())
        runner.run(job.pk)
        job.refresh_from_db()
        assert job.state == JobState.SUCCEEDED, job.error
        done += 1
    return done


def test_a_new_cluster_begins_with_what_is_known_of_its_month() -> None:
    cluster = tables.cluster_row("c", at=CAME)
    now = CAME + timedelta(minutes=10)
    running = Period(CAME.replace(minute=0), CAME.replace(minute=0) + HOUR)
    assert due.of_cluster(cluster, now) == running
    segment = pod(cluster, CAME - timedelta(days=2))
    assert due.of_cluster(cluster, now) == Period(segment.starts_at.replace(minute=0), running.end)
    Segment.objects.update(starts_at=MONTH - timedelta(days=300))
    assert due.of_cluster(cluster, now) == Period(MONTH, running.end)


def test_what_is_due_follows_what_is_known() -> None:
    cluster = tables.cluster_row("c", at=CAME)
    hour = CAME.replace(minute=0)
    tables.confirm(cluster.pk, CAME + timedelta(minutes=10))
    services.close_range(cluster_id=cluster.pk, start=hour, end=hour + HOUR, at=CAME + timedelta(minutes=12))
    # Nobody answered since: the running hour alone says how little of it is covered.
    silent = CAME + timedelta(hours=30)
    assert due.of_cluster(cluster, silent) == Period(hour, silent.replace(minute=0) + HOUR)
    services.close_range(cluster_id=cluster.pk, start=hour, end=silent.replace(minute=0) + HOUR, at=silent)
    assert due.of_cluster(cluster, silent) == Period(silent.replace(minute=0), silent.replace(minute=0) + HOUR)
    # It answers: everything that is not final is due.
    tables.confirm(cluster.pk, silent)
    assert due.of_cluster(cluster, silent) == Period(hour, silent.replace(minute=0) + HOUR)
    services.close_range(cluster_id=cluster.pk, start=hour, end=silent.replace(minute=0) + HOUR, at=silent)
    assert due.of_cluster(cluster, silent) == Period(silent.replace(minute=0), silent.replace(minute=0) + HOUR)


def test_a_detached_cluster_is_due_until_it_is_final() -> None:
    cluster = tables.cluster_row("c", at=CAME)
    hour, left = CAME.replace(minute=0), CAME + timedelta(minutes=20)
    tables.confirm(cluster.pk, left)
    segment = pod(cluster, hour)
    services.close_range(cluster_id=cluster.pk, start=hour, end=hour + HOUR, at=left)
    Cluster.objects.filter(pk=cluster.pk).update(state=State.DETACHED, detached_at=left, credential="")
    cluster.refresh_from_db()
    later = left + 5 * HOUR
    assert due.of_cluster(cluster, later) is not None
    Segment.objects.filter(pk=segment.pk).update(ends_at=left, end_flag="detached")
    services.close_range(cluster_id=cluster.pk, start=hour, end=hour + 6 * HOUR, at=later)
    assert due.of_cluster(cluster, later) is None
    # Attached again: what was missed in between is not counted, the hour of the return is.
    back = later + 3 * HOUR
    Cluster.objects.filter(pk=cluster.pk).update(
        state=State.ATTACHED, attached_at=back, detached_at=None, credential="sealed"
    )
    cluster.refresh_from_db()
    assert due.of_cluster(cluster, back) == Period(back.replace(minute=0), back.replace(minute=0) + HOUR)


def test_the_schedule_closes_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five days are caught up with in jobs of two days; then only the running hour is due."""
    now = at(monkeypatch, CAME + timedelta(days=4))
    cluster = tables.cluster_row("c", at=CAME)
    tables.confirm(cluster.pk, now)
    pod(cluster, CAME - timedelta(days=1))
    schedule.close_due(now)
    schedule.close_due(now)
    jobs = Job.objects.filter(kind="billing.ledger.close_hour")
    assert [job.key for job in jobs] == [str(cluster.pk)]
    assert work_off() > 2
    runs = CostRun.objects.order_by("hour")
    assert runs.count() == 5 * 24 + 1
    assert set(runs.exclude(pk=runs.last().pk).values_list("state", flat=True)) == {RunState.FINAL}  # type: ignore[union-attr]
    assert CostHour.objects.filter(kind="workload").count() == runs.count()
    running = now.replace(minute=0)
    assert due.of_cluster(cluster, now) == Period(running, running + HOUR)


def test_a_close_folds_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now = at(monkeypatch, CAME + timedelta(minutes=5))
    cluster = tables.cluster_row("c", at=CAME)
    tables.confirm(cluster.pk, now)
    pod(cluster, CAME)
    hour = CAME.replace(minute=0)
    span: dict[str, Any] = {"start": hour.isoformat(), "end": (hour + HOUR).isoformat()}
    Job.objects.create(
        kind="billing.ledger.close_hour",
        key="x",
        ids={"cluster_id": str(cluster.pk), **span},
        queue="billing",
        by={"kind": "system", "id": "", "label": "Paddock"},
        by_label="Paddock",
        max_attempts=1,
        due_at=now,
        created_at=now,
    )
    work_off()
    assert CostHour.objects.get().cpu_q == 300_000


def test_a_close_takes_as_many_queries_for_many_hours_as_for_one() -> None:
    """The hours of a range are closed by one chain of statements."""
    cluster = tables.cluster_row("c", at=MONTH)
    tables.confirm(cluster.pk, MONTH + timedelta(days=3))
    pod(cluster, MONTH)
    counts = []
    for hours in (2, 24, 48):
        with CaptureQueriesContext(connection) as queries:
            services.close_range(
                cluster_id=cluster.pk, start=MONTH, end=MONTH + hours * HOUR, at=MONTH + timedelta(days=3)
            )
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
    assert counts[0] < 60


@pytest.mark.parametrize(("name", "value"), [("CURRENCY", "EUR"), ("BILLING_TIME_ZONE", "Europe/Zurich")])
def test_currency_and_time_zone_are_fixed_by_the_first_close(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    now = at(monkeypatch, CAME + timedelta(minutes=5))
    cluster = tables.cluster_row("c", at=CAME)
    tables.confirm(cluster.pk, now)
    hour = CAME.replace(minute=0)
    services.close_range(cluster_id=cluster.pk, start=hour, end=hour + HOUR, at=now)
    setattr(settings, name, value)
    with pytest.raises(errors.Conflict):
        services.close_range(cluster_id=cluster.pk, start=hour, end=hour + HOUR, at=now)
