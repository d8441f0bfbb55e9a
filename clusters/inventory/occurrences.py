"""Reading events: what clusters report about their objects, added up per object and reason, and kept for a day.

An Event has a life of an hour in its cluster and counts its own repeats. Each is remembered with the count last seen,
so that a list read again, or a repeat, adds the difference alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from clusters.inventory.merge import tables
from clusters.inventory.merge.tables import OddObject
from clusters.inventory.reading import CHUNK, Reading, save
from clusters.kube.objects.metadata import Event, Item, Odd
from clusters.kube.objects.occurrence import OccurrenceRow

KEPT = timedelta(days=1)
# Rows of one cluster: a storm of events pushes the oldest out.
MOST = 10_000
# Events remembered by one row beside those of the last batch; what is forgotten stays counted.
REMEMBERED = 50

Key = tuple[str, str, str, str, str]


@dataclass
class Sum:
    """What a batch says about one object for one reason. `counts` are {uid of an Event: its count}."""

    row: OccurrenceRow
    first_at: datetime
    last_at: datetime
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, uid: str, row: OccurrenceRow, first_at: datetime, last_at: datetime) -> None:
        """Take another Event in; what it says counts where it is the latest."""
        self.counts[uid] = max(self.counts.get(uid, 0), row.count)
        self.first_at = min(self.first_at, first_at)
        if last_at >= self.last_at:
            self.row, self.last_at = row, last_at


class OccurrenceReading(Reading):
    """A `Reading` whose objects are added up. Nothing is known by uid, so no list ever finds anything gone."""

    def known(self) -> dict[str, str]:
        """Return nothing: every Event of a list is looked at again."""
        return {}

    def take_items(self, items: Sequence[Item]) -> None:
        """Add a page up."""
        for start in range(0, len(items), CHUNK):
            self._add(items[start : start + CHUNK], self.stream.resource_version)

    def take_events(self, events: Iterable[Event], resource_version: str) -> None:
        """Add a batch of a watch up. That an Event's life ended says nothing about what it reported."""
        items = [event.object for event in events if event.type != "DELETED"]
        self._add(items, resource_version or self.stream.resource_version)

    def end_list(self, resource_version: str, left: Sequence[str], *, last_ok: datetime | None) -> None:
        """Move to the list's position, and forget what is too old."""
        with transaction.atomic(), connection.cursor() as cursor:
            self.grip.hold(cursor)
            self._note_size(cursor)
            self.stream.resource_version = resource_version
            self.stream.listed_at = self.clock.now()
            save(cursor, [self.stream])

    def _add(self, items: Sequence[Item], resource_version: str) -> None:
        sums = self._sums(items)
        with transaction.atomic(), connection.cursor() as cursor:
            self.grip.hold(cursor)
            if sums:
                self.done.written += merge(cursor, self.grip.cluster_id, sums)
                self.stream.last_event_at = self.clock.now()
                self._note_size(cursor)
            self.stream.resource_version = resource_version
            save(cursor, [self.stream])

    def _sums(self, items: Sequence[Item]) -> dict[Key, Sum]:
        now = self.clock.now()
        found: dict[Key, Sum] = {}
        for item in items:
            try:
                row = self._row(item)
            except (Odd, OddObject):
                self.stream.odd += 1
                continue
            last_at = min(row.last_at or now, now).replace(microsecond=0)
            first_at = min(row.first_at or last_at, last_at).replace(microsecond=0)
            if last_at < now - KEPT:
                continue
            if (key := _key(row)) not in found:
                found[key] = Sum(row, first_at, last_at)
            found[key].add(item.metadata.uid, row, first_at, last_at)
        return found

    def _row(self, item: Item) -> OccurrenceRow:
        row = self.kind.extract(item)
        if not isinstance(row, OccurrenceRow):
            raise OddObject("not an event")
        values = msgspec.structs.astuple(row)
        tables.demand_storable(values)
        return row

    def _note_size(self, cursor: CursorWrapper) -> None:
        forget(cursor, before=self.clock.now() - KEPT, cluster_id=self.grip.cluster_id)
        cursor.execute("SELECT count(*) FROM occurrence WHERE cluster_id = %s", [self.grip.cluster_id])
        live = int(cursor.fetchone()[0])
        if live > MOST:
            cursor.execute(_PUSH_OUT, {"cluster": self.grip.cluster_id, "rows": live - MOST})
            live = MOST
        self.stream.objects_live = live


def _key(row: OccurrenceRow) -> Key:
    return row.involved_uid, row.involved_kind, row.involved_namespace, row.involved_name, row.reason


_KEYS = ("involved_uid", "involved_kind", "involved_namespace", "involved_name", "reason")
_FOUND = f"""SELECT o.id, {", ".join("o." + name for name in _KEYS)}, o.count, o.counted, o.first_at, o.last_at
FROM jsonb_to_recordset(%(keys)s::jsonb) AS given({", ".join(name + " text" for name in _KEYS)})
JOIN occurrence o ON o.cluster_id = %(cluster)s AND {" AND ".join(f"o.{name} = given.{name}" for name in _KEYS)}"""  # noqa: S608 - constants
_COLUMNS = {
    **dict.fromkeys(_KEYS, "text"),
    "type": "text",
    "message": "text",
    "source": "text",
    "count": "bigint",
    "counted": "jsonb",
    "first_at": "timestamptz",
    "last_at": "timestamptz",
}
_NAMES = ", ".join(_COLUMNS)
_KEPT_FIELDS = [name for name in _COLUMNS if name not in _KEYS]
_WRITE = f"""INSERT INTO occurrence (cluster_id, namespace_id, {_NAMES})
SELECT %(cluster)s, (SELECT n.id FROM namespace n WHERE n.cluster_id = %(cluster)s
        AND n.name = given.involved_namespace AND n.gone_at IS NULL ORDER BY n.id DESC LIMIT 1), {_NAMES}
FROM jsonb_to_recordset(%(rows)s::jsonb) AS given({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
ON CONFLICT (cluster_id, {", ".join(_KEYS)}) DO UPDATE SET
    {", ".join(f"{name} = EXCLUDED.{name}" for name in _KEPT_FIELDS)},
    namespace_id = COALESCE(occurrence.namespace_id, EXCLUDED.namespace_id)"""  # noqa: S608 - constants
_PUSH_OUT = """DELETE FROM occurrence WHERE id IN (SELECT id FROM occurrence WHERE cluster_id = %(cluster)s
    ORDER BY last_at, id LIMIT %(rows)s)"""


def merge(cursor: CursorWrapper, cluster_id: UUID, sums: dict[Key, Sum]) -> int:
    """Add sums to what is stored; returns how many rows changed. One writer per cluster: the lease's holder."""
    keys = [dict(zip(_KEYS, key, strict=True)) for key in sums]
    cursor.execute(_FOUND, {"cluster": cluster_id, "keys": msgspec.json.encode(keys).decode()})
    stored = {tuple(found[1:6]): found[6:] for found in cursor.fetchall()}
    rows = [row for key, each in sums.items() if (row := _joined(key, each, stored.get(key)))]
    if rows:
        cursor.execute(_WRITE, {"cluster": cluster_id, "rows": msgspec.json.encode(rows).decode()})
    return len(rows)


def _joined(key: Key, each: Sum, stored: tuple[Any, ...] | None) -> dict[str, Any] | None:
    """Return the row to write, None where nothing is new."""
    count, counted, first_at, last_at = stored or (0, {}, each.first_at, each.last_at)
    before: dict[str, int] = msgspec.json.decode(counted) if isinstance(counted, str) else counted
    more = sum(max(now - before.get(uid, 0), 0) for uid, now in each.counts.items())
    if stored is not None and not more and each.last_at <= last_at:
        return None
    remembered = {uid: max(now, before.get(uid, 0)) for uid, now in each.counts.items()}
    # JSON objects keep no order: which of the others is forgotten is left to chance.
    others = [(uid, seen) for uid, seen in before.items() if uid not in remembered]
    remembered |= dict(others[: max(REMEMBERED - len(remembered), 0)])
    return {
        **dict(zip(_KEYS, key, strict=True)),
        "type": each.row.type,
        "message": each.row.message,
        "source": each.row.source,
        "count": count + more,
        "counted": remembered,
        "first_at": min(first_at, each.first_at),
        "last_at": max(last_at, each.last_at),
    }


def forget(cursor: CursorWrapper, *, before: datetime, cluster_id: UUID | None = None) -> int:
    """Delete what was last reported before an instant, of one cluster or of all. Returns how many rows."""
    if cluster_id is None:
        cursor.execute("DELETE FROM occurrence WHERE last_at < %s", [before])
    else:
        cursor.execute("DELETE FROM occurrence WHERE cluster_id = %s AND last_at < %s", [cluster_id, before])
    return int(cursor.rowcount)
