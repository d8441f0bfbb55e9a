"""Reads about what is measured, and up to when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q

from billing.metering.models import EndFlag, Segment
from clusters.inventory import selectors as inventory
from clusters.inventory.models import ChargedFact, Stream
from clusters.registry.models import Cluster, State

# How long after a cluster came back its things are looked for.
RETURN = timedelta(days=1)


@dataclass(frozen=True)
class Confirmed:
    """Up to when a cluster's charged streams are known.

    `counted_to` is None while one of them has never been read. `behind` names the streams that were not confirmed up
    to the instant asked about, sorted.
    """

    counted_to: datetime | None
    behind: tuple[str, ...] = ()


def counted(cluster_ids: Collection[UUID], at: datetime) -> dict[UUID, datetime | None]:
    """Return per cluster min(at, the oldest confirmation of its charged streams, its detachment).

    None stands where a stream has never been read.
    """
    fresh = inventory.freshness(cluster_ids)
    bounds = _bounds(cluster_ids, at)
    return {pk: None if (oldest := fresh[pk]) is None else min(bounds[pk], oldest) for pk in cluster_ids}


def counted_to(cluster_id: UUID, at: datetime) -> datetime | None:
    """Return the same of one cluster."""
    return counted([cluster_id], at)[cluster_id]


def confirmed(cluster_id: UUID, at: datetime) -> Confirmed:
    """Return up to when the cluster is known, and which streams hold it back."""
    bound = _bounds([cluster_id], at)[cluster_id]
    known = Stream.objects.filter(cluster_id=cluster_id, kind__in=inventory.CHARGED_KINDS)
    fresh = set(known.filter(last_ok_at__gte=bound).values_list("kind", flat=True))
    return Confirmed(counted_to(cluster_id, at), tuple(sorted(set(inventory.CHARGED_KINDS) - fresh)))


def _bounds(cluster_ids: Collection[UUID], at: datetime) -> dict[UUID, datetime]:
    """Return how far a cluster can be known at all: to its detachment, else to `at`."""
    detached = Cluster.objects.filter(pk__in=cluster_ids, state=State.DETACHED, detached_at__lt=at)
    ends = {pk: instant for pk, instant in detached.values_list("pk", "detached_at") if instant is not None}
    return {**dict.fromkeys(cluster_ids, at), **ends}


def first_measured(cluster_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Return where the segments of each cluster begin; clusters without any are left out."""
    firsts: dict[UUID, datetime] = {}
    for cluster_id in cluster_ids:
        found = Segment.objects.filter(cluster_id=cluster_id).order_by("starts_at").values_list("starts_at", flat=True)
        first = found.first()
        if first is not None:
            firsts[cluster_id] = first
    return firsts


def clusters_due(at: datetime) -> list[UUID]:
    """Return the clusters that have something to fold, to end, or to take up again."""
    facts = ChargedFact.objects.filter(cluster_id=OuterRef("pk"))
    segments = Segment.objects.filter(cluster_id=OuterRef("pk"))
    left = segments.filter(end_flag=EndFlag.DETACHED, ends_at__lte=OuterRef("attached_at"))
    attached = Q(state=State.ATTACHED) & (Exists(facts) | Q(attached_at__gt=at - RETURN) & Exists(left))
    detached = Q(state=State.DETACHED) & (Exists(facts) | Exists(segments.open()))
    return list(Cluster.objects.filter(attached | detached).order_by(F("pk")).values_list("pk", flat=True))
