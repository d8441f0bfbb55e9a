"""How far the clusters behind an answer are counted."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.ledger.asking import Ask
from billing.ledger.models import (
    CostProjectDay,
    CostRun,
    RunState,
)
from billing.ledger.selectors.rows import narrowed, visible
from billing.ledger.selectors.settled import bounds, zone
from clusters.registry.models import State
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import periods


@dataclass(frozen=True)
class Counted:
    """How far one cluster is counted in the days asked about; seconds are those of `CostRun`."""

    cluster_id: UUID
    name: str
    attached: bool
    counted_to: datetime
    counted_seconds: int
    due_seconds: int
    hours: int
    final: int


@dataclass(frozen=True)
class Standing:
    """What must stand beside every figure: up to when it is counted, how much of it, and whether it may change."""

    clusters: tuple[Counted, ...]
    ended: bool

    @property
    def counted_to(self) -> datetime | None:
        """The instant up to which every cluster that goes on is counted; None before the first count."""
        going = [one.counted_to for one in self.clusters if one.attached]
        return min(going or [one.counted_to for one in self.clusters], default=None)

    @property
    def coverage(self) -> Decimal | None:
        """Counted seconds ÷ seconds due, 0 to 1."""
        due = sum(one.due_seconds for one in self.clusters)
        return Decimal(sum(one.counted_seconds for one in self.clusters)) / due if due else None

    @property
    def is_final(self) -> bool:
        """Every hour of the days asked about was confirmed by its cluster, and the days are over."""
        return self.ended and bool(self.clusters) and all(one.final == one.hours for one in self.clusters)

    def behind(self, by: timedelta) -> list[Counted]:
        """Return the clusters that lag behind the newest one by more than that."""
        newest = max((one.counted_to for one in self.clusters), default=None)
        if newest is None or self.ended:
            return []
        return [one for one in self.clusters if one.attached and newest - one.counted_to > by]


def standing(person: Person, ask: Ask, at: datetime) -> Standing:
    """Return how far the clusters behind an answer are counted."""
    start, end = bounds(ask)
    runs = _runs(person, ask).filter(hour__gt=start - periods.HOUR, hour__lt=end)
    rows = (
        runs.values("cluster_id", "cluster__name", "cluster__state")
        .annotate(
            # An hour of which nothing is known yet ends where it begins
            to=Coalesce(Max("counted_to", filter=Q(counted_seconds__gt=0)), Min("counted_to")),
            seconds=Sum("counted_seconds"),
            due=Sum("due_seconds"),
            hours=Count("id"),
            final=Count("id", filter=Q(state=RunState.FINAL)),
        )
        .order_by("cluster__name", "cluster_id")
    )
    found = [
        Counted(
            cluster_id=row["cluster_id"],
            name=row["cluster__name"],
            attached=row["cluster__state"] == State.ATTACHED,
            counted_to=row["to"],
            counted_seconds=row["seconds"],
            due_seconds=row["due"],
            hours=row["hours"],
            final=row["final"],
        )
        for row in rows
    ]
    return Standing(tuple(found), ended=at >= end)


def _runs(person: Person, ask: Ask) -> QuerySet[CostRun]:
    """Return the runs of the clusters that the rows come from: others say nothing about them, nor to the person."""
    everything = person.scopes_for(Permission.COST_VIEW).everything
    if ask.cluster is not None:
        return CostRun.objects.filter(cluster_id=ask.cluster)
    if everything and not ask.is_narrowed:
        return CostRun.objects.all()
    coarse = ask.split("namespace" if ask.namespace else "cluster")
    return CostRun.objects.filter(cluster_id__in=set(narrowed(person, coarse).values_list("cluster_id", flat=True)))


def visible_runs(person: Person) -> QuerySet[CostRun]:
    """Return the runs of the clusters in which the person sees a cost."""
    if person.scopes_for(Permission.COST_VIEW).everything:
        return CostRun.objects.all()
    return CostRun.objects.filter(cluster_id__in=visible(CostProjectDay, person).values("cluster_id"))


def counted_days(person: Person, ask: Ask) -> set[date]:
    """Return the billing days of which something was counted."""
    start, end = bounds(ask)
    hours = _runs(person, ask).filter(hour__gt=start - periods.HOUR, hour__lt=end, counted_seconds__gt=0)
    here = zone()
    found: set[date] = set()
    for hour in hours.order_by().values_list("hour", flat=True).distinct():
        last = hour + periods.HOUR - timedelta(seconds=1)
        found |= {periods.billing_day(hour, here), periods.billing_day(last, here)}
    return {day for day in found if ask.start <= day < ask.end}


def first_day(person: Person) -> date | None:
    """Return the first billing day with a row that the person may see."""
    found: date | None = visible(CostProjectDay, person).aggregate(first=Min("day"))["first"]
    return found
