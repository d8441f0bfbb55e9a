"""The fold of one cluster's facts into segments, batch by batch; each batch is one transaction that ends its facts.

Killed anywhere, a fold leaves whole batches behind, and the next one goes on. Facts of nodes come first, whatever
their order among other things, so that pods find the machines they run on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing.metering import rows
from billing.metering.lives import DETACHED, Life, Measure, Sighting, Thing

BATCH = 10_000
# The first key of the advisory lock that lets one fold of a cluster run at a time.
LOCK = 6_301
MILLI = 1000
_TAKE = """
WITH next AS (
    SELECT id FROM charged_fact WHERE cluster_id = %s ORDER BY kind <> 'node', id LIMIT %s
), taken AS (
    DELETE FROM charged_fact USING next WHERE charged_fact.id = next.id RETURNING charged_fact.*
)
SELECT kind, uid, name, observed_at, started_at, ended_at, end_flag,
       cpu_m, memory_bytes, gpu_m, storage_bytes, units, reserved_cpu_m, reserved_memory_bytes, reserved_gpu_m,
       owner_kind, owner_name, labels::text, instance_type, region, capacity_class, storage_class, provider_id,
       CASE kind WHEN 'volume' THEN claim_namespace_uid WHEN 'node' THEN '' ELSE namespace_uid END,
       CASE kind WHEN 'pod' THEN node_name ELSE '' END, CASE kind WHEN 'pod' THEN node_uid ELSE '' END
FROM taken ORDER BY id"""
_HOMELESS = """
UPDATE segment SET node_uid = found.uid
FROM (
    SELECT DISTINCT ON (pod.id) pod.id, node.uid
    FROM segment pod
    JOIN segment node ON node.cluster_id = pod.cluster_id AND node.kind = 'node' AND node.name = pod.node_name
        AND node.starts_at < COALESCE(pod.ends_at, 'infinity') AND COALESCE(node.ends_at, 'infinity') > pod.starts_at
    WHERE pod.cluster_id = %s AND pod.kind = 'pod' AND pod.node_uid = '' AND pod.node_name <> ''
    ORDER BY pod.id, node.starts_at <= pod.starts_at DESC, abs(extract(epoch FROM node.starts_at - pod.starts_at))
) found
WHERE segment.id = found.id"""
_NAMELESS = """
UPDATE segment SET namespace_name = namespace.name
FROM namespace
WHERE segment.cluster_id = %s AND segment.namespace_name = '' AND segment.namespace_uid <> ''
    AND namespace.cluster_id = segment.cluster_id AND namespace.uid = segment.namespace_uid"""


@dataclass
class Folded:
    """What a fold did: facts taken in, and segments written."""

    facts: int = 0
    written: int = 0

    def as_result(self) -> dict[str, int]:
        """Return the counts for a job's row."""
        return {"facts": self.facts, "segments": self.written}


def lock(cursor: CursorWrapper, cluster_id: UUID) -> None:
    """Wait for other folds of the cluster and hold them off until the end of the transaction."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, str(cluster_id)])


def fold_facts(cluster_id: UUID, *, alive: Callable[[int], None], batch: int = BATCH) -> Folded:
    """Take in every fact of the cluster. `alive` is called with the facts done so far, and may end it by raising."""
    done = Folded()
    taken = batch
    while taken == batch:
        with transaction.atomic(), connection.cursor() as cursor:
            lock(cursor, cluster_id)
            sightings = _take(cursor, cluster_id, batch)
            taken = len(sightings)
            done.written += _fold(cursor, cluster_id, sightings)
            if taken < batch:
                cursor.execute(_HOMELESS, [cluster_id])
                cursor.execute(_NAMELESS, [cluster_id])
        done.facts += taken
        alive(done.facts)
    return done


def close_open(cluster_id: UUID, *, at: datetime, batch: int = BATCH) -> int:
    """End what is open at an instant, because nothing was confirmed after it. Returns how many things ended."""
    ended, closed = 0, batch
    while closed == batch:
        with transaction.atomic(), connection.cursor() as cursor:
            lock(cursor, cluster_id)
            cursor.execute(
                "SELECT kind, uid FROM segment WHERE cluster_id = %s AND ends_at IS NULL LIMIT %s", [cluster_id, batch]
            )
            things = rows.load(cursor, cluster_id, [(kind, uid) for kind, uid in cursor.fetchall()])
            for thing in things.values():
                thing.close(at, DETACHED)
            rows.store(cursor, cluster_id, things.values())
            closed = len(things)
        ended += closed
    return ended


def _take(cursor: CursorWrapper, cluster_id: UUID, batch: int) -> list[Sighting]:
    cursor.execute(_TAKE, [cluster_id, batch])
    found = cursor.fetchall()
    keys = rows.intern_keys(cursor, [key for row in found if (key := _key(row)) is not None])
    labels = rows.intern_labels(cursor, [row[17] for row in found])
    return [_sighting(row, keys, labels) for row in found]


def _key(row: Sequence[Any]) -> rows.Key | None:
    kind, (instance_type, region, capacity_class, storage_class) = row[0], row[18:22]
    if kind == "node":
        return rows.Key("node", instance_type, region, capacity_class)
    if kind == "volume":
        return rows.Key("volume", region=region, storage_class=storage_class)
    return rows.Key("load_balancer", region=region) if kind == "load_balancer" else None


def _sighting(row: Sequence[Any], keys: dict[rows.Key, int], labels: dict[str, int]) -> Sighting:
    kind, uid, name, observed_at, started_at, ended_at, flag, *sizes = row[:15]
    cpu, memory, gpu, storage, units, reserved_cpu, reserved_memory, reserved_gpu = sizes
    key = _key(row)
    measure = Measure(
        cpu_m=cpu,
        memory_bytes=int(memory),
        gpu_m=gpu,
        storage_bytes=int(storage),
        units=units * MILLI,
        reserved_cpu_m=reserved_cpu,
        reserved_memory_bytes=int(reserved_memory),
        reserved_gpu_m=reserved_gpu,
        price_key=None if key is None else keys[key],
        owner_kind=row[15],
        owner_name=row[16],
        label_set=labels.get(row[17]),
        provider_id=row[22] if kind == "node" else "",
        namespace_uid=row[23],
        node_name=row[24],
        node_uid=row[25],
    )
    return Sighting(kind, uid, name, observed_at, started_at, ended_at, flag, measure)


def _fold(cursor: CursorWrapper, cluster_id: UUID, sightings: Sequence[Sighting]) -> int:
    nodes = [seen for seen in sightings if seen.kind == "node"]
    others = [seen for seen in sightings if seen.kind != "node"]
    written = 0
    for group in (nodes, others):
        if group:
            things = rows.load(cursor, cluster_id, [(seen.kind, seen.uid) for seen in group])
            for seen in group:
                things[seen.kind, seen.uid].take_in(seen)
            _complete(cursor, cluster_id, list(things.values()))
            written += rows.store(cursor, cluster_id, things.values())
    return written


def _complete(cursor: CursorWrapper, cluster_id: UUID, things: Sequence[Thing]) -> None:
    """Find the machines and the names of namespaces that the facts did not say."""
    changed = [life for thing in things for life in thing.lives if life.changed]
    homeless = [life for life in changed if life.measure.node_name and not life.measure.node_uid]
    machines = rows.node_lives(cursor, cluster_id, {life.measure.node_name for life in homeless})
    for life in homeless:
        uid = _machine(life, machines.get(life.measure.node_name, []))
        life.measure = replace(life.measure, node_uid=uid)
    nameless = [life for life in changed if life.measure.namespace_uid]
    names = rows.namespace_names(cursor, cluster_id, {life.measure.namespace_uid for life in nameless})
    for life in nameless:
        life.namespace_name = names.get(life.measure.namespace_uid, life.namespace_name)


def _machine(life: Life, machines: Sequence[rows.NodeLife]) -> str:
    """Return the machine that had the name while the pod ran: the one of its start, else the next to come."""
    together = [
        one
        for one in machines
        if (life.ends_at is None or one.starts_at < life.ends_at)
        and (one.ends_at is None or one.ends_at > life.starts_at)
    ]
    before = [one for one in together if one.starts_at <= life.starts_at]
    return (before[-1] if before else together[0]).uid if together else ""
