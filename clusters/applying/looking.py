"""Comparing what was written with what was last read: only what changed since it was looked at.

A version that was read before the latest write says nothing about it. A kind whose deletions are held back, or that is
not up to date, says nothing about what is missing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from clusters.applying import comparing, marks
from clusters.applying.models import FIGHT, HELD, AppliedObject, State
from clusters.inventory import selectors as inventory
from clusters.inventory.models import NetworkPolicy, Stream
from clusters.inventory.models.sync import StreamState
from clusters.kube.objects.table import BY_NAME

# Somebody who changes an object more often than this in a span writes it as we do: a person has to look.
MOST_DRIFTS, DRIFT_SPAN, FIGHT_PAUSE = 3, timedelta(minutes=10), timedelta(hours=1)
# An object that was written is in what is read later than this; the inventory's instants are whole seconds.
UNSEEN = timedelta(seconds=10)
_JSON = frozenset({"labels", "subjects", "hard", "limits"})

_SQL = """
SELECT applied.id, seen.uid, seen.resource_version, seen.gone_at IS NOT NULL, seen.labels{columns}
  FROM applied_object applied
  LEFT JOIN {table} seen ON seen.cluster_id = applied.cluster_id AND seen.uid = applied.uid
 WHERE applied.cluster_id = %s AND applied.kind = %s AND applied.uid <> '' AND applied.state IN ('applied', 'drifted')
   AND (seen.id IS NULL OR seen.gone_at IS NOT NULL OR seen.resource_version <> applied.seen_version)
"""


@dataclass
class Looked:
    """What a look found: objects to put back, objects left to a person, versions that hold what is wanted."""

    drifted: int = 0
    held: int = 0
    confirmed: int = 0
    changed: list[AppliedObject] = field(default_factory=list)


def look(cluster_id: UUID, *, installation: UUID, at: datetime) -> Looked:
    """Fold what was read into the rows; returns what was found. In the caller's transaction."""
    found = Looked()
    streams = {one.kind: one for one in Stream.objects.filter(cluster_id=cluster_id, kind__in=comparing.COMPARERS)}
    for kind in comparing.COMPARERS:
        stream = streams.get(kind)
        if stream is None or stream.state != StreamState.OK:
            continue
        seen = _seen(cluster_id, kind)
        if kind == "network_policy":
            _add_bodies(cluster_id, seen)
        rows = AppliedObject.objects.select_for_update().in_bulk(list(seen))
        for pk, values in seen.items():
            row = rows.get(pk)
            if row is not None and _fold(row, values, stream, installation, found, at):
                found.changed.append(row)
    AppliedObject.objects.bulk_update(
        found.changed,
        ["seen_version", "uid", "applied_digest", "state", "code", "text", "since", "due_at", "drifts", "drifted_at"],
        batch_size=200,
    )
    return found


def _seen(cluster_id: UUID, kind: str) -> dict[UUID, dict[str, Any]]:
    columns = comparing.COLUMNS[kind]
    text = "".join(f", seen.{column}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(columns=text, table=BY_NAME[kind].table), [cluster_id, kind])
        found = cursor.fetchall()
    heads = ("uid", "version", "gone", "labels", *columns)
    # A raw cursor gives JSON as text.
    return {
        row[0]: {
            name: json.loads(value) if name in _JSON and isinstance(value, str) else value
            for name, value in zip(heads, row[1:], strict=True)
        }
        for row in found
    }


def _add_bodies(cluster_id: UUID, seen: Mapping[UUID, dict[str, Any]]) -> None:
    """Of these only counts are columns: what their rules say stands in the kept object."""
    for values in seen.values():
        if values["uid"] is not None and not values["gone"]:
            kept = inventory.body_of(NetworkPolicy(cluster_id=cluster_id, uid=values["uid"]))
            values["body"] = json.loads(kept) if kept else None


def _fold(
    row: AppliedObject, seen: Mapping[str, Any], stream: Stream, installation: UUID, found: Looked, at: datetime
) -> bool:
    if seen["uid"] is None:
        late = stream.last_ok_at is not None and row.applied_at is not None
        if not late or stream.last_ok_at <= row.applied_at + UNSEEN:  # type: ignore[operator]
            return False
    elif not seen["gone"] and _older(seen["version"], row.seen_version):
        return False
    elif not seen["gone"] and _holds(row, seen, installation):
        row.seen_version = seen["version"]
        if row.state == State.DRIFTED:
            # Put right by whoever changed it.
            row.state, row.code, row.text, row.since, row.due_at = State.APPLIED, "", "", at, None
        found.confirmed += 1
        return True
    missing = seen["uid"] is None or seen["gone"]
    return _drift(row, missing, seen, found, at)


def _drift(row: AppliedObject, missing: bool, seen: Mapping[str, Any], found: Looked, at: datetime) -> bool:
    if not missing:
        row.seen_version = seen["version"]
    elif row.kind == "namespace":
        # It ended with all that was in it; whether it is held still, the room that holds it says.
        return False
    again = row.drifted_at is not None and row.drifted_at + DRIFT_SPAN > at
    row.drifts = row.drifts + 1 if again else 1
    if not again:
        row.drifted_at = at
    if row.state != State.DRIFTED:
        row.since = at
    row.state, row.code, row.text, row.due_at = State.DRIFTED, "", "", None
    if missing:
        row.uid = row.applied_digest = ""
    if row.drifts > MOST_DRIFTS:
        row.code, row.due_at = FIGHT, at + FIGHT_PAUSE
    elif row.drift == "hold" and not missing:
        row.code = HELD
    if row.code:
        found.held += 1
    else:
        found.drifted += 1
    return True


def _holds(row: AppliedObject, seen: Mapping[str, Any], installation: UUID) -> bool:
    labels = seen["labels"] or {}
    if labels.get(marks.LABEL) != str(marks.Mark(installation, row.pk)):
        return False
    return comparing.holds(row.kind, row.body, seen)


def _older(version: str, than: str) -> bool:
    """Tell whether a version is older; versions that are no numbers cannot be told apart."""
    return version.isdecimal() and than.isdecimal() and int(version) < int(than)
