"""The end state of an installation, in words that do not depend on when something was seen."""

import json
from typing import Any

import zstandard
from django.db import connection

from billing.metering.models import PriceKey, Segment
from clusters.inventory.merge.tables import TABLES
from clusters.inventory.models import ChargedFact, ObjectBody, Stream

LEDGER = (
    "asset_hour",
    "pod_hour",
    "cost_hour",
    "cost_day",
    "cost_project_day",
    "cost_month",
    "cost_workload_day",
    "cost_run",
)
# Keys of other rows and what tells of the close itself.
_LEDGERS_OWN = (
    "'{id,cluster_id,price_key_id,label_set_id,rate_id,cpu_rate_id,memory_rate_id,gpu_rate_id,price_book_id,"
    "number,closed_at}'::text[]"
)
# Keys of other rows, and instants of observation.
_OURS = "'{id,cluster_id,namespace_id,observed_at,gone_at,resource_version}'::text[]"

State = dict[Any, Any]


def observed() -> State:
    """Every object of every cluster with all its columns, its version, and whether it is gone."""
    found: State = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                f"""SELECT cluster.slug, row.uid, row.gone_at IS NOT NULL, (to_jsonb(row) - {_OURS})::text
                FROM {table} row JOIN cluster ON cluster.id = row.cluster_id ORDER BY 1, 2"""
            )
            found[table] = cursor.fetchall()
    streams = Stream.objects.order_by("cluster__slug", "kind")
    found["stream"] = list(streams.values_list("cluster__slug", "kind", "state", "objects_live"))
    bodies = ObjectBody.objects.values_list("cluster__slug", "uid", "body")
    found["body"] = sorted((slug, uid, _text(bytes(body))) for slug, uid, body in bodies)
    return found


def _text(packed: bytes) -> str:
    body = json.loads(zstandard.decompress(packed))
    del body["metadata"]["resourceVersion"]
    return json.dumps(body, sort_keys=True)


def measured() -> State:
    """What every thing was charged for: the sizes it had, in order, from its beginning to its end."""
    assert not ChargedFact.objects.exists(), "some facts are not folded yet"
    found: State = {}
    rows = Segment.objects.select_related("cluster", "price_key").order_by("cluster__slug", "kind", "uid", "starts_at")
    for row in rows:
        thing = found.setdefault((row.cluster.slug, row.kind, row.uid), {"sizes": [], "from": row.starts_at})
        sizes = (row.cpu_m, row.memory_bytes, row.storage_bytes, row.units, row.node_uid, row.namespace_name)
        thing["sizes"].append((*sizes, str(row.price_key), row.owner_kind, row.owner_name))
        assert thing.get("to", row.starts_at) == row.starts_at, f"{row} leaves a gap"
        thing["to"], thing["flag"] = row.ends_at, row.end_flag
    return found


def charged() -> State:
    """Every row of the ledger with all its quantities and amounts, its price key in words."""
    keys = {key.pk: str(key) for key in PriceKey.objects.all()}
    found: State = {}
    with connection.cursor() as cursor:
        for table in LEDGER:
            cursor.execute(
                f"""SELECT cluster.slug, to_jsonb(row) ->> 'price_key_id', (to_jsonb(row) - {_LEDGERS_OWN})::text
                FROM {table} row JOIN cluster ON cluster.id = row.cluster_id"""
            )
            rows = [(slug, keys[int(key)] if key else "", text) for slug, key, text in cursor.fetchall()]
            assert rows, f"{table} is empty"
            found[table] = sorted(rows)
    return found


def everything() -> tuple[State, State, State]:
    """What was observed, what was measured of it, and what that costs."""
    return observed(), measured(), charged()


def difference(one: State, other: State) -> list[str]:
    """What differs, in a few lines."""
    lines = []
    for key in sorted(one.keys() | other.keys(), key=str):
        before, after = one.get(key), other.get(key)
        if before == after:
            continue
        if isinstance(before, list) and isinstance(after, list):
            lines += [f"{key}: only undisturbed: {row}" for row in before if row not in after][:5]
            lines += [f"{key}: only disturbed: {row}" for row in after if row not in before][:5]
        else:
            lines.append(f"{key}: {before} != {after}")
    return lines[:40]
