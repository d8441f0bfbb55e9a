"""Bars by day, stacked by who pays; what no team pays for is grey."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zlib import crc32

from django.utils.translation import gettext as _

from billing.ledger import asking, presenting, selectors
from billing.ledger.asking import Ask
from portal.core import formats, parts

# Colours of the style sheet, of which each is one team's everywhere.
COLOURS = 12
MOST_SERIES = 12
GREYS = {"idle": 1, asking.SHARED: 2, asking.UNASSIGNED: 3}
OTHER_GREY = 4
# Longer than this, days are too thin to draw.
MOST_DAYS = 400

Filters = tuple[tuple[str, str], ...]
# A part of the bars: a word of the kind filter, and what narrows a list to it.
Part = tuple[str, Filters]
OTHERS, REST = ("other", ()), ("rest", ())


@dataclass(frozen=True)
class Frame:
    """Where a chart stands: id, title, what is split, days with a count, and how addresses are made."""

    key: str
    title: str
    ask: Ask
    counted: set[date]
    today: date
    coverage: str
    link: Callable[[Mapping[str, str]], str]


@dataclass
class _Bars:
    """The amounts by day and part, and the parts in the order in which they are stacked."""

    series: dict[Part, parts.Series]
    sums: dict[tuple[date, Part], Decimal | None] = field(default_factory=dict)


def chart(cells: Sequence[selectors.Cell], frame: Frame) -> parts.Chart | None:
    """Return the chart, None where there is too little or too much to draw."""
    days = _days(cells, frame)
    if not 1 < len(days) <= MOST_DAYS:
        return None
    bars = _Bars(_series(cells))
    for cell in cells:
        place = cell.day, _part(cell, bars.series)
        before = bars.sums.get(place)
        bars.sums[place] = before if cell.amount is None else (before or Decimal(0)) + cell.amount
    totals = {part: _total(bars, part, days) for part in bars.series}
    if all(total is None for total in totals.values()):
        return None
    return parts.Chart(
        key=frame.key,
        title=frame.title,
        kind="stack",
        axis=_("Day"),
        series=list(bars.series.values()),
        rows=[_row(bars, day, frame) for day in days],
        unit=selectors.currency(),
        totals=[formats.ABSENT if total is None else formats.money(total) for total in totals.values()],
        coverage_text=frame.coverage,
    )


def _total(bars: _Bars, part: Part, days: Sequence[date]) -> Decimal | None:
    known = [amount for day in days if (amount := bars.sums.get((day, part))) is not None]
    return sum(known, Decimal(0)) if known else None


def _row(bars: _Bars, day: date, frame: Frame) -> parts.ChartRow:
    one = {"from": day.isoformat(), "to": (day + asking.DAY).isoformat()}
    by = frame.ask.by if frame.ask.by != "day" else asking.HOUR
    points = [_point(bars, day, part, one, frame) for part in bars.series]
    return parts.ChartRow(formats.day(day), points, url=frame.link({**one, "by": by}))


def _point(bars: _Bars, day: date, part: Part, one: Mapping[str, str], frame: Frame) -> parts.Point:
    """A day of a part: a gap where nothing was counted or nothing has a price, else its amount."""
    if (day, part) not in bars.sums:
        return parts.Point(Decimal(0), formats.money(Decimal(0))) if day in frame.counted else parts.Point(None)
    amount = bars.sums[day, part]
    if amount is None:
        return parts.Point(None)
    word, filters = part
    narrower = dict(filters)
    if part not in (OTHERS, REST):
        narrower |= {"by": asking.NEXT.get(frame.ask.by, "cluster")} if filters else {"kind": word, "by": "cluster"}
    return parts.Point(amount, formats.money(amount), url=frame.link({"by": frame.ask.by, **one, **narrower}))


def _series(cells: Sequence[selectors.Cell]) -> dict[Part, parts.Series]:
    """Return the dearest parts in colour by name, the rest of them together, then the greys."""
    amounts: dict[Filters, Decimal] = {}
    names: dict[Filters, str] = {}
    words: set[str] = set()
    for cell in cells:
        if cell.word != asking.WORKLOAD:
            words.add(cell.word)
            continue
        amounts[cell.filters] = amounts.get(cell.filters, Decimal(0)) + (cell.amount or Decimal(0))
        names[cell.filters] = cell.name
    dearest = sorted(amounts, key=lambda one: (-amounts[one], one))
    shown = sorted(dearest[:MOST_SERIES], key=lambda one: (names[one].lower(), one))
    colours = _colours(shown)
    found: dict[Part, parts.Series] = {
        (asking.WORKLOAD, one): parts.Series(names[one] or presenting.KIND_WORDS[asking.WORKLOAD], colours[one])
        for one in shown
    }
    if len(dearest) > MOST_SERIES:
        found[REST] = parts.Series(_("%d others") % (len(dearest) - MOST_SERIES), grey=OTHER_GREY)
    for word, grey in GREYS.items():
        if word in words:
            found[word, ()] = parts.Series(presenting.KIND_WORDS[word], grey=grey)
    if words - set(GREYS):
        found[OTHERS] = parts.Series(_("Reserved, fees, unattached"), grey=OTHER_GREY)
    return found


def _part(cell: selectors.Cell, series: Mapping[Part, parts.Series]) -> Part:
    if cell.word != asking.WORKLOAD:
        return (cell.word, ()) if cell.word in GREYS else OTHERS
    part = (cell.word, cell.filters)
    return part if part in series else REST


def _colours(keys: Sequence[Filters]) -> dict[Filters, int]:
    """Return a colour by key that depends on the key alone, unless two on one chart would have the same."""
    taken: dict[int, Filters] = {}
    for key in sorted(keys):
        colour = crc32("/".join(text for _name, text in key).encode()) % COLOURS
        while colour in taken and len(taken) < COLOURS:
            colour = (colour + 1) % COLOURS
        taken[colour] = key
    return {key: colour + 1 for colour, key in taken.items()}


def _days(cells: Sequence[selectors.Cell], frame: Frame) -> list[date]:
    """Return the days of the axis: all that have begun, from the first with something in it where none is given."""
    known = {cell.day for cell in cells} | frame.counted
    if not known or not cells:
        return []
    start = frame.ask.start if frame.ask.start != asking.FIRST_DAY else min(known)
    end = min(frame.ask.end, max(frame.today + asking.DAY, max(known) + asking.DAY))
    return [start + number * asking.DAY for number in range(min((end - start).days, MOST_DAYS + 1))]
