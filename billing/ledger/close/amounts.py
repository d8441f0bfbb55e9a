"""Amounts: one multiplication, one division and one rounding per row and resource; idle is what is left."""

from django.db.backends.utils import CursorWrapper

NODE = ("cpu", "memory", "gpu")
ALONE = ("storage", "units", "fee")


def _amount(quantity: str, factor: str) -> str:
    """Return the amount of a quantity: nothing costs nothing, and what has no price stays unknown."""
    return (
        f"CASE WHEN {quantity} = 0 THEN 0 ELSE "
        f"round(({quantity} * place.{factor}_factor)::numeric(1000, 30) / place.{factor}_divisor, 12) END"
    )


_LINE = f"""
DROP TABLE IF EXISTS close_line;
CREATE TEMP TABLE close_line ON COMMIT DROP AS
SELECT line.*, {", ".join(f"{_amount(f'line.{one}_q', one)} AS {one}_amount" for one in NODE)},
    {", ".join(f"{_amount(f'line.{one}_q', 'alone')} AS {one}_amount" for one in ALONE)}
FROM close_row line LEFT JOIN close_place place USING (slice, price_key_id);
ANALYZE close_line"""  # noqa: S608 - the names are constants of this module

# Where nodes have one price for the whole, memory takes what CPU and GPU leave of it.
_ASSET = f"""
DROP TABLE IF EXISTS close_asset;
CREATE TEMP TABLE close_asset ON COMMIT DROP AS
WITH priced AS (
    SELECT place.*, {_amount("place.cpu_q", "cpu")} AS cpu_amount, {_amount("place.memory_q", "memory")} AS by_formula,
        {_amount("place.gpu_q", "gpu")} AS gpu_amount,
        round((place.price * place.seconds)::numeric(1000, 30) / (3600 * place.hours), 12) AS whole_amount
    FROM close_place place WHERE place.asset = 'node'
)
SELECT priced.*, CASE WHEN whole_node THEN whole_amount - cpu_amount - gpu_amount ELSE by_formula END AS memory_amount
FROM priced"""  # noqa: S608 - the names are constants of this module


def _left(resource: str) -> str:
    """Return what of an asset no row took; unknown only where something without a price is free."""
    return (
        f"CASE WHEN asset.{resource}_amount IS NULL AND asset.{resource}_free = coalesce(taken.{resource}_q, 0) THEN 0 "
        f"ELSE asset.{resource}_amount - coalesce(taken.{resource}_amount, 0) END AS {resource}_amount"
    )


_IDLE = f"""
INSERT INTO close_line
SELECT * FROM (
    SELECT 0 AS line, asset.slice, 0 AS tenancy, 'idle' AS kind, asset.price_key_id,
        {
    ", ".join(
        f"(asset.{one}_free - coalesce(taken.{one}_q, 0))::{'numeric' if one == 'memory' else 'bigint'} AS {one}_q"
        for one in NODE
    )
},
        0 AS storage_q, 0 AS units_q, 0 AS fee_q, asset.overcommitted, {", ".join(map(_left, NODE))},
        0 AS storage_amount, 0 AS units_amount, 0 AS fee_amount
    FROM close_asset asset
    LEFT JOIN (
        SELECT slice, price_key_id,
            {", ".join(f"sum({one}_q) FILTER (WHERE kind = 'workload') AS {one}_q" for one in NODE)},
            {", ".join(f"sum({one}_amount) AS {one}_amount" for one in NODE)}
        FROM close_line GROUP BY slice, price_key_id
    ) taken USING (slice, price_key_id)
) idle
WHERE cpu_q <> 0 OR memory_q <> 0 OR gpu_q <> 0 OR cpu_amount <> 0 OR memory_amount <> 0
    OR gpu_amount <> 0"""  # noqa: S608 - the names are constants of this module


def write(cursor: CursorWrapper) -> None:
    """Fill `close_line`, with idle, and `close_asset` for nodes; other assets are the sums of their lines."""
    for statement in (_LINE, _ASSET, _IDLE):
        cursor.execute(statement)
