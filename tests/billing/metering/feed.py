"""A cluster, and what the inventory says of it, without an inventory."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.metering import folding
from billing.metering.models import Segment
from clusters.inventory.models import ChargedFact, Stream
from clusters.inventory.selectors import CHARGED_KINDS
from clusters.registry.models import Cluster, State

START = datetime(2026, 9, 1, 10, 0, 0, tzinfo=UTC)
GIB = 2**30


def at(minutes: float) -> datetime:
    """Return an instant after START."""
    return START + timedelta(minutes=minutes)


def attach(name: str = "prod", *, is_demo: bool = False) -> Cluster:
    """Make an attached cluster."""
    return Cluster.objects.create(
        slug=name,
        name=name,
        server=f"https://{name}.example",
        credential="sealed",
        kube_system_uid=f"kube-system-{name}",
        state=State.ATTACHED,
        attached_at=START,
        is_demo=is_demo,
    )


def confirm(cluster: Cluster, upto: datetime, **later: datetime) -> None:
    """Say that every charged stream was confirmed at `upto`, those named at their own instant."""
    for kind in CHARGED_KINDS:
        Stream.objects.update_or_create(
            cluster=cluster, kind=kind, defaults={"last_ok_at": later.get(kind, upto), "state": "ok"}
        )


def tell(cluster: Cluster, kind: str, uid: str, seen: float, **values: Any) -> ChargedFact:
    """Write a fact seen `seen` minutes after START; `start` and `end` are minutes too."""
    started, ended = values.pop("start", 0), values.pop("end", None)
    defaults: dict[str, Any] = {"name": uid, "namespace_uid": "" if kind == "node" else "ns-1"}
    if kind == "pod":
        defaults |= {"cpu_m": 500, "memory_bytes": GIB, "node_name": "node-1", "node_uid": "n-1"}
    elif kind == "node":
        defaults |= {"cpu_m": 4000, "memory_bytes": 16 * GIB, "instance_type": "m5.xlarge", "node_uid": uid}
    elif kind == "volume":
        defaults |= {"storage_bytes": 10 * GIB, "storage_class": "gp3", "claim_namespace_uid": "ns-1"}
    else:
        defaults |= {"units": 1}
    return ChargedFact.objects.create(
        cluster=cluster,
        kind=kind,
        uid=uid,
        observed_at=at(seen),
        started_at=at(started),
        ended_at=None if ended is None else at(ended),
        **{**defaults, **values},
    )


def fold(cluster: Cluster, *, batch: int = folding.BATCH) -> folding.Folded:
    """Fold what was told."""
    return folding.fold_facts(cluster.pk, alive=lambda _done: None, batch=batch)


def spans(cluster: Cluster, uid: str) -> list[tuple[float, float | None, str]]:
    """Return the segments of a thing as (from, to, flag), in minutes after START."""
    found = Segment.objects.filter(cluster=cluster, uid=uid).order_by("starts_at")
    return [
        (_minutes(one.starts_at), None if one.ends_at is None else _minutes(one.ends_at), one.end_flag) for one in found
    ]


def _minutes(instant: datetime) -> float:
    return (instant - START).total_seconds() / 60


def image(cluster: Cluster) -> list[tuple[Any, ...]]:
    """Return every segment of a cluster without its id."""
    fields = [field.attname for field in Segment._meta.concrete_fields if field.attname != "id"]
    return sorted(Segment.objects.filter(cluster=cluster).values_list(*fields), key=repr)
