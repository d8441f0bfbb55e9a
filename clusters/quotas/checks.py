"""What this room says before namespaces are moved (`ACTION_CHECKS`)."""

from django.utils.translation import gettext as _

from clusters.inventory.models import Namespace
from clusters.projects.moving import Move
from clusters.quotas import resources, standing
from clusters.quotas.models import Mode, QuotaPlan
from portal.core import clock
from portal.core.action_checks import Verdict


def namespace_move(ids: Move) -> list[Verdict]:
    """Refuse a move into a pool that is too small for all its namespaces then; else say what is limited there."""
    plan = QuotaPlan.objects.filter(project_id=ids.target).first()
    if plan is None:
        return [Verdict(True, text=_("The project they move to has no limits."))]
    rows = [
        row
        for cluster_id, uid in ids.keys
        for row in Namespace.objects.filter(cluster_id=cluster_id, uid=uid, gone_at=None)
    ]
    if plan.mode == Mode.POOL:
        return _into_pool(plan, len(rows))
    use = standing.used_by(row.pk for row in rows)
    over = [
        row.name for row in rows if any(use.get(row.pk, {}).get(name, 0) > amount for name, amount in plan.each.items())
    ]
    if over:
        text = _("They use more than a namespace gets there, so nothing new will start in them: %s.")
        return [Verdict(True, text=text % ", ".join(over[:5]))]
    return [Verdict(True, text=_("They get the limits of the project they move to, and what they use fits."))]


def _into_pool(plan: QuotaPlan, count: int) -> list[Verdict]:
    here = len(standing.places(plan.project_id, clock.now()))
    short = [
        resources.label(name)
        for name, amount in plan.pool_target.items()
        if standing.floor_of(name, plan.limit_range) * (here + count) > amount
    ]
    if short:
        text = _("The pool of the project they move to is too small for them: %s.")
        return [Verdict(False, "project", text % ", ".join(short))]
    return [
        Verdict(True, text=_("They bring what they were granted, and share the pool of that project from then on."))
    ]
