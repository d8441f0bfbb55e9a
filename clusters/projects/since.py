"""From when a change of ownership counts. Pure: the instant of the change and the month are given."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.utils.translation import gettext as _

from portal.core import errors, periods

Since = Literal["first_seen", "now"] | datetime


@dataclass(frozen=True)
class Past:
    """What is known of a namespace: when it was first seen, and when the last project that held it let go."""

    first_seen: datetime
    released_at: datetime | None = None


def parse(text: str) -> Since:
    """Read "first_seen", "now" or an ISO instant. Raises `Refused` at "since"."""
    if text in ("first_seen", "now"):
        return text  # type: ignore[return-value]
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Refused.one("since", _("Use first_seen, now, or an hour such as 2026-08-01T13:00:00Z.")) from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def backdated(since: datetime, *, at: datetime, month_start: datetime) -> datetime:
    """Return `since` if it is a whole hour of the open month that is not in the future. Raises `Refused`."""
    if since != periods.floor_hour(since):
        raise errors.Refused.one("since", _("Use a whole hour."))
    if since > at:
        raise errors.Refused.one("since", _("This lies in the future."))
    if since < month_start:
        raise errors.Refused.one(
            "since", _("This lies before the open month, which began at %s.") % f"{month_start:%Y-%m-%d %H:%M} UTC"
        )
    return since


def of_assignment(since: Since, past: Past, *, at: datetime, month_start: datetime) -> datetime:
    """Return when a holding begins. "First seen" goes back as far as nobody else held it. Raises `Refused`."""
    if since == "now":
        return at
    if since == "first_seen":
        return min(at, max(past.first_seen, past.released_at or past.first_seen))
    begins = backdated(since, at=at, month_start=month_start)
    if past.released_at is not None and begins < past.released_at:
        raise errors.Refused.one(
            "since", _("Another project held it until %s.") % f"{past.released_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    return begins


def of_change(since: Since, held_from: datetime, *, at: datetime, month_start: datetime) -> datetime:
    """Return when a holding ends (a move or a release). Raises `Refused`."""
    if since == "first_seen":
        raise errors.Refused.one(
            "since", _("A namespace that is held changes from now, or from an hour of this month.")
        )
    if since == "now":
        return at
    ends = backdated(since, at=at, month_start=month_start)
    if ends < held_from:
        raise errors.Refused.one(
            "since", _("It is in this project only since %s.") % f"{held_from:%Y-%m-%d %H:%M:%S} UTC"
        )
    return ends
