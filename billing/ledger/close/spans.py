"""The slices of a range: what the oracle calls hours cut where a billing day begins, clipped to what is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.backends.utils import CursorWrapper

from billing.ledger.allocation import spans
from portal.core.periods import Period

_SLICE = """
DROP TABLE IF EXISTS close_slice;
CREATE TEMP TABLE close_slice ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::date[], %s::timestamptz[])
    AS slice(slice, hour, starts_at, ends_at, day, rated_at);
ANALYZE close_slice"""
_CHANGES = """
SELECT edge FROM rate, LATERAL (VALUES (lower(period)), (upper(period))) AS edges(edge)
WHERE book_id = %s AND edge > %s AND edge < %s GROUP BY edge ORDER BY edge"""


@dataclass(frozen=True, slots=True)
class Window:
    """What is counted of whole hours: `counted` is empty when nothing of them is."""

    counted: Period
    slices: Sequence[spans.Slice]


def cut(counted: Period, zone: ZoneInfo) -> Window:
    """Cut what is counted into slices."""
    return Window(counted, spans.Slices(counted, zone).all)


def write(cursor: CursorWrapper, window: Window, book_id: UUID | None) -> None:
    """Fill `close_slice`; `rated_at` is the first hour of the range with the same rates in force."""
    cursor.execute(_CHANGES, [book_id, window.counted.start, window.counted.end])
    changes = [edge for (edge,) in cursor.fetchall()]
    slices = window.slices
    columns: list[list[Any]] = [
        list(range(len(slices))),
        [one.hour for one in slices],
        [one.span.start for one in slices],
        [one.span.end for one in slices],
        [one.day for one in slices],
        [_rated_at(one.hour, changes, slices[0].hour) for one in slices],
    ]
    cursor.execute(_SLICE, columns)


def _rated_at(hour: datetime, changes: Sequence[datetime], first: datetime) -> datetime:
    return max([first, *(edge for edge in changes if edge <= hour)])
