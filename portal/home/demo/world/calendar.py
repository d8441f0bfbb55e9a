"""When things happen: working hours, working weeks, releases and schedules. Pure; all instants are UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.home.demo.catalogue.shapes import App
from portal.home.demo.world.chance import Chance

# Five whole weeks of hours; what ended earlier is not told.
WINDOW = timedelta(days=35)
_FRIDAY = 4
# Monday's extra pods begin at 06:10; machines for them come twenty minutes before.
_MONDAY = timedelta(hours=6, minutes=10)
_FRIDAY_EVENING = timedelta(days=_FRIDAY, hours=19, minutes=30)
_SETTLED = timedelta(minutes=30)


@dataclass(frozen=True)
class Span:
    """[start, end); an end of None goes on."""

    start: datetime
    end: datetime | None

    def clip(self, other: "Span") -> "Span | None":
        """Return what both share, None where it is less than a minute."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends) if ends else None
        return Span(start, end) if end is None or end - start >= timedelta(minutes=1) else None


def weeks(at: datetime) -> list[Span]:
    """Return the working weeks of the window, oldest first. This week goes on, whatever day it is."""
    monday = (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0)
    if monday + _MONDAY + _SETTLED > at:
        monday -= timedelta(days=7)
    count = WINDOW.days // 7 + 1
    mondays = [monday - timedelta(days=7 * back) for back in range(count, 0, -1)]
    return [Span(one + _MONDAY, one + _FRIDAY_EVENING) for one in mondays] + [Span(monday + _MONDAY, None)]


def working_time(at: datetime, days: int, chance: Chance) -> datetime:
    """Return an instant in office hours that many days before, on the Friday before where that is a weekend."""
    day = (at - timedelta(days=days)).replace(hour=0, minute=0, second=0)
    if day.weekday() > _FRIDAY:
        day -= timedelta(days=day.weekday() - _FRIDAY)
    return day + timedelta(hours=chance.within(8, 15), minutes=chance.within(0, 59), seconds=chance.within(0, 59))


def releases(app: App, at: datetime, born: datetime, chance: Chance) -> list[datetime]:
    """Return when the version changed, oldest first: at most once a day, and not in the first day."""
    days = chance.several(range(1, WINDOW.days), app.releases)
    found = {moment.date(): moment for moment in (working_time(at, day, chance) for day in sorted(days))}
    return [moment for _day, moment in sorted(found.items()) if moment > born + timedelta(days=1)]


def turns(app: App, at: datetime, chance: Chance) -> Iterator[Span]:
    """Yield when a CronJob ran in the window, oldest first. A turn that would be under way now begins later."""
    minute = chance.within(0, 50)
    start = (at - WINDOW).replace(hour=0, minute=minute, second=0)
    while start < at:
        seconds = app.minutes * 60
        end = start + timedelta(seconds=seconds + chance.within(-seconds // 5, seconds // 4))
        if end < at - timedelta(minutes=1):
            yield Span(start, end)
        start += timedelta(hours=app.every)
