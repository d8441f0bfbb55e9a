"""Writes of what is measured: folding facts, ending what nobody confirms, and segments of the past."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from billing.metering import folding, returning, rows, selectors
from billing.metering.folding import Folded
from billing.metering.lives import Measure
from billing.metering.models import Segment
from clusters.inventory.models import ChargedFact
from clusters.registry.models import Cluster, State

_OWN = """
INSERT INTO price_key (asset, instance_type, region, capacity_class, storage_class, provider_id)
SELECT DISTINCT 'node', key.instance_type, key.region, key.capacity_class, '', node.provider_id
FROM segment node JOIN price_key key ON key.id = node.price_key_id
WHERE node.cluster_id = %s AND node.kind = 'node' AND node.provider_id = ANY(%s) AND node.provider_id <> ''
ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT DO NOTHING"""


def _carry_on(_done: int) -> None:
    return


def fold(*, cluster_id: UUID, at: datetime, alive: Callable[[int], None] = _carry_on) -> Folded:
    """Turn the waiting facts of a cluster into segments; end them where it was detached.

    Not to be called inside a transaction: each batch is one. `alive` is called after each with the facts folded so
    far. Calling it again changes nothing.
    """
    cluster = Cluster.objects.get(pk=cluster_id)
    done = folding.fold_facts(cluster_id, alive=alive)
    if cluster.state == State.DETACHED and cluster.detached_at is not None:
        known = selectors.counted_to(cluster_id, at) or cluster.detached_at
        done.written += folding.close_open(cluster_id, at=known)
    elif cluster.state == State.ATTACHED and cluster.attached_at is not None:
        done.written += returning.resume(cluster_id, cluster.attached_at)
    return done


def own_keys(*, cluster_id: UUID, provider_ids: Collection[str]) -> None:
    """Make the price keys of the cluster's nodes that have a rate of their own."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN, [cluster_id, sorted(provider_ids)])


@dataclass(frozen=True, slots=True)
class Past:
    """A segment written directly. Units as in `models.Segment`; `asset` decides its price key, None for pods."""

    kind: str
    uid: str
    name: str
    starts_at: datetime
    ends_at: datetime | None
    asset: rows.Key | None = None
    namespace_name: str = ""
    measure: Measure = field(default_factory=Measure)
    labels: tuple[tuple[str, str], ...] = ()


def write_segments(*, cluster_id: UUID, past: Iterable[Past], at: datetime) -> int:
    """Write segments of the past in one transaction; the constraints refuse what overlaps. Returns how many.

    The price key and the label set in `measure` are filled in from `asset` and `labels`.
    """
    given = list(past)
    with transaction.atomic(), connection.cursor() as cursor:
        folding.lock(cursor, cluster_id)
        keys = rows.intern_keys(cursor, [one.asset for one in given if one.asset is not None])
        labels = rows.intern_labels(cursor, [_text(one) for one in given])
        rows.write(cursor, [_line(cluster_id, one, keys, labels, at) for one in given])
    return len(given)


def _line(
    cluster_id: UUID,
    one: Past,
    keys: dict[rows.Key, int],
    labels: dict[str, int],
    at: datetime,
) -> tuple[object, ...]:
    columns = list(rows.of(one.measure))
    columns[rows.MEASURE.index("price_key_id")] = None if one.asset is None else keys[one.asset]
    columns[rows.MEASURE.index("label_set_id")] = labels.get(_text(one))
    head = (str(cluster_id), one.kind, one.uid, one.name, one.starts_at, one.ends_at, one.ends_at or at)
    return (*head, "", one.namespace_name, *columns)


def _text(one: Past) -> str:
    return json.dumps(dict(one.labels), sort_keys=True)


def erase(*, cluster_ids: Collection[UUID]) -> None:
    """Remove everything measured of clusters that are about to be erased (the demo's)."""
    ChargedFact.objects.filter(cluster_id__in=cluster_ids).delete()
    Segment.objects.filter(cluster_id__in=cluster_ids).delete()
