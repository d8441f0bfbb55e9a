"""What new entries make of the rates a book holds: a new rate ends the old one of the same key. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.pricing.sheet import Entry, Key

Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Held:
    """A rate in the book."""

    id: int
    key: Key
    price: Decimal
    unit: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A held rate that holds for `left` alone from now on: nothing of it, its beginning, or parts around the new."""

    held: Held
    left: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import does."""

    added: tuple[Entry, ...]
    cut: tuple[Cut, ...]
    unchanged: tuple[Entry, ...]

    @property
    def ended(self) -> tuple[Cut, ...]:
        """The rates that go on holding for a part of their time."""
        return tuple(cut for cut in self.cut if cut.left)

    @property
    def replaced(self) -> tuple[Cut, ...]:
        """The rates of which nothing is left."""
        return tuple(cut for cut in self.cut if not cut.left)

    def touched(self) -> Span | None:
        """Return the span outside of which no price changes; None where none does."""
        if not self.added:
            return None
        ends = [entry.end for entry in self.added]
        open_end = any(end is None for end in ends)
        return (
            min(entry.start for entry in self.added),
            None if open_end else max(end for end in ends if end is not None),
        )


def plan(held: Iterable[Held], entries: Iterable[Entry]) -> Plan:
    """Compare. Entries of one key do not overlap each other, nor do held rates of one key."""
    by_key: dict[Key, list[Held]] = defaultdict(list)
    for rate in held:
        by_key[rate.key].append(rate)
    added: dict[Key, list[Entry]] = defaultdict(list)
    unchanged: list[Entry] = []
    for entry in entries:
        if any(_says(rate, entry) for rate in by_key[entry.key]):
            unchanged.append(entry)
        else:
            added[entry.key].append(entry)
    cuts = [cut for key, new in added.items() for rate in by_key[key] if (cut := _cut(rate, new)) is not None]
    return Plan(
        added=tuple(sorted((entry for new in added.values() for entry in new), key=lambda entry: entry.line)),
        cut=tuple(cuts),
        unchanged=tuple(unchanged),
    )


def _says(rate: Held, entry: Entry) -> bool:
    """Tell whether a held rate says all that the entry says."""
    inside = rate.start <= entry.start and (rate.end is None or (entry.end is not None and entry.end <= rate.end))
    return inside and rate.price == entry.price and rate.unit == entry.unit


def _cut(rate: Held, new: Sequence[Entry]) -> Cut | None:
    left: list[Span] = [(rate.start, rate.end)]
    for entry in new:
        left = [part for span in left for part in _without(span, (entry.start, entry.end))]
    return None if left == [(rate.start, rate.end)] else Cut(rate, tuple(left))


def _without(span: Span, taken: Span) -> list[Span]:
    (start, end), (begin, stop) = span, taken
    if (end is not None and end <= begin) or (stop is not None and stop <= start):
        return [span]
    parts: list[Span] = [(start, begin)] if start < begin else []
    if stop is not None and (end is None or stop < end):
        parts.append((stop, end))
    return parts
