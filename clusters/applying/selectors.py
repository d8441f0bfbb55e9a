"""Reads about what is written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import yaml
from django.db.models import Count

from clusters.applying import marks, reconciling, sending
from clusters.applying.desired import Desired
from clusters.applying.models import FIGHT, HELD, AppliedObject, State, WriteLease
from clusters.kube.objects.table import BY_NAME


@dataclass(frozen=True)
class ClusterState:
    """What is applied in one cluster, and why the rest is not. `since` is when the oldest of it began."""

    cluster_id: UUID
    cluster: str
    slug: str
    applied: int
    total: int
    failed: int
    held: int
    away_since: datetime | None
    texts: tuple[str, ...]
    stopped: str

    @property
    def is_whole(self) -> bool:
        """Tell whether all stands as it is wanted."""
        return self.applied == self.total and not self.stopped


@dataclass(frozen=True)
class RolledUp:
    """What is applied of what is wanted: "applied 3 of 3"."""

    applied: int
    total: int
    by_cluster: tuple[ClusterState, ...]


def rolled_up(*, project_id: UUID) -> RolledUp:
    """Return how much of a project stands in its clusters."""
    rows = AppliedObject.objects.filter(project_id=project_id)
    counts: dict[tuple[UUID, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    texts: dict[UUID, list[str]] = defaultdict(list)
    heads = ("cluster_id", "cluster__name", "cluster__slug")
    for one in rows.values(*heads, "state", "code", "text").annotate(number=Count("pk")).order_by("cluster__name"):
        counted = counts[(one["cluster_id"], one["cluster__name"], one["cluster__slug"])]
        counted["total"] += one["number"]
        counted[one["state"]] += one["number"]
        counted["held"] += one["number"] if one["code"] in (HELD, FIGHT) else 0
        if one["text"] and one["text"] not in texts[one["cluster_id"]]:
            texts[one["cluster_id"]].append(one["text"])
    leases = WriteLease.objects.in_bulk([key[0] for key in counts])
    found = tuple(
        _cluster_state(key, counted, tuple(texts[key[0]][:5]), leases.get(key[0])) for key, counted in counts.items()
    )
    return RolledUp(sum(one.applied for one in found), sum(one.total for one in found), found)


def _cluster_state(
    key: tuple[UUID, str, str], counted: dict[str, int], texts: tuple[str, ...], lease: WriteLease | None
) -> ClusterState:
    return ClusterState(
        *key,
        applied=counted[State.APPLIED],
        total=counted["total"],
        failed=counted[State.FAILED],
        held=counted["held"],
        away_since=lease.failing_since if lease else None,
        texts=texts,
        stopped=lease.stopped_text if lease else "",
    )


def yaml_of(applied: AppliedObject) -> str:
    """Return the object as it is applied."""
    return _yaml(applied.kind, applied.namespace, applied.name, applied.body, applied.pk)


def yaml_of_desired(desired: Sequence[Desired]) -> str:
    """Return objects as they would be applied; marks are given when they are written."""
    return "---\n".join(_yaml(one.kind, one.namespace, one.name, one.body, None) for one in desired)


def _yaml(kind: str, namespace: str, name: str, body: Any, row: UUID | None) -> str:
    known = BY_NAME[kind]
    if row is None:
        found = {**sending.typed(known), **body, "metadata": dict(body.get("metadata", {}))}
    else:
        found = sending.whole(known, body, marks.Mark(reconciling.installation_id(), row))
    place = {"name": name} | ({"namespace": namespace} if namespace else {})
    found["metadata"] = {**place, **found["metadata"]}
    return yaml.safe_dump(found, sort_keys=False, default_flow_style=False, allow_unicode=True)
