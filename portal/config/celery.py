"""Celery: carries ids of job rows to workers and ticks the schedule. It decides nothing."""

import os
from uuid import UUID

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_process_init
from django import setup
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.config.settings")
setup()

from django.conf import settings  # noqa: E402 - settings must be set up first

from portal.config import schedule  # noqa: E402
from portal.config.starting import refuse_wrong_start  # noqa: E402
from portal.jobs import kinds, runner  # noqa: E402

# Three times the longest attempt, as its value must outlast every hard limit.
VISIBILITY_SECONDS = 3 * 400


def _broker(url: str) -> str:
    return (
        url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
        if url.startswith("unix://")
        else url
    )


app = Celery("paddock")
app.conf.update(
    broker_url=_broker(settings.REDIS_URL) or "memory://",
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": VISIBILITY_SECONDS, "global_keyprefix": "paddock-jobs:"},
    visibility_timeout=VISIBILITY_SECONDS,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=380,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=2000,
    worker_max_memory_per_child=600_000,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_queues=None,
    task_default_queue="default",
    timezone="UTC",
    enable_utc=True,
    beat_schedule={
        name: {
            "task": "portal.config.celery.tick",
            "schedule": entry.seconds,
            "args": (name,),
            "options": {"queue": "default", "expires": entry.seconds},
        }
        for name, entry in schedule.ENTRIES.items()
    },
)


@celeryd_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def _right_keys(**_kwargs: object) -> None:
    # A worker with another key would fail at each cluster in turn, hours later.
    refuse_wrong_start()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _fresh_connections(**_kwargs: object) -> None:
    # A forked child must not speak on its parent's database connection.
    connections.close_all()


@app.task(name="portal.config.celery.run_job", bind=False)  # type: ignore[untyped-decorator]
def run_job(job_id: str) -> str:
    """Run the job row with this id."""
    return runner.run(UUID(job_id))


@app.task(name="portal.config.celery.tick", bind=False)  # type: ignore[untyped-decorator]
def tick(name: str) -> None:
    """Run one entry of the schedule, once per slot however many beats there are."""
    schedule.run(name)


def send(job_id: UUID, queue: str) -> None:
    """Hand a job's id to the broker. Raises `OSError` when it is away."""
    try:
        app.send_task("portal.config.celery.run_job", args=(str(job_id),), queue=queue, retry=False)
    except app.connection_for_write().connection_errors as error:
        raise OSError(str(error)) from error


QUEUES = kinds.QUEUES
