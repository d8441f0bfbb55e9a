"""Writing down what a pass reads: rows with the position behind them, under the lease, one transaction at a time."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from clusters.inventory.lease import Grip
from clusters.inventory.merge import tables
from clusters.inventory.merge.apply import Applied, Store
from clusters.inventory.merge.tables import OddObject, Values
from clusters.inventory.models import Stream
from clusters.kube.objects.metadata import Event, Item
from clusters.kube.objects.table import Kind

# Rows of one transaction; also the size of a page.
CHUNK = 500
KNOWN_CHUNK = 5_000

_SAVED = (
    ("state", "text"),
    ("code", "text"),
    ("text", "text"),
    ("remedy", "text"),
    ("since", "timestamptz"),
    ("resource_version", "text"),
    ("objects_live", "bigint"),
    ("odd", "bigint"),
    ("received", "bigint"),
    ("requests", "bigint"),
    ("last_ok_at", "timestamptz"),
    ("last_event_at", "timestamptz"),
    ("listed_at", "timestamptz"),
    ("due_at", "timestamptz"),
    ("fails", "integer"),
    ("held_known", "bigint"),
    ("held_seen", "bigint"),
)
_UPDATES = ", ".join(f"{name} = given.{name}" for name, _type in _SAVED)
_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in _SAVED)
_SAVE = f"""UPDATE stream SET {_UPDATES} FROM jsonb_to_recordset(%s::jsonb) AS given(id bigint, {_COLUMNS})
WHERE stream.id = given.id"""  # noqa: S608 - constants


class PassClock:
    """The time of a pass: what its caller says at the beginning, then as much later as has passed since."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._begun = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def now(self) -> datetime:
        """The instant, in whole seconds."""
        return self._at + timedelta(seconds=int(self.elapsed))


class Reading:
    """One kind of one cluster while a pass reads it. `stream` is its row, changed here and saved with the rows."""

    def __init__(self, stream: Stream, kind: Kind, *, grip: Grip, store: Store, clock: PassClock) -> None:
        self.stream = stream
        self.kind = kind
        self.grip = grip
        self.clock = clock
        self.done = Applied()
        self.listed = 0
        self._store = store

    def known(self) -> dict[str, str]:
        """Return the live objects as {uid: resourceVersion}."""
        found: dict[str, str] = {}
        where, values = "cluster_id = %s AND gone_at IS NULL", [str(self.grip.cluster_id)]
        if self.kind.table in tables.SHARED:
            where, values = where + " AND kind = %s", [*values, self.kind.kubernetes_kind]
        statement = f"SELECT uid, resource_version FROM {self.kind.table} WHERE {where}"  # noqa: S608 - constants
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(statement, values)
            while rows := cursor.fetchmany(KNOWN_CHUNK):
                found.update(rows)
        return found

    def take_items(self, items: Sequence[Item]) -> None:
        """Write the changed items of a page. The position stays where it is until the list has ended."""
        for start in range(0, len(items), CHUNK):
            rows, bodies = self._rows([(item, False) for item in items[start : start + CHUNK]])
            self._write(rows, bodies, (), self.stream.resource_version)

    def take_events(self, events: Iterable[Event], resource_version: str) -> None:
        """Write a batch of a watch and its position: the last event of each object counts.

        The earlier events of a pod count too, where they know of an earlier start.
        """
        latest: dict[str, tuple[Item, bool]] = {}
        starts: dict[str, Values] = {}
        undone: list[str] = []
        for event in events:
            uid = event.object.metadata.uid
            if uid in latest and self.kind.table == "pod":
                self._note_start(starts, latest[uid][0])
            latest[uid] = (event.object, event.type == "DELETED")
        rows, bodies = self._rows(latest.values(), undone)
        rows = [tables.earliest(starts[row[0]], row) if row[0] in starts else row for row in rows]
        self._write(rows, bodies, undone, resource_version or self.stream.resource_version)

    def end_list(self, resource_version: str, left: Sequence[str], *, last_ok: datetime | None) -> None:
        """Mark what a complete list no longer holds, and move to the list's position."""
        now = self.clock.now()
        with transaction.atomic(), connection.cursor() as cursor:
            self.grip.hold(cursor)
            if left:
                self._note(self._store.sweep(cursor, self.kind.table, left, at=now, last_ok=last_ok))
            self.stream.resource_version = resource_version
            self.stream.listed_at = now
            save(cursor, [self.stream])
            if self.stream.release_asked:
                # Not among what is saved: a person may ask while a pass runs.
                Stream.objects.filter(pk=self.stream.pk).update(release_asked=False)
                self.stream.release_asked = False

    def _note_start(self, starts: dict[str, Values], item: Item) -> None:
        try:
            values = tables.values_of(self.kind, item)
        except OddObject:
            return  # counted when the last version of it is odd, too
        uid = item.metadata.uid
        starts[uid] = tables.earliest(starts[uid], values) if uid in starts else values

    def _rows(
        self, items: Iterable[tuple[Item, bool]], undone: list[str] | None = None
    ) -> tuple[list[Values], list[tuple[str, bytes]]]:
        """Values and bodies; an odd object is counted, and named in `undone` where it is gone."""
        rows: list[Values] = []
        bodies: list[tuple[str, bytes]] = []
        for item, gone in items:
            whole = len(rows)
            try:
                rows.append(tables.values_of(self.kind, item, gone=gone))
                if self.kind.with_body:
                    bodies.append((item.metadata.uid, self._store.packed(tables.body_of(item))))
            except (OddObject, ValueError):
                self.stream.odd += 1
                del rows[whole:]
                if gone and undone is not None:
                    undone.append(item.metadata.uid)
        return rows, bodies

    def _write(
        self,
        rows: list[Values],
        bodies: list[tuple[str, bytes]],
        undone: Sequence[str],
        resource_version: str,
    ) -> None:
        """The position moves with the rows: where they are not written, it stays."""
        now = self.clock.now()
        with transaction.atomic(), connection.cursor() as cursor:
            self.grip.hold(cursor)
            self._note(self._store.merge(cursor, self.kind.table, rows, bodies, now))
            if undone:
                self._note(self._store.sweep(cursor, self.kind.table, undone, at=now, last_ok=now))
            self.stream.resource_version = resource_version
            save(cursor, [self.stream])

    def _note(self, applied: Applied) -> None:
        self.done.add(applied)
        self.stream.objects_live += applied.appeared - applied.vanished
        if applied.written:
            self.stream.last_event_at = self.clock.now()


def save(cursor: CursorWrapper, streams: Sequence[Stream]) -> None:
    """Write streams as they stand, in one statement."""
    rows: list[dict[str, Any]] = [
        {"id": stream.pk, **{name: getattr(stream, name) for name, _type in _SAVED}} for stream in streams
    ]
    cursor.execute(_SAVE, [msgspec.json.encode(rows).decode()])
