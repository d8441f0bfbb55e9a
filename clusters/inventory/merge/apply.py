"""Running the statements, inside the caller's transaction and after its lease check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import zstandard
from django.db.backends.utils import CursorWrapper
from psycopg2 import Binary

from clusters.inventory import quota_history
from clusters.inventory.merge import copying, statements, tables
from clusters.inventory.merge.tables import TABLES, Table, Values

# Below this many rows one statement with its values is cheaper than COPY's fixed cost.
FEW = 20
SWEEP_ROWS = 5_000
Bodies = Sequence[tuple[str, bytes]]


@dataclass
class Applied:
    """What one transaction changed: rows written, live rows that appeared, and live rows that went."""

    written: int = 0
    appeared: int = 0
    vanished: int = 0

    def add(self, other: "Applied") -> None:
        """Add another transaction's."""
        self.written += other.written
        self.appeared += other.appeared
        self.vanished += other.vanished


class Store:
    """Writes what was read of one cluster. `label_keys` are the labels that billing keeps."""

    def __init__(self, cluster_id: UUID, label_keys: Sequence[str]) -> None:
        self.cluster_id = cluster_id
        self._label_keys = list(label_keys)
        self._compress = zstandard.ZstdCompressor(level=1).compress

    def packed(self, body: bytes) -> bytes:
        """Compress a body."""
        return self._compress(body)

    def merge(
        self, cursor: CursorWrapper, table_name: str, rows: list[Values], bodies: Bodies, at: datetime
    ) -> Applied:
        """Write the rows that differ from the stored ones, the facts that follow, and the bodies."""
        if not rows:
            return Applied()
        table = TABLES[table_name]
        small = len(rows) <= FEW
        statement = statements.merge(table_name, small=small, labelled=self._labelled)
        values = self._values(at)
        if small:
            values["rows"] = tables.as_json(table, rows)
        else:
            _copy_rows(cursor, table, rows)
        cursor.execute(statement, values)
        appeared, vanished, written, inserted, relabelled = cursor.fetchone()
        self._put_bodies(cursor, bodies)
        if table_name == "namespace" and inserted:
            self.link(cursor, inserted, at)
        if table_name == "quota":
            quota_history.note(cursor, cluster_id=self.cluster_id, uids=[row[0] for row in rows], at=at)
        if relabelled:
            cursor.execute(statements.relabel(), {**self._values(at), "namespaces": relabelled})
        return Applied(written, appeared, vanished)

    def sweep(
        self,
        cursor: CursorWrapper,
        table_name: str,
        uids: Sequence[str],
        *,
        at: datetime,
        last_ok: datetime | None,
    ) -> Applied:
        """Mark objects as gone that no list holds any more."""
        statement = statements.sweep(table_name, labelled=self._labelled)
        gone = Applied()
        for start in range(0, len(uids), SWEEP_ROWS):
            some = list(uids[start : start + SWEEP_ROWS])
            cursor.execute(statement, {**self._values(at), "uids": some, "last_ok": last_ok})
            count = cursor.fetchone()[0]
            gone.add(Applied(written=count, vanished=count))
        return gone

    def link(self, cursor: CursorWrapper, namespaces: Sequence[int], at: datetime) -> None:
        """Give rows that were read before these new namespaces their namespace."""
        for table_name in statements.LINKED:
            cursor.execute(
                statements.link(table_name, labelled=self._labelled),
                {**self._values(at), "namespaces": list(namespaces)},
            )

    @property
    def _labelled(self) -> bool:
        return bool(self._label_keys)

    def _values(self, at: datetime) -> dict[str, Any]:
        return {"cluster": self.cluster_id, "at": at, "label_keys": self._label_keys}

    def _put_bodies(self, cursor: CursorWrapper, bodies: Bodies) -> None:
        if not bodies:
            return
        if len(bodies) <= FEW:
            values: dict[str, Any] = {
                "cluster": self.cluster_id,
                "uids": [uid for uid, _body in bodies],
                "bodies": [Binary(body) for _uid, body in bodies],
            }
            cursor.execute(statements.PUT_BODIES, values)
            return
        cursor.execute(statements.INCOMING_BODIES)
        cursor.execute("DELETE FROM incoming_body")
        cursor.copy_expert(statements.COPY_BODIES, copying.binary(bodies))
        cursor.execute(statements.MERGE_BODIES, {"cluster": self.cluster_id})


def _copy_rows(cursor: CursorWrapper, table: Table, rows: list[Values]) -> None:
    cursor.execute(statements.incoming_table(table))
    # Emptied by the commit, but not where several pages share one transaction.
    cursor.execute(f"DELETE FROM incoming_{table.name}")  # noqa: S608 - a constant
    cursor.copy_expert(statements.copy_rows(table), copying.text(rows))
