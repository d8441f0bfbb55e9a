"""What the home page says: the state of everything a person owns."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.access.scopes import Person
from portal.jobs import kinds
from portal.jobs.models import OPEN, Heartbeat, Job

DEAF_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Queue:
    """One queue: how much waits, and when a worker last took something. `tone` is ok, attention or broken."""

    name: str
    waiting: int
    beat_at: datetime | None
    tone: str


@dataclass(frozen=True)
class Overview:
    """The home page's parts."""

    at: datetime


def of(person: Person, at: datetime) -> Overview:
    """Gather what the person may see."""
    return Overview(at=at)


def queues(at: datetime) -> list[Queue]:
    """Return the state of every queue."""
    beats = dict(Heartbeat.objects.values_list("queue", "beat_at"))
    found = []
    for name in kinds.QUEUES:
        waiting = Job.objects.filter(queue=name, state__in=OPEN, due_at__lte=at).count()
        beat_at = beats.get(name)
        alive = beat_at is not None and at - beat_at < DEAF_AFTER
        found.append(Queue(name, waiting, beat_at, "ok" if alive else "broken"))
    return found
