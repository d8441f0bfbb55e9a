"""Which of a book's rates fits a thing, and for which hours nothing fits. Pure.

The rule is that of the ledger's close: of the rates whose filled columns all equal the thing's, the one with the
first filled column in the order provider id, instance type, region, class, storage class. The price of a whole node
beats those of its parts unless one of these fits more closely.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

PARTS = ("core", "memory", "gpu")
# Order of weight; the names are the columns of a rate and of a thing alike.
COLUMNS = ("provider_id", "instance_type", "region", "capacity_class", "storage_class")
Closeness = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Dated:
    """A rate without its price."""

    asset: str
    instance_type: str
    region: str
    capacity_class: str
    storage_class: str
    provider_id: str
    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Tell whether the rate is valid at an instant."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Thing:
    """What decides a price; `provider_id` is filled only where some rate names it."""

    asset: str
    instance_type: str = ""
    region: str = ""
    capacity_class: str = ""
    storage_class: str = ""
    provider_id: str = ""
    has_gpu: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which `missing` (the thing's asset, or parts of a node) has no price."""

    start: datetime
    end: datetime
    missing: tuple[str, ...]


def gaps(thing: Thing, rates: Iterable[Dated], start: datetime, end: datetime) -> list[Gap]:
    """Return where in [start, end) the thing is not, or not wholly, priced."""
    fitting = [rate for rate in rates if _closeness(rate, thing) is not None]
    found: list[Gap] = []
    for begin, stop in _spans(fitting, start, end):
        missing = _missing(thing, [rate for rate in fitting if rate.holds(begin)])
        if missing and found and found[-1].end == begin and found[-1].missing == missing:
            found[-1] = Gap(found[-1].start, stop, missing)
        elif missing:
            found.append(Gap(begin, stop, missing))
    return found


def _spans(rates: Sequence[Dated], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    edges = {edge for rate in rates for edge in (rate.start, rate.end) if edge is not None and start < edge < end}
    marks = [start, *sorted(edges), end]
    return zip(marks, marks[1:], strict=False) if start < end else iter(())


def _missing(thing: Thing, rates: Sequence[Dated]) -> tuple[str, ...]:
    whole = _closest(thing.asset, thing, rates)
    if thing.asset != "node":
        return () if whole is not None else (thing.asset,)
    parts = {asset: _closest(asset, thing, rates) for asset in PARTS}
    closest = max((found for found in parts.values() if found is not None), default=())
    if whole is not None and whole >= closest:
        return ()
    needed = PARTS if thing.has_gpu else PARTS[:2]
    missing = tuple(asset for asset in needed if parts[asset] is None)
    return ("node",) if missing == needed else missing


def _closest(asset: str, thing: Thing, rates: Sequence[Dated]) -> Closeness | None:
    fits = (_closeness(rate, thing) for rate in rates if rate.asset == asset)
    return max((fit for fit in fits if fit is not None), default=None)


def _closeness(rate: Dated, thing: Thing) -> Closeness | None:
    """Return which columns of the rate are filled, in order of weight; None where one does not fit."""
    pairs = [(getattr(rate, column), getattr(thing, column)) for column in COLUMNS]
    if any(wanted and wanted != given for wanted, given in pairs):
        return None
    return tuple(bool(wanted) for wanted, _given in pairs)
