"""How complete and how old the rows behind a list are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import ngettext

from portal.core import formats
from portal.core.listing.declare import Text


@dataclass(frozen=True)
class Missing:
    """A source that does not answer: its name, since when, and what it said. `reason` never holds a
    credential.
    """

    name: str
    since: datetime | None = None
    reason: Text = ""


@dataclass(frozen=True)
class Health:
    """The sources behind a list. `total` counts those that should answer; `data_at` is the age of the oldest
    of them.
    """

    data_at: datetime | None = None
    total: int = 0
    missing: Sequence[Missing] = ()
    # The promised age; older data carries a badge. None promises nothing.
    stale_after: timedelta | None = None

    @property
    def all_down(self) -> bool:
        """No source answers, so an empty list says nothing about what is there."""
        return self.total > 0 and len(self.missing) >= self.total

    def is_stale(self, at: datetime) -> bool:
        """The data is older than promised."""
        return bool(self.data_at and self.stale_after and at - self.data_at > self.stale_after)


def missing_text(health: Health, at: datetime) -> str:
    """Which part is missing, in a sentence; empty while every source answers."""
    lost = len(health.missing)
    if not lost:
        return ""
    total = max(health.total, lost)
    since = min((missing.since for missing in health.missing if missing.since), default=None)
    if since is None:
        words = ngettext(
            "%(lost)d of %(total)d cluster not reachable", "%(lost)d of %(total)d clusters not reachable", total
        )
        return words % {"lost": lost, "total": total}
    words = ngettext(
        "%(lost)d of %(total)d cluster not reachable since %(since)s",
        "%(lost)d of %(total)d clusters not reachable since %(since)s",
        total,
    )
    return words % {"lost": lost, "total": total, "since": formats.clock_time(since, at)}
