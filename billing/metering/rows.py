"""Segments to and from the database, by the thousand."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from billing.metering.lives import Life, Measure, Thing
from clusters.inventory.merge import copying

MEASURE = (
    "cpu_m",
    "memory_bytes",
    "gpu_m",
    "storage_bytes",
    "units",
    "reserved_cpu_m",
    "reserved_memory_bytes",
    "reserved_gpu_m",
    "price_key_id",
    "owner_kind",
    "owner_name",
    "label_set_id",
    "provider_id",
    "namespace_uid",
    "node_name",
    "node_uid",
)
WRITTEN = ("cluster_id", "kind", "uid", "name", "starts_at", "ends_at", "seen_at", "end_flag", "namespace_name")
_COPY = f"COPY segment ({', '.join(WRITTEN + MEASURE)}) FROM STDIN WITH (NULL E'\\x02')"
_LOAD = f"""
SELECT s.id, s.kind, s.uid, s.name, s.starts_at, s.ends_at, s.seen_at, s.end_flag, s.namespace_name,
       {", ".join(f"s.{name}" for name in MEASURE)}
FROM unnest(%s::text[], %s::text[]) AS asked(kind, uid)
JOIN segment s ON s.cluster_id = %s AND s.kind = asked.kind AND s.uid = asked.uid
ORDER BY s.kind, s.uid, s.starts_at"""  # noqa: S608 - the names are constants of this module
_KEY_COLUMNS = ("asset", "instance_type", "region", "capacity_class", "storage_class", "provider_id")
_LONGEST = 253
NO_LABELS = "{}"


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """The columns of a price key, cut to the length of the longest name Kubernetes gives."""

    asset: str
    instance_type: str = ""
    region: str = ""
    capacity_class: str = ""
    storage_class: str = ""
    provider_id: str = ""

    def columns(self) -> tuple[str, ...]:
        """Return the columns in the order of the table."""
        given = (self.asset, self.instance_type, self.region, self.capacity_class, self.storage_class)
        return (*(text[:_LONGEST] for text in given), self.provider_id)


@dataclass(frozen=True, slots=True)
class NodeLife:
    """When the name of a node meant which machine."""

    uid: str
    starts_at: datetime
    ends_at: datetime | None


def intern_keys(cursor: CursorWrapper, keys: Iterable[Key]) -> dict[Key, int]:
    """Return the ids of price keys, making the missing ones. Sorted, so that two of these never wait for each other."""
    asked = sorted(set(keys))
    if not asked:
        return {}
    columns = [list(column) for column in zip(*(key.columns() for key in asked), strict=True)]
    given = "unnest(" + ", ".join(["%s::text[]"] * 6) + ")"
    names = ", ".join(_KEY_COLUMNS)
    cursor.execute(
        f"INSERT INTO price_key ({names}) SELECT * FROM {given} ON CONFLICT DO NOTHING",  # noqa: S608 - constants
        columns,
    )
    cursor.execute(
        f"SELECT {names}, id FROM price_key WHERE ({names}) IN (SELECT * FROM {given})",  # noqa: S608 - constants
        columns,
    )
    found = {tuple(row[:-1]): row[-1] for row in cursor.fetchall()}
    return {key: found[key.columns()] for key in asked}


def intern_labels(cursor: CursorWrapper, texts: Iterable[str]) -> dict[str, int]:
    """Return the ids of sets of labels, each a JSON object, making the missing ones; the empty set has none."""
    asked = sorted(set(texts) - {NO_LABELS})
    if not asked:
        return {}
    given = "unnest(%s::text[]) AS given"
    cursor.execute(
        f"INSERT INTO label_set (labels) SELECT DISTINCT given::jsonb FROM {given} ORDER BY 1 ON CONFLICT DO NOTHING",  # noqa: S608 - constants
        [asked],
    )
    cursor.execute(f"SELECT given, id FROM {given} JOIN label_set ON labels = given::jsonb", [asked])  # noqa: S608 - constants
    return dict(cursor.fetchall())


def load(cursor: CursorWrapper, cluster_id: UUID, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Thing]:
    """Return the things with all their segments; one that has none is there too."""
    things = {(kind, uid): Thing(kind, uid) for kind, uid in asked}
    kinds, uids = [kind for kind, _uid in things], [uid for _kind, uid in things]
    cursor.execute(_LOAD, [kinds, uids, cluster_id])
    for row in cursor.fetchall():
        number, kind, uid, name, starts_at, ends_at, seen_at, flag, namespace_name, *measure = row
        thing = things[kind, uid]
        thing.name = name
        life = Life(starts_at, ends_at, seen_at, _measure(measure), flag, namespace_name, number, changed=False)
        thing.lives.append(life)
    return things


def _measure(values: Sequence[Any]) -> Measure:
    # Sizes are numeric(30, 0): whole, and read as Decimal.
    cpu, memory, gpu, storage, units, reserved_cpu, reserved_memory, *rest = values
    return Measure(cpu, int(memory), gpu, int(storage), units, reserved_cpu, int(reserved_memory), *rest)


def store(cursor: CursorWrapper, cluster_id: UUID, things: Iterable[Thing]) -> int:
    """Write what changed: stored rows that are out of date are replaced. Returns how many rows were written."""
    stale: list[int] = []
    fresh: list[tuple[Any, ...]] = []
    for thing in things:
        stale += thing.out_of_date()
        fresh += [_line(cluster_id, thing, life) for life in thing.lives if life.changed]
    if stale:
        cursor.execute("DELETE FROM segment WHERE id = ANY(%s)", [stale])
    write(cursor, fresh)
    return len(fresh)


def write(cursor: CursorWrapper, lines: Sequence[tuple[Any, ...]]) -> None:
    """Write rows of `WRITTEN + MEASURE`."""
    if lines:
        with cursor.db.wrap_database_errors:
            cursor.copy_expert(_COPY, copying.text(lines))


def _line(cluster_id: UUID, thing: Thing, life: Life) -> tuple[Any, ...]:
    return (
        str(cluster_id),
        thing.kind,
        thing.uid,
        thing.name,
        life.starts_at,
        life.ends_at,
        life.seen_at,
        life.end_flag,
        life.namespace_name,
        *of(life.measure),
    )


def of(measure: Measure) -> tuple[Any, ...]:
    """Return a measure as columns."""
    return (
        measure.cpu_m,
        measure.memory_bytes,
        measure.gpu_m,
        measure.storage_bytes,
        measure.units,
        measure.reserved_cpu_m,
        measure.reserved_memory_bytes,
        measure.reserved_gpu_m,
        measure.price_key,
        measure.owner_kind,
        measure.owner_name,
        measure.label_set,
        measure.provider_id,
        measure.namespace_uid,
        measure.node_name,
        measure.node_uid,
    )


def node_lives(cursor: CursorWrapper, cluster_id: UUID, names: Iterable[str]) -> dict[str, list[NodeLife]]:
    """Return the lives of the named nodes, oldest first."""
    asked = list(names)
    lives: dict[str, list[NodeLife]] = defaultdict(list)
    if asked:
        cursor.execute(
            "SELECT name, uid, starts_at, ends_at FROM segment"
            " WHERE cluster_id = %s AND kind = 'node' AND name = ANY(%s) ORDER BY starts_at, id",
            [cluster_id, asked],
        )
        for name, uid, starts_at, ends_at in cursor.fetchall():
            lives[name].append(NodeLife(uid, starts_at, ends_at))
    return lives


def namespace_names(cursor: CursorWrapper, cluster_id: UUID, uids: Iterable[str]) -> dict[str, str]:
    """Return the names of namespaces that have been read."""
    asked = list(uids)
    if not asked:
        return {}
    cursor.execute("SELECT uid, name FROM namespace WHERE cluster_id = %s AND uid = ANY(%s)", [cluster_id, asked])
    return dict(cursor.fetchall())
