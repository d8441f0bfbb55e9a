"""Half-open spans of time, hours and billing days. Instants are aware UTC, cut to whole seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Period:
    """[start, end): an instant belongs to exactly one of two periods that touch."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a period needs aware instants")
        if self.end < self.start:
            raise ValueError("a period cannot end before it starts")

    @property
    def seconds(self) -> int:
        """Length in whole seconds."""
        return int((self.end - self.start).total_seconds())

    def clip(self, other: "Period") -> "Period | None":
        """Return the part shared with `other`, None when there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


def floor_hour(instant: datetime) -> datetime:
    """Return the beginning of the UTC hour that holds the instant."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ceil_hour(instant: datetime) -> datetime:
    """Return the first whole UTC hour at or after the instant."""
    floor = floor_hour(instant)
    return floor if floor == instant else floor + HOUR


def hours(period: Period) -> Iterator[Period]:
    """Yield every whole UTC hour that the period touches, oldest first."""
    start = floor_hour(period.start)
    while start < period.end:
        yield Period(start, start + HOUR)
        start += HOUR


def billing_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of the billing time zone in which the instant lies."""
    return instant.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which the day begins in the zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def month_start(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant at which the billing month of `instant` begins, in UTC."""
    return day_start(billing_day(instant, zone).replace(day=1), zone)
