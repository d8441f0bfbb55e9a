"""Rows before prices: charges grouped by slice, tenancy, kind and price key, with reserved and fees beside them."""

from collections.abc import Sequence
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from billing.metering import rows as metering
from portal.core.periods import Period

_ROW = """
DROP TABLE IF EXISTS close_row;
CREATE TEMP TABLE close_row ON COMMIT DROP AS
SELECT row_number() OVER () AS line, slice, tenancy, kind, price_key_id,
    sum(cpu_q)::bigint AS cpu_q, sum(memory_q) AS memory_q, sum(gpu_q)::bigint AS gpu_q,
    sum(storage_q) AS storage_q, sum(units_q)::bigint AS units_q, 0::bigint AS fee_q,
    bool_or(overcommitted) AS overcommitted
FROM close_charge
WHERE cpu_q <> 0 OR memory_q <> 0 OR gpu_q <> 0 OR storage_q <> 0 OR units_q <> 0
GROUP BY slice, tenancy, kind, price_key_id"""
_RESERVED = """
INSERT INTO close_row
SELECT 0, slice, 0, 'reserved', price_key_id, sum(reserved_cpu_q), sum(reserved_memory_q), sum(reserved_gpu_q), 0, 0, 0,
    false
FROM close_node_hour
WHERE reserved_cpu_q <> 0 OR reserved_memory_q <> 0 OR reserved_gpu_q <> 0
GROUP BY slice, price_key_id"""
_FEES_IN_FORCE = """
SELECT DISTINCT provider_id FROM rate
WHERE book_id = %s AND asset = 'fee' AND period && tstzrange(%s, %s) ORDER BY provider_id"""
# A fee is charged while the cluster was attached: all of a slice but what lies between leaving and coming back.
_FEES = """
INSERT INTO close_row
SELECT 0, slice.slice, 0, 'fee', key.id, 0, 0, 0, 0, 0, 1000 * sum(span.seconds)::bigint, false
FROM close_slice slice
JOIN unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS life(starts_at, ends_at)
    ON life.starts_at < slice.ends_at AND life.ends_at > slice.starts_at
JOIN rate ON rate.book_id = %(book)s AND rate.asset = 'fee' AND rate.period @> slice.rated_at
JOIN price_key key ON key.asset = 'fee' AND key.provider_id = rate.provider_id AND key.instance_type = ''
    AND key.region = '' AND key.capacity_class = '' AND key.storage_class = '',
LATERAL (SELECT date_part('epoch', least(slice.ends_at, life.ends_at)
    - greatest(slice.starts_at, life.starts_at))::bigint AS seconds) span
GROUP BY slice.slice, key.id"""


def write(cursor: CursorWrapper, book_id: UUID | None, counted: Period, lives: Sequence[Period]) -> None:
    """Fill `close_row`. `lives` are the spans in which the cluster was attached, as far as they are known."""
    cursor.execute(_ROW)
    cursor.execute(_RESERVED)
    if book_id is not None:
        cursor.execute(_FEES_IN_FORCE, [book_id, counted.start, counted.end])
        metering.intern_keys(cursor, [metering.Key("fee", provider_id=name) for (name,) in cursor.fetchall()])
        starts, ends = [life.start for life in lives], [life.end for life in lives]
        cursor.execute(_FEES, {"book": book_id, "starts": starts, "ends": ends})
