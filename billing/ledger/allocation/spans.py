"""The hours of a window, cut where a billing day begins, and the grains they belong to."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.ledger.allocation.model import Grain
from portal.core import periods
from portal.core.periods import Period


@dataclass(frozen=True, slots=True)
class Slice:
    """An hour clipped to the window and one billing day; `month_seconds` is the real length of its month."""

    hour: datetime
    span: Period
    day: date
    month_seconds: int


class Slices:
    """The slices of a window, oldest first."""

    def __init__(self, window: Period, zone: ZoneInfo) -> None:
        self.all = list(_slices(window, zone))
        self._starts = [one.span.start for one in self.all]

    def touched(self, span: Period) -> Iterator[tuple[Slice, Period]]:
        """Yield each slice the span touches, with the part they share."""
        for index in range(max(0, bisect_right(self._starts, span.start) - 1), len(self.all)):
            part = self.all[index].span.clip(span)
            if part is not None:
                yield self.all[index], part
            elif self.all[index].span.start >= span.end:
                return


def grain_key(one: Slice, grain: Grain) -> datetime | date:
    """Return what slices of the same grain have in common."""
    return one.span.start if grain is Grain.HOUR else one.day


def _slices(window: Period, zone: ZoneInfo) -> Iterator[Slice]:
    for hour in periods.hours(window):
        part = hour.clip(window)
        if part is None:
            continue
        for span in _cut_at_midnight(part, zone):
            day = periods.billing_day(span.start, zone)
            yield Slice(hour.start, span, day, _month_seconds(span.start, zone))


def _cut_at_midnight(span: Period, zone: ZoneInfo) -> list[Period]:
    last = periods.billing_day(span.end - timedelta(seconds=1), zone)
    midnight = periods.day_start(last, zone)
    if not span.start < midnight < span.end:
        return [span]
    return [Period(span.start, midnight), Period(midnight, span.end)]


def _month_seconds(instant: datetime, zone: ZoneInfo) -> int:
    start = periods.month_start(instant, zone)
    # 35 days past the start of a month always lie in the next one, whatever the zone's clock does
    return Period(start, periods.month_start(start + timedelta(days=35), zone)).seconds
