"""What beat asks for: pools in which something moved, and projects whose namespaces changed."""

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from clusters.inventory import occurred
from clusters.inventory.models import Namespace, Occurrence, Quota
from clusters.quotas import standing
from clusters.quotas.models import Mode, QuotaPlan, QuotaShare
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs

# A pool in which nothing was seen to move is looked at again after this.
AT_REST = timedelta(minutes=10)


def rebalance_due(at: datetime) -> None:
    """Share out the pools whose use or limits changed, or in which something was refused; one query finds them."""
    for project_id in due(at):
        jobs.enqueue("clusters.quotas.rebalance", key=str(project_id), by=SYSTEM, project_id=str(project_id))


def due(at: datetime) -> list[object]:
    """Return the projects whose shares are to be looked at now."""
    held = Namespace.objects.filter(project_id=OuterRef("project_id"), gone_at=None)
    changed = Quota.objects.filter(
        name=standing.NAME, namespace__project_id=OuterRef("project_id"), observed_at__gt=OuterRef("balanced_at")
    )
    refused = Occurrence.objects.filter(
        namespace__project_id=OuterRef("project_id"),
        reason__in=occurred.REFUSED_REASONS,
        last_at__gt=at - standing.FRESH,
    )
    rows = QuotaShare.objects.filter(cluster_id=OuterRef("cluster_id"), namespace_uid=OuterRef("uid"))
    rows = rows.filter(project_id=OuterRef("project_id"))
    arrived = held.filter(~Exists(rows))
    left = QuotaShare.objects.filter(project_id=OuterRef("project_id")).filter(
        ~Exists(
            Namespace.objects.filter(
                cluster_id=OuterRef("cluster_id"),
                uid=OuterRef("namespace_uid"),
                project_id=OuterRef("project_id"),
                gone_at=None,
            )
        )
    )
    pooled = Q(balanced_at=None) | Q(balanced_at__lt=at - AT_REST) | Exists(changed) | Exists(refused)
    limited = ~Q(pool_target={}) | ~Q(each={})
    plans = QuotaPlan.objects.filter(limited).filter(
        (Q(mode=Mode.POOL) & pooled) | Exists(arrived) | Exists(left), project__ended_at=None
    )
    return list(plans.order_by(F("balanced_at").asc(nulls_first=True)).values_list("project_id", flat=True))


def expire_due(at: datetime) -> None:
    """End requests for more that nobody answered."""
    jobs.enqueue("clusters.quotas.expire", key="", by=SYSTEM)
