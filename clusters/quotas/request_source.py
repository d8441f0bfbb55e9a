"""Requests for more quota on the pages of requests (`REQUEST_SOURCES`)."""

from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from clusters.quotas import effects as effects_of
from clusters.quotas import pool, resources, selectors, standing
from clusters.quotas.models import Mode, QuotaPlan, QuotaRequest, RequestState
from clusters.quotas.services import asking
from clusters.registry.models import Cluster
from portal.access.scopes import Person
from portal.core import formats
from portal.requests.sources import Asked

MOST = 50


def waiting(person: Person, at: datetime) -> list[Asked]:
    """Return what waits for the person's decision, each with its effect on clusters and money."""
    rows = selectors.waiting_for(person).select_related("asker", "project").order_by("created_at")[:MOST]
    return [_asked(row, person, at) for row in rows]


def count(person: Person) -> int:
    """Return how many wait for the person's decision."""
    return selectors.waiting_for(person).count()


def own(person: Person) -> list[Asked]:
    """Return what waits of the person's own."""
    rows = selectors.own(person).filter(state=RequestState.WAITING).select_related("project", "asker")
    return [
        Asked(
            id=str(row.pk),
            asker=row.asker.username,
            title=_("more quota for %s") % row.project,
            reason=row.reason,
            withdraw_url=reverse("quotas:withdraw", args=[row.pk]),
        )
        for row in rows.order_by("-created_at")[:MOST]
    ]


def _asked(row: QuotaRequest, person: Person, at: datetime) -> Asked:
    plan = QuotaPlan.objects.filter(project=row.project).first()
    return Asked(
        id=str(row.pk),
        asker=row.asker.username,
        title=_("more quota for %s") % row.project,
        reason=row.reason,
        effect=effect(row, plan, person, at) if plan else [],
        warning="" if plan else _("The project has no limits any more."),
        approve_url=reverse("quotas:approve", args=[row.pk]),
        reject_url=reverse("quotas:reject", args=[row.pk]),
        hidden=[("version", str(plan.version if plan else 0))],
    )


def effect(row: QuotaRequest, plan: QuotaPlan, person: Person, at: datetime) -> list[str]:
    """Return what approving does, line by line: amounts, money, and what the clusters have left.

    What a cluster has left is told to whoever may see that cluster: it tells of others' use.
    """
    before = plan.pool_target if plan.mode == Mode.POOL else plan.each
    each = "" if plan.mode == Mode.POOL else _(" for each namespace")
    lines = [
        _("%(name)s from %(before)s to %(after)s%(each)s.")
        % {
            "name": resources.label(name),
            "before": resources.shown(name, before.get(name, 0)),
            "after": resources.shown(name, amount),
            "each": each,
        }
        for name, amount in sorted(row.wanted.items())
    ]
    here = standing.places(row.project_id, at)
    times = 1 if plan.mode == Mode.POOL else len(here)
    grown = {name: max(amount - before.get(name, 0), 0) * times for name, amount in row.wanted.items()}
    money, currency = selectors.money_of(person, row.project_id, grown, at)
    if money:
        text = _("Fully used it would cost %s more a month, at what the project paid lately.")
        lines.append(text % formats.money(sum(money.values(), Decimal(0)), currency))
    clusters = {place.key[0] for place in here}
    seen = Cluster.objects.visible_to(person).filter(pk__in=clusters).values_list("pk", flat=True)
    for free in selectors.free_of(seen):
        cpu, memory, pods = free.texts
        age = formats.ago(free.data_at, at) if free.data_at else _("age unknown")
        text = _("%(cluster)s has %(cpu)s, %(memory)s and room for %(pods)s pods left (%(age)s).")
        lines.append(text % {"cluster": free.cluster, "cpu": cpu, "memory": memory, "pods": pods, "age": age})
    if len(seen) < len(clusters):
        lines.append(_("What the clusters have left is told to those who may see each of them."))
    lines += _troubles(row, plan, at)
    return lines


def _troubles(row: QuotaRequest, plan: QuotaPlan, at: datetime) -> list[str]:
    try:
        found = effects_of.of(row.project, plan.mode, asking.limits_with(plan, row.wanted), at)
    except pool.FloorsExceed:
        return [_("Even so, the pool is too small for its namespaces.")]
    short = [f"{one.cluster}/{one.name}" for one in found if one.no_longer_fit]
    return [_("Still without room for a further pod: %s.") % ", ".join(short[:5])] if short else []
