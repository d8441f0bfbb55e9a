"""Asking for more, and deciding on it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clusters.projects import selectors as projects
from clusters.projects.models import Project
from clusters.quotas import resources
from clusters.quotas.models import Mode, QuotaPlan, QuotaRequest, QuotaShare, RequestState
from clusters.quotas.pool import Key
from clusters.quotas.services import plans
from clusters.quotas.services.plans import Limits
from portal.access.permissions import Permission
from portal.accounts import limits
from portal.accounts.models import User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor, Subject
from portal.core.models import validate

KEPT_OPEN = timedelta(days=14)


@transaction.atomic
def ask(
    *, project: Project, asker: User, wanted: Mapping[str, int], reason: str, by: Actor, at: datetime
) -> QuotaRequest:
    """Ask for a plan that says `wanted` of some resources: amounts of the pool, or of each namespace.

    Raises `Refused` (no plan, no limit on it, not more than there is, no reason), `Conflict` when one waits already.
    """
    plan = QuotaPlan.objects.select_for_update().filter(project=project).first()
    if plan is None:
        raise errors.Refused.one("", _("This project has no limits, so there is nothing to ask for."))
    _demand_more(plan, wanted)
    if not reason.strip():
        raise errors.Refused.one("reason", _("Say what you need it for."))
    if QuotaRequest.objects.filter(project=project, state=RequestState.WAITING).exists():
        raise errors.Conflict.one("", _("Somebody of the project has asked already; it waits for an answer."))
    if not limits.spend(limits.ACCESS_REQUESTS, str(asker.pk), at):
        raise errors.TooMany.after(600, "", _("You have asked for a lot within the hour. Wait a little."))
    request = QuotaRequest(
        project=project,
        asker=asker,
        wanted=dict(wanted),
        reason=reason.strip(),
        created_at=at,
        expires_at=at + KEPT_OPEN,
    )
    validate(request)
    request.save()
    audit.record("quotas.request.ask", by=by, on=_on(request), after={**_written(wanted), "reason": request.reason})
    return request


@transaction.atomic
def approve(
    *, request: QuotaRequest, approver: User, version: int, by: Actor, at: datetime, note: str = ""
) -> QuotaPlan:
    """Change the plan as was asked. Nobody approves their own.

    `version` is that of the plan whose effect one has looked at. Raises `Conflict` (decided meanwhile, plan changed,
    asker gone) and `Refused`.
    """
    locked = _waiting(request, approver)
    if not locked.asker.in_force():
        raise errors.Conflict.one("", _("Whoever asked has no account in force any more."))
    demand_right(approver, locked.project)
    plan = QuotaPlan.objects.filter(project=locked.project).first()
    if plan is None:
        raise errors.Conflict.one("", _("The project has no limits any more."))
    changed = plans.set(
        project=locked.project,
        mode=plan.mode,
        limits=limits_with(plan, locked.wanted),
        version=version,
        by=by,
        at=at,
        below_use=True,
        request=locked,
    )
    _decide(locked, RequestState.APPROVED, by=by, at=at, note=note)
    return changed


@transaction.atomic
def reject(*, request: QuotaRequest, approver: User, by: Actor, at: datetime, note: str) -> QuotaRequest:
    """Say no, and why: the asker reads it. Raises `Conflict`, and `Refused` without a word of why."""
    locked = _waiting(request, approver)
    demand_right(approver, locked.project)
    if not note.strip():
        raise errors.Refused.one("note", _("Say why: whoever asked reads it."))
    return _decide(locked, RequestState.REJECTED, by=by, at=at, note=note)


@transaction.atomic
def withdraw(*, request: QuotaRequest, by: Actor, at: datetime) -> QuotaRequest:
    """Take one's own request back. Raises `Conflict` when it is decided."""
    return _decide(_locked(request), RequestState.WITHDRAWN, by=by, at=at, note="")


def expire(*, at: datetime) -> int:
    """End the requests that nobody answered. Returns how many."""
    count = 0
    for key in QuotaRequest.objects.filter(state=RequestState.WAITING, expires_at__lte=at).values_list("pk", flat=True):
        with transaction.atomic():
            waiting = QuotaRequest.objects.filter(pk=key, state=RequestState.WAITING)
            found = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("project").first()
            if found is not None:
                _decide(found, RequestState.EXPIRED, by=SYSTEM, at=at, note="")
                count += 1
    return count


def limits_with(plan: QuotaPlan, wanted: Mapping[str, int]) -> Limits:
    """Return what the plan says now, with other amounts of some resources."""
    amounts = plan.pool_target if plan.mode == Mode.POOL else plan.each
    own: dict[Key, dict[str, int]] = {}
    for share in QuotaShare.objects.filter(project_id=plan.project_id, is_own=True):
        own.setdefault((share.cluster_id, share.namespace_uid), {})[share.resource] = int(share.wanted)
    return Limits(
        amounts={**amounts, **wanted},
        own=own,
        limit_range=plan.limit_range,
        pod_security=plan.pod_security,
        network=plan.network,
    )


def demand_right(person: User, project: Project) -> None:
    """Refuse who may not decide on the project's limits, with the words for what is not there."""
    scopes = person.scopes_for(Permission.QUOTA_EDIT)
    if not scopes.covers(project=project.pk, team=projects.team_id_of(project.pk)):
        raise errors.Refused.one("", _("You may not decide on this."))


def _demand_more(plan: QuotaPlan, wanted: Mapping[str, int]) -> None:
    amounts = plan.pool_target if plan.mode == Mode.POOL else plan.each
    wrong: dict[str, list[str]] = {}
    if not wanted:
        wrong[""] = [_("Say of what you need more.")]
    for name, amount in wanted.items():
        if name not in amounts:
            wrong[f"pool.{name}"] = [_("The plan does not limit this.")]
        elif not amounts[name] < amount <= resources.MOST:
            wrong[f"pool.{name}"] = [_("This is not more than there is: %s.") % resources.shown(name, amounts[name])]
    if wrong:
        raise errors.Refused(wrong)


def _waiting(request: QuotaRequest, approver: User) -> QuotaRequest:
    locked = _locked(request)
    if locked.asker_id == approver.pk:
        raise errors.Refused.one("", _("Nobody decides on their own request."))
    return locked


def _locked(request: QuotaRequest) -> QuotaRequest:
    rows = QuotaRequest.objects.select_for_update(of=("self",)).select_related("asker", "project")
    locked = rows.get(pk=request.pk)
    if locked.state != RequestState.WAITING:
        raise errors.Conflict.one("", _("This request was decided meanwhile: %s.") % locked.get_state_display())
    return locked


def _decide(request: QuotaRequest, state: RequestState, *, by: Actor, at: datetime, note: str) -> QuotaRequest:
    request.state, request.decided_at, request.decided_by, request.note = state, at, by.label, note
    request.save(update_fields=["state", "decided_at", "decided_by", "note"])
    audit.record(f"quotas.request.{state.value}", by=by, on=_on(request), after={"note": note})
    return request


def _on(request: QuotaRequest) -> Subject:
    return request.as_subject(projects.team_id_of(request.project_id))


def _written(wanted: Mapping[str, int]) -> dict[str, str]:
    return {name: resources.written(name, amount) for name, amount in sorted(wanted.items())}
