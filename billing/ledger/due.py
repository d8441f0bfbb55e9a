"""Which hours are to be closed now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, Max, Q

from billing.ledger.models import CostRun, RunState
from billing.metering import selectors as metering
from billing.metering.models import Segment
from clusters.inventory.models import ChargedFact
from clusters.registry.models import Cluster, State
from portal.core import periods
from portal.core.periods import HOUR, Period


@dataclass(frozen=True, slots=True)
class Due:
    """Whole hours of a cluster; the last one may be the running hour."""

    cluster_id: UUID
    hours: Period


def all_due(at: datetime) -> Iterator[Due]:
    """Yield what is due of each cluster that is attached, or that was and is not final yet."""
    for cluster in Cluster.objects.exclude(state=State.CANDIDATE).order_by("pk"):
        hours = of_cluster(cluster, at)
        if hours is not None:
            yield Due(cluster.pk, hours)


def of_cluster(cluster: Cluster, at: datetime) -> Period | None:
    """Return the hours from the first that is not final to the running one; None where nothing is due.

    While a cluster does not answer, nothing of its provisional hours can change but how much of the last is covered.
    """
    attached = cluster.state == State.ATTACHED
    open_ = Q(state=RunState.PROVISIONAL)
    if attached:
        # Final when it was detached, running again since it came back
        open_ |= Q(counted_to__lt=F("hour") + HOUR, hour__gte=periods.floor_hour(cluster.attached_at or at))
    first = CostRun.objects.filter(open_, cluster=cluster).order_by("hour").first()
    last = CostRun.objects.filter(cluster=cluster).aggregate(last=Max("hour"))["last"]
    if first is not None:
        known = metering.counted_to(cluster.pk, at)
        start = first.hour if not attached or (known and known > first.counted_to) else last
    elif not attached:
        return None
    elif last is not None:
        start = max(last + HOUR, periods.floor_hour(cluster.attached_at or at))
    else:
        start = _beginning(cluster, at)
    running = periods.floor_hour(at)
    return Period(min(start, running), running + HOUR) if start <= running else None


def measuring(cluster_id: UUID) -> bool:
    """Tell whether something of a detached cluster is still to be folded or ended."""
    return (
        ChargedFact.objects.filter(cluster_id=cluster_id).exists()
        or Segment.objects.open().filter(cluster_id=cluster_id).exists()
    )


def _beginning(cluster: Cluster, at: datetime) -> datetime:
    """Return the first hour to count of a cluster: what is known of it, no further back than the month it came in.

    What ended before that was never seen, so older hours would tell of the survivors alone.
    """
    came = cluster.attached_at or at
    month = periods.month_start(came, ZoneInfo(settings.BILLING_TIME_ZONE))
    first = metering.first_measured([cluster.pk]).get(cluster.pk, came)
    return max(periods.floor_hour(min(first, came)), periods.floor_hour(month))
