"""Shares of namespaces: kept in step with what a project holds, and moved within its pool."""

from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from clusters.inventory.models import Namespace, Quota
from clusters.projects.models import Project
from clusters.quotas import moving, pool, standing
from clusters.quotas.models import Mode, QuotaPlan, QuotaRequest, QuotaShare
from clusters.quotas.moving import Door, Report
from clusters.quotas.pool import Key
from clusters.quotas.services.books import ProjectBooks
from portal.audit import services as audit
from portal.core.actors import SYSTEM, Actor


def settle(*, project_id: UUID) -> bool:
    """Give each namespace of the project its rows, and drop those of namespaces that left. True where rows changed.

    A namespace that comes from another project brings what was granted there: it stands in the cluster. What was
    granted to one that left counts until its limit is seen to be gone.
    """
    with transaction.atomic():
        plan = QuotaPlan.objects.select_for_update().filter(project_id=project_id).first()
        limits = (plan.pool_target if plan.mode == Mode.POOL else plan.each) if plan else {}
        here = set(Namespace.objects.filter(project_id=project_id, gone_at=None).values_list("cluster_id", "uid"))
        changed = _adopt(project_id, here) if plan else False
        changed = _drop(project_id, here if plan else set(), plan, set(limits)) or changed
        if plan is None:
            return changed
        known = set(
            QuotaShare.objects.filter(project_id=project_id).values_list("cluster_id", "namespace_uid", "resource")
        )
        fixed = plan.mode == Mode.FIXED
        missing = [
            QuotaShare(
                project_id=project_id,
                cluster_id=key[0],
                namespace_uid=key[1],
                resource=resource,
                wanted=Decimal(amount) if fixed else Decimal(0),
                granted=Decimal(amount) if fixed else Decimal(0),
            )
            for key in sorted(here, key=str)
            for resource, amount in limits.items()
            if (*key, resource) not in known
        ]
        QuotaShare.objects.bulk_create(missing, batch_size=1000)
        return changed or bool(missing)


def rebalance(*, project_id: UUID, door: Door, now: Callable[[], datetime], by: Actor = SYSTEM) -> Report:
    """Move what is free in a pool to where it is used, the clusters confirming each step.

    Raises `pool.FloorsExceed` where namespaces have come since the pool was decided and it is too small for all.
    """
    settle(project_id=project_id)
    plan = QuotaPlan.objects.select_related("project").filter(project_id=project_id, mode=Mode.POOL).first()
    if plan is None:
        return Report()
    books = ProjectBooks(project_id, now)
    books.follow()
    before = _shares(project_id)
    try:
        report = moving.balance(books, door)
    finally:
        books.follow()
        QuotaPlan.objects.filter(pk=plan.pk).update(balanced_at=now())
    if report.lowered or report.raised:
        _record(plan.project, before, _shares(project_id), by)
    return report


def floors_exceeded(plan: QuotaPlan, at: datetime) -> pool.FloorsExceed | None:
    """Return what makes the pool too small for the namespaces of now, None where it is not."""
    if plan.mode != Mode.POOL:
        return None
    try:
        pool.demand_floors(plan.pool_target, [row for row in standing.standings(plan, at) if row.floor])
    except pool.FloorsExceed as exceeded:
        return exceeded
    return None


def erase(*, project_ids: Collection[UUID], cluster_ids: Collection[UUID]) -> None:
    """Remove the rows of projects and clusters that are removed whole, with the demo."""
    QuotaShare.objects.filter(Q(project_id__in=project_ids) | Q(cluster_id__in=cluster_ids)).delete()
    QuotaRequest.objects.filter(project_id__in=project_ids).delete()
    QuotaPlan.objects.filter(project_id__in=project_ids).delete()


def _adopt(project_id: UUID, here: set[Key]) -> bool:
    foreign = [
        share.pk
        for share in QuotaShare.objects.filter(namespace_uid__in=[uid for _cluster, uid in here]).exclude(
            project_id=project_id
        )
        if (share.cluster_id, share.namespace_uid) in here
    ]
    if not foreign:
        return False
    QuotaShare.objects.filter(pk__in=foreign).update(project_id=project_id, is_own=False)
    plan = QuotaPlan.objects.get(project_id=project_id)
    if plan.mode == Mode.POOL:
        # What comes along stands already: the pool in force takes it in, and follows down again.
        ProjectBooks(project_id, _no_clock).follow()
    return True


def _no_clock() -> datetime:
    raise AssertionError("following the pool asks no clock")


def _drop(project_id: UUID, here: set[Key], plan: QuotaPlan | None, limits: set[str]) -> bool:
    shares = list(QuotaShare.objects.filter(project_id=project_id))
    gone = [share for share in shares if (share.cluster_id, share.namespace_uid) not in here]
    standing_still = set(
        Quota.objects.filter(
            name=standing.NAME, gone_at=None, namespace__uid__in=[share.namespace_uid for share in gone]
        ).values_list("cluster_id", "namespace__uid")
    )
    away = [share.pk for share in gone if (share.cluster_id, share.namespace_uid) not in standing_still]
    # A resource that the plan no longer limits; one that a person gave this namespace alone stays.
    away += [
        share.pk
        for share in shares
        if share.pk not in away and plan is not None and share.resource not in limits and not share.is_own
    ]
    QuotaShare.objects.filter(pk__in=away).delete()
    return bool(away)


def _shares(project_id: UUID) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    rows = QuotaShare.objects.filter(project_id=project_id).order_by("cluster_id", "namespace_uid", "resource")
    for share in rows:
        found.setdefault(share.namespace_uid, {})[share.resource] = int(share.granted)
    return found


def _record(project: Project, before: dict[str, dict[str, int]], after: dict[str, dict[str, int]], by: Actor) -> None:
    moved = sorted(uid for uid in after if after[uid] != before.get(uid))
    if moved:
        audit.record(
            "quotas.share.move",
            by=by,
            on=project.as_subject(),
            before={uid: before.get(uid, {}) for uid in moved},
            after={uid: after[uid] for uid in moved},
        )
