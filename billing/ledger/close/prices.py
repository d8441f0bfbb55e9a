"""Which rate fits which price key when, and what each quantity is multiplied with and divided by."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.backends.utils import CursorWrapper

GIB = 2**30
MILLI = 1000
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Book:
    """The price book of the cluster; the ratios split the price of a whole node. Without a book nothing has a price."""

    id: UUID | None = None
    version: int | None = None
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    gpu: Decimal = Decimal(0)


def _match(name: str, asset: str) -> str:
    """Return a lateral join with the closest rate of an asset: what fits more exactly weighs more, column by column."""
    return f"""
LEFT JOIN LATERAL (
    SELECT rate.id, rate.price, CASE rate.unit WHEN 'month' THEN 730::bigint ELSE 1 END AS hours,
        (rate.provider_id <> '')::int * 16 + (rate.instance_type <> '')::int * 8 + (rate.region <> '')::int * 4
            + (rate.capacity_class <> '')::int * 2 + (rate.storage_class <> '')::int AS closeness
    FROM rate
    WHERE rate.book_id = %(book)s AND rate.asset = {asset} AND rate.period @> asked.rated_at
        AND (rate.provider_id = key.provider_id OR rate.provider_id = '' AND key.asset <> 'fee')
        AND rate.instance_type IN ('', key.instance_type) AND rate.region IN ('', key.region)
        AND rate.capacity_class IN ('', key.capacity_class) AND rate.storage_class IN ('', key.storage_class)
    ORDER BY closeness DESC LIMIT 1
) {name} ON {"true" if name == "alone" else "key.asset = 'node'"}"""  # noqa: S608 - constants of this module


# The price of a whole node beats those of its parts unless one of these fits more closely.
_RATE = f"""
DROP TABLE IF EXISTS close_rate;
CREATE TEMP TABLE close_rate ON COMMIT DROP AS
SELECT asked.price_key_id, asked.rated_at, key.asset,
    alone.id IS NOT NULL AND (key.asset <> 'node'
        OR alone.closeness >= greatest(core.closeness, memory.closeness, gpu.closeness, -1)) AS whole,
    alone.id AS rate_id, alone.price, alone.hours,
    core.id AS cpu_rate_id, core.price AS cpu_price, core.hours AS cpu_hours,
    memory.id AS memory_rate_id, memory.price AS memory_price, memory.hours AS memory_hours,
    gpu.id AS gpu_rate_id, gpu.price AS gpu_price, gpu.hours AS gpu_hours
FROM (
    SELECT DISTINCT used.price_key_id, slice.rated_at
    FROM (
        SELECT slice, price_key_id FROM close_row WHERE price_key_id <> 0
        UNION SELECT slice, price_key_id FROM close_node_hour
    ) used JOIN close_slice slice USING (slice)
) asked
JOIN price_key key ON key.id = asked.price_key_id
{_match("alone", "key.asset")}{_match("core", "'core'")}{_match("memory", "'memory'")}{_match("gpu", "'gpu'")}"""  # noqa: S608 - constants of this module

# Per slice and price key: an amount is round((quantity × its factor) ÷ its divisor, 12).
_PLACE = f"""
DROP TABLE IF EXISTS close_place;
CREATE TEMP TABLE close_place ON COMMIT DROP AS
WITH offered AS (
    SELECT slice, price_key_id, sum(seconds) AS seconds, sum(cpu_q) AS cpu_q, sum(memory_q) AS memory_q,
        sum(gpu_q) AS gpu_q, sum(cpu_q - reserved_cpu_q) AS cpu_free, sum(memory_q - reserved_memory_q) AS memory_free,
        sum(gpu_q - reserved_gpu_q) AS gpu_free, bool_or(overcommitted) AS overcommitted
    FROM close_node_hour GROUP BY slice, price_key_id
), used AS (
    SELECT slice, price_key_id FROM offered
    UNION SELECT slice, price_key_id FROM close_row WHERE price_key_id <> 0
), weighed AS (
    SELECT used.*, rate.asset, rate.whole, rate.rate_id, rate.price, rate.hours, rate.cpu_rate_id, rate.cpu_price,
        rate.cpu_hours, rate.memory_rate_id, rate.memory_price, rate.memory_hours, rate.gpu_rate_id, rate.gpu_price,
        rate.gpu_hours, offered.seconds, offered.cpu_q, offered.memory_q, offered.gpu_q, offered.cpu_free,
        offered.memory_free, offered.gpu_free, offered.overcommitted,
        nullif(offered.cpu_q * %(cpu)s * {GIB} + offered.memory_q * %(memory)s * {MILLI}
            + offered.gpu_q * %(gpu)s * {GIB}, 0) * {HOUR} * rate.hours AS weight
    FROM used JOIN close_slice slice USING (slice)
    JOIN close_rate rate ON rate.price_key_id = used.price_key_id AND rate.rated_at = slice.rated_at
    LEFT JOIN offered ON offered.slice = used.slice AND offered.price_key_id = used.price_key_id
)
SELECT slice, price_key_id, asset, asset = 'node' AND whole AS whole_node, seconds, cpu_q, memory_q, gpu_q, cpu_free,
    memory_free, gpu_free, overcommitted,
    CASE WHEN whole THEN rate_id END AS rate_id,
    CASE WHEN NOT whole THEN cpu_rate_id END AS cpu_rate_id,
    CASE WHEN NOT whole THEN memory_rate_id END AS memory_rate_id,
    CASE WHEN NOT whole THEN gpu_rate_id END AS gpu_rate_id,
    price, hours,
    CASE WHEN whole THEN %(cpu)s * {GIB} * price * seconds ELSE cpu_price END AS cpu_factor,
    CASE WHEN whole THEN weight ELSE {MILLI} * {HOUR} * cpu_hours END AS cpu_divisor,
    CASE WHEN whole THEN %(memory)s * {MILLI} * price * seconds ELSE memory_price END AS memory_factor,
    CASE WHEN whole THEN weight ELSE {GIB}::bigint * {HOUR} * memory_hours END AS memory_divisor,
    CASE WHEN whole THEN %(gpu)s * {GIB} * price * seconds ELSE gpu_price END AS gpu_factor,
    CASE WHEN whole THEN weight ELSE {MILLI} * {HOUR} * gpu_hours END AS gpu_divisor,
    price AS alone_factor,
    (CASE asset WHEN 'volume' THEN {GIB}::bigint ELSE {MILLI} END) * {HOUR} * hours AS alone_divisor
FROM weighed;
ANALYZE close_place"""  # noqa: S608 - constants of this module


def write(cursor: CursorWrapper, book: Book) -> None:
    """Fill `close_rate` and `close_place`."""
    given = {"book": book.id, "cpu": book.cpu, "memory": book.memory, "gpu": book.gpu}
    cursor.execute(_RATE, given)
    cursor.execute(_PLACE, given)
