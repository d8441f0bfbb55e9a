"""The close's result into the tables: the former run's rows go, and the rollups take the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from billing.ledger.models import RESOURCES
from portal.core.periods import Period

_Q = tuple(f"{one}_q" for one in RESOURCES)
_A = tuple(f"{one}_amount" for one in RESOURCES)
_U = tuple(f"unpriced_{one}_q" for one in RESOURCES)
_SUMS = (*_Q, *_A, "amount", *_U, "hour_rows")
_WHOLE = " + ".join(f"line.{one}" for one in _A)

_FORMER_TABLE = """
DELETE FROM asset_hour WHERE cluster_id = %(cluster)s AND hour >= %(since)s AND hour < %(until)s;
DROP TABLE IF EXISTS close_former;
CREATE TEMP TABLE close_former (LIKE cost_hour) ON COMMIT DROP"""
_FORMER = """
WITH gone AS (
    DELETE FROM cost_hour WHERE cluster_id = %(cluster)s AND hour >= %(since)s AND hour < %(until)s RETURNING *
)
INSERT INTO close_former SELECT * FROM gone"""

_COST_HOUR = f"""
INSERT INTO cost_hour (cluster_id, cluster_slug, cluster_name, hour, starts_at, ends_at, day, month, namespace_uid,
    namespace_name, team_id, team_slug, team_name, project_id, project_slug, project_name, kind, shared, price_key_id,
    overcommitted, {", ".join(_Q + _A)}, amount)
SELECT cluster.id, cluster.slug, cluster.name, slice.hour, greatest(slice.starts_at, tenancy.starts_at),
    least(slice.ends_at, tenancy.ends_at), slice.day, date_trunc('month', slice.day)::date, tenancy.uid, tenancy.name,
    tenancy.team_id, coalesce(team.slug, ''), coalesce(team.name, ''), tenancy.project_id, coalesce(project.slug, ''),
    coalesce(project.name, ''), line.kind,
    tenancy.shared OR line.kind = 'fee', nullif(line.price_key_id, 0), line.overcommitted,
    {", ".join(f"line.{one}" for one in _Q + _A)}, {_WHOLE}
FROM close_line line
JOIN close_slice slice USING (slice)
JOIN close_tenancy tenancy USING (tenancy)
JOIN cluster ON cluster.id = %(cluster)s
LEFT JOIN team ON team.id = tenancy.team_id
LEFT JOIN project ON project.id = tenancy.project_id"""  # noqa: S608 - the names are constants of this module

_ASSET_NODES = """
INSERT INTO asset_hour (cluster_id, hour, starts_at, ends_at, day, price_key_id, seconds, overcommitted, cpu_q,
    memory_q, gpu_q, cpu_amount, memory_amount, gpu_amount, storage_amount, units_amount, fee_amount, amount, rate_id,
    cpu_rate_id, memory_rate_id, gpu_rate_id)
SELECT %(cluster)s, slice.hour, slice.starts_at, slice.ends_at, slice.day, price_key_id, seconds, overcommitted, cpu_q,
    memory_q, gpu_q, cpu_amount, memory_amount, gpu_amount, 0, 0, 0, cpu_amount + memory_amount + gpu_amount, rate_id,
    cpu_rate_id, memory_rate_id, gpu_rate_id
FROM close_asset JOIN close_slice slice USING (slice)"""
# Nothing of these can be idle: each costs what its rows cost.
_ASSET_OTHERS = """
INSERT INTO asset_hour (cluster_id, hour, starts_at, ends_at, day, price_key_id, storage_q, units_q, fee_q, cpu_amount,
    memory_amount, gpu_amount, storage_amount, units_amount, fee_amount, amount, rate_id)
SELECT %(cluster)s, slice.hour, slice.starts_at, slice.ends_at, slice.day, price_key_id, sum(line.storage_q),
    sum(line.units_q), sum(line.fee_q), 0, 0, 0, sum(line.storage_amount), sum(line.units_amount), sum(line.fee_amount),
    sum(line.storage_amount + line.units_amount + line.fee_amount), min(place.rate_id)
FROM close_line line
JOIN close_place place USING (slice, price_key_id)
JOIN close_slice slice USING (slice)
WHERE place.asset <> 'node'
GROUP BY slice.hour, slice.starts_at, slice.ends_at, slice.day, price_key_id"""

_RUN = """
INSERT INTO cost_run (cluster_id, hour, number, state, counted_to, counted_seconds, due_seconds, currency, time_zone,
    method, price_book_id, price_version, closed_at)
SELECT %(cluster)s, hour, 1, state, counted_to, counted_seconds, due_seconds, %(currency)s, %(time_zone)s,
    %(method)s, %(book)s, %(version)s, %(at)s
FROM unnest(%(hours)s::timestamptz[], %(states)s::text[], %(counted)s::timestamptz[], %(seconds)s::int[],
    %(due)s::int[]) AS run(hour, state, counted_to, counted_seconds, due_seconds)
ON CONFLICT (cluster_id, hour) DO UPDATE SET number = cost_run.number + 1, state = excluded.state,
    counted_to = excluded.counted_to, counted_seconds = excluded.counted_seconds, due_seconds = excluded.due_seconds,
    currency = excluded.currency, time_zone = excluded.time_zone, method = excluded.method,
    price_book_id = excluded.price_book_id,
    price_version = excluded.price_version, closed_at = excluded.closed_at"""


@dataclass(frozen=True, slots=True)
class HourRun:
    """How one hour stands after the close; see `models.CostRun`."""

    hour: datetime
    state: str
    counted_to: datetime
    counted_seconds: int
    due_seconds: int


@dataclass(frozen=True, slots=True)
class Method:
    """With what the hours were closed."""

    currency: str
    time_zone: str
    version: str
    book_id: UUID | None
    book_version: int | None
    at: datetime


def _grouped(sign: str, table: str, keys: Sequence[str], names: Sequence[str] = ()) -> str:
    """Return the sums of rows per key, to be added ("") or taken away ("-").

    Nothing is added row by row that can be added once per group: with 100,000 rows that is what it costs.
    """
    columns = [*keys, *(f"max({one}) AS {one}" for one in names)]
    columns += [f"{sign}sum({one}) AS {one}" for one in _Q]
    columns += [f"{sign}coalesce(sum({one}), 0) AS {one}" for one in _A]
    columns += [f"{sign}({' + '.join(f'coalesce(sum({one}), 0)' for one in _A)}) AS amount"]
    columns += [
        f"{sign}coalesce(sum({quantity}) FILTER (WHERE {amount} IS NULL), 0) AS {unpriced}"
        for quantity, amount, unpriced in zip(_Q, _A, _U, strict=True)
    ]
    return f"SELECT {', '.join(columns)}, {sign}count(*) AS hour_rows FROM {table} GROUP BY {', '.join(keys)}"  # noqa: S608 - constants


def _added(keys: Sequence[str], names: Sequence[str], sums: str) -> str:
    """Return what such sums come to per key; what comes to nothing is left out."""
    added = ", ".join(f"sum({one}) AS {one}" for one in _SUMS)
    kept = " OR ".join(f"sum({one}) <> 0" for one in _SUMS)
    shown = "".join(f", max({one}) AS {one}" for one in names)
    return f"SELECT {', '.join(keys)}{shown}, {added} FROM ({sums}) sums GROUP BY {', '.join(keys)} HAVING {kept}"  # noqa: S608 - constants


_NAMES = (
    "cluster_slug",
    "cluster_name",
    "team_slug",
    "team_name",
    "project_slug",
    "project_name",
    "namespace_name",
)
_OWNER = ("team_id", "project_id", "kind", "shared")
_DAY = ("cluster_id", "day", "namespace_uid", *_OWNER)
_MONTH = ("cluster_id", "month", "namespace_uid", *_OWNER)
_PROJECT_DAY = ("cluster_id", "day", *_OWNER)
# What tells rows apart comes first: they are sorted by it.
_WORK = (
    "cluster_id",
    "namespace_uid",
    "owner_name",
    "owner_kind",
    "label_set_id",
    "project_id",
    "team_id",
    "day",
)
_OF_HOURS = "cost_hour WHERE cluster_id = %(cluster)s AND hour >= %(since)s AND hour < %(until)s"
_CHANGED = ("day", "month", "cluster_id", "namespace_uid", *_OWNER)
_BOTH = " UNION ALL ".join(
    _grouped(sign, rows, _CHANGED, _NAMES) for sign, rows in (("", _OF_HOURS), ("-", "close_former"))
)
_CHANGE_TABLE = """
DROP TABLE IF EXISTS close_change;
CREATE TEMP TABLE close_change ON COMMIT DROP AS """
_CHANGE = _CHANGE_TABLE + _added(_CHANGED, _NAMES, _BOTH)
# Without a former run the difference is the rows themselves.
_CHANGE_FROM_NONE = _CHANGE_TABLE + _grouped("", _OF_HOURS, _CHANGED, _NAMES)
_ONE_DAY = "SELECT min(day) IS NOT DISTINCT FROM max(day) FROM close_change"


def _apply(table: str, constraint: str, keys: Sequence[str], names: Sequence[str], rows: str) -> str:
    """Return the statement that adds differences to a rollup."""
    columns = (*keys, *names, *_SUMS)
    sums = [f"{one} = {table}.{one} + excluded.{one}" for one in _SUMS]
    latest = [f"{one} = CASE excluded.{one} WHEN '' THEN {table}.{one} ELSE excluded.{one} END" for one in names]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns)} FROM ({rows}) change "  # noqa: S608 - constants
        f"ON CONFLICT ON CONSTRAINT {constraint} DO UPDATE SET {', '.join([*sums, *latest])}"
    )


def _emptied(table: str, column: str) -> str:
    """Return the statement that removes sums of no rows; only where rows went there can be any."""
    return (
        f"DELETE FROM {table} WHERE cluster_id = %(cluster)s AND hour_rows = 0 "  # noqa: S608 - constants
        f"AND EXISTS (SELECT FROM close_former) AND {column} IN (SELECT {column} FROM close_change)"
    )


_ALL_CHANGES = "SELECT * FROM close_change"
_DAYS = (
    _apply("cost_day", "cost_day_once", _DAY, _NAMES, _ALL_CHANGES),
    _apply(
        "cost_project_day",
        "cost_project_day_once",
        _PROJECT_DAY,
        _NAMES[:-1],
        _added(_PROJECT_DAY, _NAMES[:-1], _ALL_CHANGES),
    ),
)
# What changed in one day is grouped by month already.
_MONTH_OF_ONE_DAY = _apply("cost_month", "cost_month_once", _MONTH, _NAMES, _ALL_CHANGES)
_MONTH_OF_DAYS = _apply("cost_month", "cost_month_once", _MONTH, _NAMES, _added(_MONTH, _NAMES, _ALL_CHANGES))
_EMPTIED = (
    _emptied("cost_day", "day"),
    _emptied("cost_project_day", "day"),
    _emptied("cost_month", "month"),
)


_SPLIT = ("cpu", "memory", "gpu", "storage", "units")
_PART_COLUMNS = (
    "cluster_id, hour, starts_at, day, uid, name, namespace_uid, team_id, project_id, asset, price_key_id, "
    "owner_kind, owner_name, label_set_id, "
)


def _part(resource: str) -> str:
    """Return a charge's part of a line's amount: the floor up to it less that before it, so that the parts add up."""
    run = f"sum(charge.{resource}_q) OVER parts"
    share = f"div({{sum}} * line.{resource}_atoms, line.{resource}_q)"
    until, before = share.format(sum=run), share.format(sum=f"({run} - charge.{resource}_q)")
    return f"CASE WHEN line.{resource}_q = 0 THEN 0 ELSE ({until} - {before}) * 0.000000000001 END AS {resource}_amount"


def _parts(split: Sequence[str], condition: str) -> str:
    """Return the charges of lines that hold only these resources, each with its part of the amounts.

    What the others come to is a constant, which costs nothing to store.
    """
    quantities = [f"part.{one}_q" if one in split else f"0 AS {one}_q" for one in _SPLIT]
    amounts = [f"part.{one}_amount" if one in split else f"0 AS {one}_amount" for one in _SPLIT]
    # Atoms are units of 1E-12. Materialized, since there are far fewer lines than charges.
    lines = [f"{one}_q::numeric AS {one}_q, {one}_amount * 1000000000000 AS {one}_atoms" for one in split]
    return f"""
SELECT thing.cluster_id, slice.hour, part.part_at AS starts_at, slice.day, thing.uid, thing.name,
    tenancy.uid AS namespace_uid, tenancy.team_id, tenancy.project_id, thing.kind AS asset,
    nullif(part.price_key_id, 0) AS price_key_id, thing.owner_kind, thing.owner_name, thing.label_set_id,
    {", ".join(quantities)}, 0 AS fee_q, {", ".join(amounts)}, 0 AS fee_amount,
    {" + ".join(f"part.{one}_amount" for one in split)} AS amount
FROM (
    WITH line AS MATERIALIZED (
        SELECT line, slice, tenancy, kind, price_key_id, {", ".join(lines)} FROM close_line WHERE kind = 'workload'
    )
    SELECT charge.segment, charge.slice, charge.tenancy, charge.price_key_id, charge.part_at,
        {", ".join(f"charge.{one}_q" for one in split)}, {", ".join(map(_part, split))}
    FROM close_charge charge JOIN line USING (slice, tenancy, kind, price_key_id)
    WHERE charge.kind = 'workload' AND ({condition})
    WINDOW parts AS (PARTITION BY line.line ORDER BY charge.segment, charge.part_at, charge.life
        ROWS UNBOUNDED PRECEDING)
) part
JOIN close_slice slice ON slice.slice = part.slice
JOIN close_tenancy tenancy ON tenancy.tenancy = part.tenancy
JOIN segment thing ON thing.id = part.segment AND thing.cluster_id = %(cluster)s
WHERE slice.hour < %(split_to)s"""  # noqa: S608 - constants of this module


_NODE_PARTS = _parts(("cpu", "memory", "gpu"), "charge.cpu_q <> 0 OR charge.memory_q <> 0 OR charge.gpu_q <> 0")
_OTHER_PARTS = _parts(("storage", "units"), "charge.storage_q <> 0 OR charge.units_q <> 0")

_POD_HOURS = "pod_hour WHERE cluster_id = %(cluster)s AND hour >= %(since)s AND hour < %(until)s"
_FORMER_WORK = f"""
DROP TABLE IF EXISTS close_former_work;
CREATE TEMP TABLE close_former_work ON COMMIT DROP AS {_grouped("-", _POD_HOURS, _WORK)}"""
_FORMER_PARTS = f"DELETE FROM {_POD_HOURS}"  # noqa: S608 - constants of this module
_POD_HOUR = (
    f"INSERT INTO pod_hour ({_PART_COLUMNS}{', '.join(f'{one}_q' for one in _SPLIT)}, fee_q, "
    f"{', '.join(f'{one}_amount' for one in _SPLIT)}, fee_amount, amount) "
)


def _work(rows: str) -> str:
    """Return the statement that adds rows per workload to the workloads' days."""
    return _apply("cost_workload_day", "cost_workload_day_once", _WORK, (), rows)


_NEW_WORK = _grouped("", _POD_HOURS, _WORK)
_WORK_CHANGE = _work(
    _added(_WORK, (), f"SELECT {', '.join((*_WORK, *_SUMS))} FROM close_former_work UNION ALL {_NEW_WORK}")  # noqa: S608
)
_WORK_FROM_NONE = _work(_NEW_WORK)
_WORK_OF_NONE = """
DELETE FROM cost_workload_day WHERE cluster_id = %(cluster)s AND hour_rows = 0
    AND EXISTS (SELECT FROM close_former_work) AND day IN (SELECT day FROM close_former_work)"""
_WORK_WHOLE_DAYS = (
    "DELETE FROM cost_workload_day WHERE cluster_id = %(cluster)s AND day = ANY(%(days)s::date[])",
    _FORMER_PARTS,
    _work(
        _grouped("", f"({_NODE_PARTS} UNION ALL {_OTHER_PARTS}) parts WHERE day = ANY(%(days)s::date[])", _WORK),
    ),
)


@dataclass(frozen=True, slots=True)
class Split:
    """How far rows are split among pods: hours before `to`.

    Workloads' days take the difference between two sets of `pod_hour` rows. Where those are no longer kept,
    `whole_days` are the billing days to write anew.
    """

    to: datetime
    whole_days: Sequence[date] | None = None


def write(cursor: CursorWrapper, cluster_id: UUID, hours: Period, split: Split) -> None:
    """Store rows, rollups and what each pod and workload took."""
    given: dict[str, Any] = {"cluster": cluster_id, "since": hours.start, "until": hours.end, "split_to": split.to}
    cursor.execute(_FORMER_TABLE, given)
    cursor.execute(_FORMER, given)
    again = cursor.rowcount > 0
    for statement in (_COST_HOUR, _ASSET_NODES, _ASSET_OTHERS):
        cursor.execute(statement, given)
    _roll_up(cursor, given, again=again)
    if split.whole_days is not None:
        for statement in _WORK_WHOLE_DAYS:
            cursor.execute(statement, {**given, "days": list(split.whole_days)})
    else:
        _split_up(cursor, given, parts=split.to > hours.start)


def _roll_up(cursor: CursorWrapper, given: Mapping[str, Any], *, again: bool) -> None:
    """Add the difference to days and months; `again` where the hours were closed before."""
    cursor.execute(_CHANGE if again else _CHANGE_FROM_NONE, given)
    for statement in _DAYS:
        cursor.execute(statement, given)
    cursor.execute(_ONE_DAY)
    (one_day,) = cursor.fetchone()
    cursor.execute(_MONTH_OF_ONE_DAY if one_day else _MONTH_OF_DAYS, given)
    for statement in _EMPTIED:
        cursor.execute(statement, given)


def _split_up(cursor: CursorWrapper, given: Mapping[str, Any], *, parts: bool) -> None:
    """Write each charge's part, and add the difference to the workloads' days."""
    cursor.execute(_FORMER_WORK, given)
    cursor.execute(_FORMER_PARTS, given)
    again = cursor.rowcount > 0
    if parts:
        for rows in (_NODE_PARTS, _OTHER_PARTS):
            cursor.execute(_POD_HOUR + rows, given)
    for statement in (_WORK_CHANGE if again else _WORK_FROM_NONE, _WORK_OF_NONE):
        cursor.execute(statement, given)


def write_runs(cursor: CursorWrapper, cluster_id: UUID, runs: Sequence[HourRun], method: Method) -> None:
    """Say how each hour stands."""
    given: dict[str, Any] = {
        "cluster": cluster_id,
        "currency": method.currency,
        "time_zone": method.time_zone,
        "method": method.version,
        "book": method.book_id,
        "version": method.book_version,
        "at": method.at,
        "hours": [run.hour for run in runs],
        "states": [run.state for run in runs],
        "counted": [run.counted_to for run in runs],
        "seconds": [run.counted_seconds for run in runs],
        "due": [run.due_seconds for run in runs],
    }
    cursor.execute(_RUN, given)
