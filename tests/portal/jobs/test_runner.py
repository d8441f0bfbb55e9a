"""One row per piece of work: claimed once, fenced, counted, tried again."""

import pytest

from portal.core.actors import SYSTEM
from portal.jobs import runner, services
from portal.jobs.models import Heartbeat, Job, State

pytestmark = pytest.mark.django_db


def test_a_second_click_finds_the_first_job() -> None:
    first = services.enqueue("portal.jobs.beat", key="default", by=SYSTEM, queue="default")
    second = services.enqueue("portal.jobs.beat", key="default", by=SYSTEM, queue="default")
    assert first.pk == second.pk
    assert Job.objects.count() == 1


def test_a_job_runs_once_and_keeps_its_result() -> None:
    job = services.enqueue("portal.jobs.beat", key="default", by=SYSTEM, queue="default")
    assert runner.run(job.pk) == State.SUCCEEDED
    assert runner.run(job.pk) == "not due"
    assert Heartbeat.objects.get().queue == "default"
