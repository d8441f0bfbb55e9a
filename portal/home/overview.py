"""What the home page says: the state of everything a person owns."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from portal.access.scopes import Person
from portal.core import formats, parts
from portal.jobs import kinds
from portal.jobs.models import OPEN, Heartbeat, Job

DEAF_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Overview:
    """The home page's parts."""

    at: datetime


def of(person: Person, at: datetime) -> Overview:
    """Gather what the person may see."""
    return Overview(at=at)


def queues(at: datetime) -> list[parts.Stat]:
    """Return how much waits in each queue, and whether a worker still takes from it."""
    beats = dict(Heartbeat.objects.values_list("queue", "beat_at"))
    found = []
    for name in kinds.QUEUES:
        waiting = Job.objects.filter(queue=name, state__in=OPEN, due_at__lte=at).count()
        beat_at = beats.get(name)
        alive = beat_at is not None and at - beat_at < DEAF_AFTER
        note = _("worker seen %s") % formats.ago(beat_at, at) if beat_at else _("no worker seen yet")
        found.append(
            parts.Stat(
                _("Queue %s: open") % name, formats.number(waiting), note=note, tone="ok" if alive else "broken",
                url=f"{reverse('home:jobs')}?state=waiting",
            )
        )
    return found
