"""What happened to the demo here. The audit remembers it: no other row outlives a removal."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from billing.pricing.models import PriceBook
from clusters.projects.models import Project, Team
from clusters.registry import selectors as registry
from portal.accounts.models import User
from portal.audit import services as audit
from portal.audit.models import Event
from portal.core import errors
from portal.core.actors import Actor, Subject

LOADED, REMOVED = "demo.load", "demo.remove"
# The advisory lock of loading and removing: one of them at a time.
_LOCK = 6_310


def last() -> str:
    """Return "demo.load" or "demo.remove", whichever came last, "" where neither ever happened."""
    event = _last()
    return event.kind if event else ""


@dataclass(frozen=True)
class Remembered:
    """Of which world the demo was made."""

    at: datetime
    seed: int
    edition: int


def loaded_world() -> Remembered | None:
    """Return the world of the demo that was loaded last, None where it was removed or never loaded."""
    event = _last()
    if event is None or event.kind != LOADED or not event.after:
        return None
    at = datetime.fromisoformat(event.after["at"]).astimezone(UTC)
    return Remembered(at, int(event.after["seed"]), int(event.after["edition"]))


def anything_left() -> bool:
    """Tell whether any row of a demo is there, whole or half."""
    return registry.demo_loaded() or any(
        model.objects.filter(is_demo=True).exists() for model in (Team, Project, PriceBook, User)
    )


def note(kind: str, *, by: Actor, **about: Any) -> None:
    """Record that the demo was loaded or removed."""
    audit.record(kind, by=by, on=Subject("demo", "demo", _("Demo"), "/"), after=about)


def hold() -> None:
    """Keep others from loading or removing until `release`, or the end of this connection. Raises `Conflict`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            raise errors.Conflict.one("", _("The demo is being loaded or removed at this moment."))


def release() -> None:
    """Let others load or remove again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _last() -> Event | None:
    return Event.objects.filter(kind__in=(LOADED, REMOVED)).order_by("-id").first()
