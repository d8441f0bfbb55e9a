"""Deciding what a project may use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from clusters.inventory.models import Namespace
from clusters.projects import selectors as projects
from clusters.projects.models import Project
from clusters.quotas import pool, resources, standing
from clusters.quotas.models import Mode, Network, PodSecurity, QuotaPlan, QuotaRequest, QuotaShare
from clusters.quotas.pool import Key, Standing
from clusters.quotas.services import shares, waking
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor

MOST_RESOURCES = 50
WORDS = ("defaultRequest", "default", "min", "max")


@dataclass(frozen=True)
class Limits:
    """What a plan says. Amounts are in smallest units, by kept name of the resource.

    `amounts` is the pool, or in fixed mode what each namespace gets; `own` what single namespaces get instead (fixed).
    `limit_range` is {resource: {word of `WORDS`: quantity}} per container.
    """

    amounts: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)
    limit_range: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pod_security: str = ""
    network: str = ""


def set(  # noqa: A001, PLR0913 - read as plans.set; one argument for each thing that is decided
    *,
    project: Project,
    mode: str,
    limits: Limits,
    version: int,
    by: Actor,
    at: datetime,
    below_use: bool = False,
    request: QuotaRequest | None = None,
) -> QuotaPlan:
    """Decide a project's plan. `version` is that of the plan one has looked at, 0 where there was none.

    `below_use` accepts amounts below what is used: nothing is stopped, nothing new starts. Raises `Refused` (amounts,
    floors, use) with the field it is about, and `Conflict` when the plan was changed meanwhile, with the difference.
    """
    demand_sense(mode, limits)
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        plan = QuotaPlan.objects.select_for_update().filter(project=project).first()
        if project.ended_at is not None:
            raise errors.Conflict.one("", _("This project is closed."))
        _demand_same(plan, version, mode, limits)
        before = as_audited(plan)
        found = plan or QuotaPlan(project=project)
        _write(found, mode, limits)
        rows = _rows(found, at)
        if not below_use:
            demand_fit(found, rows, limits)
        else:
            demand_floors(found, rows)
        if mode == Mode.POOL:
            found.pool = _least_pool(found, rows)
        found.version, found.changed_at, found.changed_by = version + 1, at, by.label
        found.save()
        shares.settle(project_id=project.pk)
        if mode == Mode.FIXED:
            _fix(project, limits)
        on = project.as_subject(projects.team_id_of(project.pk))
        after = as_audited(found) | ({"request": str(request.pk)} if request else {})
        audit.record("quotas.plan.change", by=by, on=on, before=before, after=after)
        waking.wake(project_id=project.pk, because="quotas.plan")
    return found


def remove(*, project: Project, version: int, by: Actor, at: datetime) -> None:
    """Take the plan away: its objects are removed from the clusters. Raises `Conflict`."""
    with transaction.atomic():
        plan = QuotaPlan.objects.select_for_update().filter(project=project).first()
        if plan is None or plan.version != version:
            raise errors.Conflict.one("", _("The plan was changed meanwhile. Look at it again."))
        before = as_audited(plan)
        plan.delete()
        shares.settle(project_id=project.pk)
        on = project.as_subject(projects.team_id_of(project.pk))
        audit.record("quotas.plan.change", by=by, on=on, before=before, after={})
        waking.wake(project_id=project.pk, because="quotas.plan")


def demand_sense(mode: str, limits: Limits) -> None:
    """Refuse what no cluster would take. Raises `Refused`."""
    wrong: dict[str, list[str]] = {}
    if mode not in Mode.values:
        wrong["mode"] = [_("Choose how it is divided.")]
    if limits.pod_security not in PodSecurity.values:
        wrong["pod_security"] = [_("There is no such level.")]
    if limits.network not in Network.values:
        wrong["network"] = [_("There is no such template.")]
    if limits.own and mode == Mode.POOL:
        wrong["own"] = [_("In a pool no namespace has a share of its own.")]
    for given in (limits.amounts, *limits.own.values()):
        if len(given) > MOST_RESOURCES:
            wrong["amounts"] = [_("At most %d resources.") % MOST_RESOURCES]
        for name, amount in given.items():
            _demand_amount(name, amount, wrong)
    for name, words in limits.limit_range.items():
        _demand_bounds(name, words, wrong)
    if wrong:
        raise errors.Refused(wrong)


def _demand_amount(name: str, amount: int, wrong: dict[str, list[str]]) -> None:
    try:
        known = resources.name_of(name)
    except resources.UnknownResource:
        wrong[f"pool.{name}"] = [_("Kubernetes has no quota for this.")]
        return
    if known != name or not 0 <= amount <= resources.MOST:
        wrong[f"pool.{name}"] = [_("This is no amount.")]


def _demand_bounds(name: str, words: Mapping[str, str], wrong: dict[str, list[str]]) -> None:
    found: dict[str, int] = {}
    for word, quantity in words.items():
        try:
            if word not in WORDS or name not in ("cpu", "memory", "ephemeral-storage"):
                raise resources.UnknownResource(name)
            found[word] = resources.parse(name, quantity)
        except (resources.UnknownResource, resources.BadAmount):
            wrong[f"limit_range.{name}.{word}"] = [_("This is no amount.")]
    order = [found[word] for word in ("min", "defaultRequest", "default", "max") if word in found]
    if order != sorted(order):
        wrong[f"limit_range.{name}"] = [_("Least, requested, limit and most have to rise in this order.")]


def demand_floors(plan: QuotaPlan, rows: list[Standing]) -> None:
    """Refuse a pool that is too small for the namespaces that there are. Raises `Refused` at `pool.<resource>`."""
    if plan.mode != Mode.POOL:
        return
    try:
        pool.demand_floors(plan.pool_target, rows)
    except pool.FloorsExceed as exceeded:
        raise floors_refused(exceeded) from None


def floors_refused(exceeded: pool.FloorsExceed) -> errors.Refused:
    """Return in words, at `pool.<resource>`, why a pool is too small."""
    text = _("The namespaces need at least %(least)s together: %(names)s.")
    return errors.Refused(
        {
            f"pool.{name}": [text % {"least": resources.shown(name, least), "names": _some(names)}]
            for name, (least, names) in exceeded.by_resource.items()
        }
    )


def demand_fit(plan: QuotaPlan, rows: list[Standing], limits: Limits) -> None:
    """Refuse amounts below the floors or below what is used. Raises `Refused` at `pool.<resource>`."""
    demand_floors(plan, rows)
    wrong: dict[str, list[str]] = {}
    for name, amount in limits.amounts.items():
        if plan.mode == Mode.POOL:
            needed = sum(row.kept(name) for row in rows)
            names = tuple(row.name for row in rows if row.used.get(name))
            short = needed > amount
        else:
            over = [row for row in rows if row.used.get(name, 0) > limits.own.get(row.key, {}).get(name, amount)]
            needed, names, short = max((row.used[name] for row in over), default=0), (), bool(over)
            names = tuple(row.name for row in over)
        if short:
            text = _("%(used)s are in use: %(names)s. Choose to go below it, or give more.")
            wrong[f"pool.{name}"] = [text % {"used": resources.shown(name, needed), "names": _some(names)}]
    if wrong:
        raise errors.Refused(wrong)


def as_audited(plan: QuotaPlan | None) -> dict[str, Any]:
    """Return what a plan says, in words of Kubernetes."""
    if plan is None:
        return {}
    amounts = plan.pool_target if plan.mode == Mode.POOL else plan.each
    return {
        "mode": plan.mode,
        "amounts": {name: resources.written(name, amount) for name, amount in sorted(amounts.items())},
        "limit_range": plan.limit_range,
        "pod_security": plan.pod_security,
        "network": plan.network,
    }


def _write(plan: QuotaPlan, mode: str, limits: Limits) -> None:
    plan.mode = mode
    plan.pool_target = dict(limits.amounts) if mode == Mode.POOL else {}
    plan.each = dict(limits.amounts) if mode == Mode.FIXED else {}
    plan.pool = {}
    plan.limit_range = {name: dict(words) for name, words in limits.limit_range.items() if words}
    plan.pod_security, plan.network = limits.pod_security, limits.network


def _rows(plan: QuotaPlan, at: datetime) -> list[Standing]:
    """Every namespace as it would stand; those without a row yet have nothing granted."""
    limited = {**plan.pool_target, **plan.each}
    known = {row.key: row for row in standing.standings(plan, at)}
    found = []
    for place in standing.places(plan.project_id, at):
        row = known.pop(place.key, None)
        found.append(
            Standing(
                key=place.key,
                name=f"{place.name} ({place.cluster})",
                granted=row.granted if row else {},
                used={name: place.use.get(name, 0) for name in limited},
                floor={name: standing.floor_of(name, plan.limit_range) for name in limited},
                frozen=not place.reached,
            )
        )
    return [*found, *known.values()]


def _least_pool(plan: QuotaPlan, rows: list[Standing]) -> dict[str, int]:
    """The pool in force: as long as more is granted or in use than was decided, that."""
    granted: dict[str, int] = {}
    for share in QuotaShare.objects.filter(project_id=plan.project_id):
        granted[share.resource] = granted.get(share.resource, 0) + int(share.granted)
    return {
        name: max(plan.pool_target[name], granted.get(name, 0), sum(row.kept(name) for row in rows))
        for name in plan.pool_target
    }


def _fix(project: Project, limits: Limits) -> None:
    """Write the shares of fixed mode: what each namespace gets, or its own."""
    held = {*Namespace.objects.filter(project_id=project.pk, gone_at=None).values_list("cluster_id", "uid")}
    if strange := [key for key in limits.own if key not in held]:
        raise errors.Refused.one("own", _("%d of the namespaces are not the project's.") % len(strange))
    changed = []
    for share in QuotaShare.objects.filter(project=project).select_for_update():
        key = (share.cluster_id, share.namespace_uid)
        own = limits.own.get(key, {}).get(share.resource)
        amount = own if own is not None else limits.amounts.get(share.resource)
        if amount is not None:
            share.wanted = share.granted = Decimal(amount)
            share.is_own = own is not None
            changed.append(share)
    QuotaShare.objects.bulk_update(changed, ["wanted", "granted", "is_own"], batch_size=500)
    existing = {(share.cluster_id, share.namespace_uid, share.resource) for share in changed}
    QuotaShare.objects.bulk_create(
        QuotaShare(
            project=project,
            cluster_id=key[0],
            namespace_uid=key[1],
            resource=name,
            wanted=Decimal(amount),
            granted=Decimal(amount),
            is_own=True,
        )
        for key, amounts in limits.own.items()
        for name, amount in amounts.items()
        if (*key, name) not in existing
    )


def _demand_same(plan: QuotaPlan | None, version: int, mode: str, limits: Limits) -> None:
    standing_version = plan.version if plan else 0
    if standing_version == version:
        return
    now = as_audited(plan)
    mine = {name: resources.written(name, amount) for name, amount in limits.amounts.items()}
    theirs = now.get("amounts", {})
    found: dict[str, list[str]] = {
        "": [_("%s changed it meanwhile. Look at the difference, then save again.") % (plan.changed_by if plan else "")]
    }
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            text = _("Now %(theirs)s; you have typed %(mine)s.")
            found[f"pool.{name}"] = [
                text % {"theirs": theirs.get(name, _("nothing")), "mine": mine.get(name, _("nothing"))}
            ]
    if now.get("mode", mode) != mode:
        found["mode"] = [_("It is divided otherwise now.")]
    raise errors.Conflict(found)


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else _("%(some)s and %(more)d more") % {"some": shown, "more": len(names) - 5}
