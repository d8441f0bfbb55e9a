"""Charged quantities: what each thing takes of each slice, for whom. No prices here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from portal.core.periods import Period

# A node whose machine has a rate of its own is charged under a key of its own.
_NODE = """
DROP TABLE IF EXISTS close_node;
CREATE TEMP TABLE close_node ON COMMIT DROP AS
SELECT node.id AS life, node.uid, coalesce(own.id, node.price_key_id) AS price_key_id, node.starts_at,
    coalesce(node.ends_at, 'infinity') AS ends_at, node.cpu_m, node.memory_bytes, node.gpu_m,
    node.reserved_cpu_m, node.reserved_memory_bytes, node.reserved_gpu_m
FROM segment node
JOIN price_key given ON given.id = node.price_key_id
LEFT JOIN price_key own ON own.asset = 'node' AND own.instance_type = given.instance_type
    AND own.region = given.region AND own.capacity_class = given.capacity_class AND own.storage_class = ''
    AND own.provider_id = node.provider_id AND node.provider_id = ANY(%(own)s)
WHERE node.cluster_id = %(cluster)s AND node.kind = 'node' AND node.starts_at < %(until)s
    AND (node.ends_at IS NULL OR node.ends_at > %(since)s);
ANALYZE close_node"""

_NODE_HOUR = """
DROP TABLE IF EXISTS close_node_hour;
CREATE TEMP TABLE close_node_hour ON COMMIT DROP AS
SELECT slice.slice, node.life, node.price_key_id, span.seconds,
    node.cpu_m * span.seconds AS cpu_q, node.memory_bytes * span.seconds AS memory_q,
    node.gpu_m * span.seconds AS gpu_q, node.reserved_cpu_m * span.seconds AS reserved_cpu_q,
    node.reserved_memory_bytes * span.seconds AS reserved_memory_q,
    node.reserved_gpu_m * span.seconds AS reserved_gpu_q, false AS overcommitted
FROM close_node node
JOIN close_slice slice ON slice.starts_at < node.ends_at AND slice.ends_at > node.starts_at,
LATERAL (SELECT date_part('epoch', least(slice.ends_at, node.ends_at)
    - greatest(slice.starts_at, node.starts_at))::bigint AS seconds) span;
ANALYZE close_node_hour"""

# Price key 0 is none: it joins like any other, where NULL would not.
# A pod is charged while its segment and a life of its node overlap. One whose node was never seen has no price key
# and no life to overlap with. OFFSET 0 keeps the seconds from being worked out anew wherever they are named.
_PODS = """
DROP TABLE IF EXISTS close_charge;
CREATE TEMP TABLE close_charge ON COMMIT DROP AS
SELECT slice, tenancy, price_key_id, 'workload' AS kind, segment, life, part_at, cpu_m * seconds AS cpu_q,
    memory_bytes * seconds AS memory_q, gpu_m * seconds AS gpu_q, 0::numeric AS storage_q, 0::bigint AS units_q,
    false AS overcommitted
FROM (
    SELECT slice.slice, tenancy.tenancy, coalesce(node.price_key_id, 0) AS price_key_id, pod.id AS segment, node.life,
        greatest(tenancy.starts_at, slice.starts_at) AS part_at, pod.cpu_m, pod.memory_bytes, pod.gpu_m,
        date_part('epoch', least(slice.ends_at, tenancy.ends_at, node.ends_at, pod.ends_at)
            - greatest(slice.starts_at, tenancy.starts_at, node.starts_at, pod.starts_at))::bigint AS seconds
    FROM segment pod
    LEFT JOIN close_node node ON node.uid = pod.node_uid AND node.ends_at > pod.starts_at
        AND (pod.ends_at IS NULL OR node.starts_at < pod.ends_at)
    JOIN close_tenancy tenancy ON tenancy.uid = pod.namespace_uid AND tenancy.ends_at > pod.starts_at
        AND (pod.ends_at IS NULL OR tenancy.starts_at < pod.ends_at)
    JOIN close_slice slice ON slice.starts_at < tenancy.ends_at AND slice.ends_at > tenancy.starts_at
        AND (node.life IS NULL OR slice.starts_at < node.ends_at AND slice.ends_at > node.starts_at)
        AND slice.ends_at > pod.starts_at AND (pod.ends_at IS NULL OR slice.starts_at < pod.ends_at)
    WHERE pod.cluster_id = %(cluster)s AND pod.kind = 'pod' AND (node.life IS NOT NULL OR pod.node_uid = '')
        AND pod.starts_at < %(until)s AND (pod.ends_at IS NULL OR pod.ends_at > %(since)s)
    OFFSET 0
) pod
WHERE seconds > 0"""

_OTHERS = """
INSERT INTO close_charge
SELECT slice.slice, tenancy.tenancy, coalesce(thing.price_key_id, 0),
    CASE WHEN thing.kind = 'volume' AND thing.namespace_uid = '' THEN 'unattached' ELSE 'workload' END,
    thing.id, NULL, greatest(tenancy.starts_at, slice.starts_at),
    thing.cpu_m * taken.seconds, thing.memory_bytes * taken.seconds, thing.gpu_m * taken.seconds,
    thing.storage_bytes * taken.seconds, thing.units * taken.seconds, false
FROM segment thing
JOIN close_tenancy tenancy ON tenancy.uid = thing.namespace_uid AND tenancy.ends_at > thing.starts_at
    AND (thing.ends_at IS NULL OR tenancy.starts_at < thing.ends_at)
JOIN close_slice slice ON slice.starts_at < tenancy.ends_at AND slice.ends_at > tenancy.starts_at
    AND slice.ends_at > thing.starts_at AND (thing.ends_at IS NULL OR slice.starts_at < thing.ends_at),
LATERAL (SELECT date_part('epoch', least(slice.ends_at, tenancy.ends_at, thing.ends_at)
    - greatest(slice.starts_at, tenancy.starts_at, thing.starts_at))::bigint AS seconds) taken
WHERE thing.cluster_id = %(cluster)s AND thing.kind IN ('volume', 'load_balancer')
    AND thing.starts_at < %(until)s AND (thing.ends_at IS NULL OR thing.ends_at > %(since)s)"""

# Node hours of which more is asked than they have beside what is reserved.
_OVER = """
DROP TABLE IF EXISTS close_over;
CREATE TEMP TABLE close_over ON COMMIT DROP AS
SELECT node.slice, node.life,
    node.cpu_q - node.reserved_cpu_q AS cpu_room, asked.cpu_q AS cpu_asked,
    node.memory_q - node.reserved_memory_q AS memory_room, asked.memory_q AS memory_asked,
    node.gpu_q - node.reserved_gpu_q AS gpu_room, asked.gpu_q AS gpu_asked
FROM (
    SELECT slice, life, sum(cpu_q) AS cpu_q, sum(memory_q) AS memory_q, sum(gpu_q) AS gpu_q
    FROM close_charge WHERE life IS NOT NULL GROUP BY slice, life
) asked
JOIN close_node_hour node USING (slice, life)
WHERE asked.cpu_q > node.cpu_q - node.reserved_cpu_q OR asked.memory_q > node.memory_q - node.reserved_memory_q
    OR asked.gpu_q > node.gpu_q - node.reserved_gpu_q"""


def _fitted(resource: str) -> str:
    """Return the part of the room that falls to a charge: the floor of the running sum's share, less the former's."""
    run = f"sum(charge.{resource}_q) OVER asking"
    share = "div({sum} * over.{r}_room, over.{r}_asked)"
    until, before = share.format(sum=run, r=resource), share.format(sum=f"({run} - charge.{resource}_q)", r=resource)
    return (
        f"CASE WHEN over.{resource}_asked > over.{resource}_room THEN {until} - {before} "
        f"ELSE charge.{resource}_q END AS {resource}_q"
    )


_FIT = f"""
UPDATE close_charge charge
SET cpu_q = fitted.cpu_q, memory_q = fitted.memory_q, gpu_q = fitted.gpu_q,
    overcommitted = fitted.cpu_q < charge.cpu_q OR fitted.memory_q < charge.memory_q OR fitted.gpu_q < charge.gpu_q
FROM (
    SELECT charge.ctid AS place, {_fitted("cpu")}, {_fitted("memory")}, {_fitted("gpu")}
    FROM close_charge charge JOIN close_over over USING (slice, life) JOIN segment pod ON pod.id = charge.segment
    WINDOW asking AS (PARTITION BY charge.slice, charge.life
        ORDER BY pod.uid COLLATE "C", charge.part_at, pod.starts_at ROWS UNBOUNDED PRECEDING)
) fitted
WHERE charge.ctid = fitted.place"""  # noqa: S608 - the names are constants of this module
_MARK = """
UPDATE close_node_hour node SET overcommitted = true FROM close_over over
WHERE node.slice = over.slice AND node.life = over.life"""


def write(cursor: CursorWrapper, cluster_id: UUID, counted: Period, own: Sequence[str]) -> int:
    """Fill `close_node`, `close_node_hour` and `close_charge`; returns how many charges there are.

    `own` are the machines with rates of their own.
    """
    given: dict[str, Any] = {"cluster": cluster_id, "since": counted.start, "until": counted.end, "own": list(own)}
    charges = 0
    for statement in (_NODE, _NODE_HOUR):
        cursor.execute(statement, given)
    for statement in (_PODS, _OTHERS):
        cursor.execute(statement, given)
        charges += cursor.rowcount
    cursor.execute("ANALYZE close_charge (slice, tenancy, price_key_id, kind, life, storage_q, units_q)")
    cursor.execute(_OVER)
    if cursor.rowcount:
        cursor.execute(_FIT)
        cursor.execute(_MARK)
    return charges
