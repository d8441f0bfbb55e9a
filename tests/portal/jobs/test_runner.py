"""One row per piece of work: claimed once, fenced, counted, tried again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from portal.core import clock, errors
from portal.core.actors import SYSTEM, Actor
from portal.jobs import kinds, runner, services
from portal.jobs.models import Heartbeat, Job, ScheduleSlot, State

pytestmark = pytest.mark.django_db
HERE = "tests.portal.jobs.test_runner"
KINDS = (
    kinds.Kind("test.work", "Work", f"{HERE}.work", "default", 30, 3, "system"),
    kinds.Kind("test.fails", "Fails", f"{HERE}.fails", "default", 30, 2, "system"),
    kinds.Kind("test.later", "Later", f"{HERE}.later", "default", 30, 3, "system"),
    kinds.Kind("test.paused", "Paused", f"{HERE}.paused", "default", 30, 3, "system"),
    kinds.Kind("test.guarded", "Guarded", f"{HERE}.work", "default", 30, 3, "cluster.edit"),
)
during: list[Callable[[runner.JobRun], None]] = []


def work(run: runner.JobRun, *, n: int = 0) -> dict[str, int]:
    """Show progress and return what it was given."""
    run.progress(1, 2, "half")
    for act in during:
        act(run)
    run.progress(2, 2)
    return {"n": n}


def fails(run: runner.JobRun, *, n: int) -> None:
    """Fail as code does."""
    raise RuntimeError("the disk is on fire")


def later(run: runner.JobRun, *, n: int) -> None:
    """Ask to be called again."""
    raise runner.TryLater("the cluster asks to wait", 42)


def paused(run: runner.JobRun, *, n: int) -> None:
    """Lose the lease in the middle, as a paused worker does, then try to write."""
    Job.objects.filter(pk=run.job_id).update(fence=run.fence + 1)
    run.progress(1)


@pytest.fixture(autouse=True)
def _kinds(settings: Settings) -> Iterator[None]:
    settings.JOB_KINDS = f"{HERE}.KINDS"
    settings.JOB_SENDER = f"{HERE}.sent_to_nobody"
    kinds.known.cache_clear()
    during.clear()
    yield
    kinds.known.cache_clear()


def ask_to_stop(run: runner.JobRun) -> None:
    """Press the cancel button."""
    Job.objects.filter(pk=run.job_id).update(cancel_asked=True)


def sent_to_nobody(job_id: UUID, queue: str) -> None:
    """Stand in for a broker that is away."""
    raise OSError("no broker")


def enqueue(kind: str = "test.work", by: Actor = SYSTEM) -> Job:
    """Ask for a job of the tests."""
    return services.enqueue(kind, key="k", by=by, n=7)


def test_a_second_click_finds_the_first_job() -> None:
    assert enqueue().pk == enqueue().pk
    assert Job.objects.count() == 1


def test_a_finished_job_does_not_stand_in_the_way() -> None:
    first = enqueue()
    runner.run(first.pk)
    assert enqueue().pk != first.pk


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(kinds.UnknownKind):
        enqueue("test.unknown")


def test_a_job_runs_once_and_keeps_progress_and_result() -> None:
    job = enqueue()
    assert runner.run(job.pk) == "succeeded"
    assert runner.run(job.pk) == "not due"
    job.refresh_from_db()
    assert (job.result, job.done, job.total, job.attempts) == ({"n": 7}, 2, 2, 1)
    assert job.finished_at is not None


def test_failures_are_counted_in_the_row_and_end_in_dead() -> None:
    job = enqueue("test.fails")
    assert runner.run(job.pk) == "waiting"
    job.refresh_from_db()
    assert job.due_at > clock.now()
    assert "the disk is on fire" in job.error
    Job.objects.update(due_at=clock.now() - timedelta(seconds=1))
    assert runner.run(job.pk) == "dead"
    assert runner.run(job.pk) == "not due"


def test_try_later_waits_as_long_as_it_was_told() -> None:
    job = enqueue("test.later")
    assert runner.run(job.pk) == "waiting"
    job.refresh_from_db()
    assert timedelta(seconds=40) < job.due_at - clock.now() <= timedelta(seconds=42)


def test_a_worker_that_lost_its_lease_changes_nothing() -> None:
    job = enqueue("test.paused")
    assert runner.run(job.pk) == "lease lost"
    job.refresh_from_db()
    assert (job.state, job.done) == (State.RUNNING, 0)


def test_a_dead_workers_job_is_claimed_again_after_its_lease() -> None:
    job = enqueue()
    past = clock.now() - timedelta(minutes=5)
    Job.objects.update(state=State.RUNNING, lease_until=past, attempts=1, fence=4)
    assert runner.run(job.pk) == "succeeded"
    job.refresh_from_db()
    assert (job.attempts, job.fence) == (2, 5)


def test_a_job_that_kills_its_worker_each_time_ends_dead() -> None:
    job = enqueue()
    Job.objects.update(state=State.RUNNING, lease_until=clock.now() - timedelta(minutes=5), attempts=3)
    runner.run(job.pk)
    job.refresh_from_db()
    assert job.state == State.DEAD
    assert "3 attempts" in job.error


def test_cancelling_a_waiting_job_is_immediate_and_a_running_one_stops_at_its_next_step() -> None:
    waiting = enqueue()
    assert services.cancel(job=waiting, at=clock.now()).state == State.CANCELLED
    running = enqueue()
    during.append(ask_to_stop)
    assert runner.run(running.pk) == "cancelled"
    with pytest.raises(errors.Conflict):
        services.cancel(job=running, at=clock.now())


def test_retry_gives_fresh_attempts_and_refuses_an_open_job() -> None:
    job = enqueue("test.fails")
    with pytest.raises(errors.Conflict):
        services.retry(job=job, at=clock.now())
    Job.objects.update(state=State.DEAD, attempts=2)
    job.refresh_from_db()
    assert services.retry(job=job, at=clock.now()).attempts == 0


def test_what_was_never_sent_is_sent_again_and_a_broker_away_loses_nothing(settings: Settings) -> None:
    job = enqueue()
    assert Job.objects.get(pk=job.pk).sent_at is None
    settings.JOB_SENDER = f"{HERE}.note_sent"
    noted.clear()
    assert services.send_stuck(at=clock.now()) == 1
    assert noted == [(job.pk, "default")]
    assert services.send_stuck(at=clock.now()) == 0, "what was just sent is left alone for a while"
    assert services.send_stuck(at=clock.now() + timedelta(minutes=1)) == 1


noted: list[tuple[UUID, str]] = []


def note_sent(job_id: UUID, queue: str) -> None:
    """Keep what would have reached the broker."""
    noted.append((job_id, queue))


def test_the_authors_rights_are_checked_when_the_job_runs() -> None:
    nobody = Actor("user", "00000000-0000-4000-8000-000000000000", "gone")
    job = enqueue("test.guarded", by=nobody)
    assert runner.run(job.pk) == "dead"
    job.refresh_from_db()
    assert "cluster.edit" in job.error


def test_one_slot_of_the_schedule_runs_once() -> None:
    slot = datetime(2026, 1, 1, tzinfo=UTC)
    assert services.take_slot(name="x", slot=slot)
    assert not services.take_slot(name="x", slot=slot)
    assert ScheduleSlot.objects.count() == 1


def test_the_heartbeat_is_a_row_per_queue() -> None:
    services.beat(queue="sync", at=clock.now())
    services.beat(queue="sync", at=clock.now())
    assert Heartbeat.objects.get().queue == "sync"


def test_pruning_keeps_open_and_recent_jobs() -> None:
    job = enqueue()
    done = Job.objects.create(
        kind="test.work",
        key="old",
        queue="default",
        by=SYSTEM.as_json(),
        by_label="x",
        max_attempts=1,
        due_at=clock.now(),
        state=State.SUCCEEDED,
        finished_at=clock.now() - timedelta(days=31),
    )
    assert services.prune(at=clock.now()) == 1
    assert Job.objects.filter(pk=job.pk).exists()
    assert not Job.objects.filter(pk=done.pk).exists()
