"""Asking, deciding, withdrawing, expiring."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.access import scopes
from portal.accounts import limits
from portal.accounts.bindings import own_roles, role_bindings
from portal.accounts.models import Binding, User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor
from portal.core.models import validate
from portal.jobs import services as jobs
from portal.requests.models import AccessRequest, State

KEPT_OPEN = timedelta(days=14)
MOST_WAITING = 20
LONGEST_DAYS = 365


def ask(  # noqa: PLR0913 - one argument for each thing that is asked for
    *, asker: User, role: str, kind: str, slug: str, reason: str, days: int | None, by: Actor, at: datetime
) -> AccessRequest:
    """Ask for a role. Whether a thing with this slug exists makes no difference to the answer.

    Raises `Refused` (unknown role, a scope it cannot have, no reason, too long, too many), `Conflict` when the same
    waits already, and `TooMany`. What is refused does not count for the limit.
    """
    _demand_sense(role, kind, reason, days)
    if kind == scopes.ScopeKind.EVERYTHING and slug:
        raise errors.Refused.one("thing", _("A role on everything names nothing in particular."))
    if kind != scopes.ScopeKind.EVERYTHING and not slug:
        raise errors.Refused.one("thing", _("Say which one."))
    with transaction.atomic():
        # Two clicks at the same moment are looked at one after the other.
        User.objects.select_for_update(no_key=True).get(pk=asker.pk)
        _demand_room(asker, role, kind, slug, at)
        found = _find(kind, slug)
        request = AccessRequest(
            asker=asker,
            role=role,
            scope_kind=kind,
            scope_id=found[0] if found else None,
            scope_label=found[1] if found else "",
            asked_for=slug,
            reason=reason,
            days=days,
            created_at=at,
            expires_at=at + KEPT_OPEN,
        )
        validate(request)
        request.save()
        audit.record(
            "requests.request.ask",
            by=by,
            on=request.as_subject(),
            after={"role": role, "scope": f"{kind} {slug}".strip(), "reason": reason, "days": days},
        )
        jobs.enqueue("portal.requests.tell", key=str(request.pk), by=SYSTEM, request_id=str(request.pk))
    return request


@transaction.atomic
def approve(
    *, request: AccessRequest, approver: User, by: Actor, at: datetime, days: int | None, note: str = ""
) -> Binding:
    """Give what was asked for, for `days` or without end. Nobody approves their own, or gives what they do not have.

    Raises `Conflict` (decided meanwhile, asker no longer there) and `Refused`.
    """
    locked = _waiting(request, approver)
    if not locked.asker.in_force():
        raise errors.Conflict.one("", _("Whoever asked has no account in force any more."))
    _demand_days(days)
    scope = role_bindings.Scope(scopes.ScopeKind(locked.scope_kind), locked.scope_id, locked.scope_label)
    binding = role_bindings.grant(
        user=locked.asker,
        role=locked.role,
        scope=scope,
        by=by,
        at=at,
        reason=locked.reason,
        expires_at=at + timedelta(days=days) if days else None,
        granted_by=approver,
    )
    _decide(locked, State.APPROVED, by=by, at=at, note=note)
    return binding


@transaction.atomic
def reject(*, request: AccessRequest, approver: User, by: Actor, at: datetime, note: str) -> AccessRequest:
    """Say no, and why: the asker reads it. Raises `Conflict`, and `Refused` without a word of why."""
    locked = _waiting(request, approver)
    if not note.strip():
        raise errors.Refused.one("note", _("Say why: whoever asked reads it."))
    return _decide(locked, State.REJECTED, by=by, at=at, note=note)


@transaction.atomic
def withdraw(*, request: AccessRequest, by: Actor, at: datetime) -> AccessRequest:
    """Take one's own request back. Raises `Conflict` when it is decided."""
    return _decide(_locked(request), State.WITHDRAWN, by=by, at=at, note="")


def expire(*, at: datetime) -> int:
    """End the requests that nobody answered. Returns how many."""
    count = 0
    for key in AccessRequest.objects.filter(state=State.WAITING, expires_at__lte=at).values_list("pk", flat=True):
        with transaction.atomic():
            found = (
                AccessRequest.objects.select_for_update(skip_locked=True).filter(pk=key, state=State.WAITING).first()
            )
            if found is not None:
                _decide(found, State.EXPIRED, by=SYSTEM, at=at, note="")
                count += 1
    return count


def _decide(request: AccessRequest, state: State, *, by: Actor, at: datetime, note: str) -> AccessRequest:
    request.state, request.decided_at, request.decided_by, request.note = state, at, by.label, note
    request.save(update_fields=["state", "decided_at", "decided_by", "note"])
    audit.record(f"requests.request.{state.value}", by=by, on=request.as_subject(), after={"note": note})
    jobs.enqueue("portal.requests.tell", key=str(request.pk), by=SYSTEM, request_id=str(request.pk))
    return request


def _waiting(request: AccessRequest, approver: User) -> AccessRequest:
    locked = _locked(request)
    if locked.asker_id == approver.pk:
        raise errors.Refused.one("", _("Nobody decides on their own request."))
    return locked


def _locked(request: AccessRequest) -> AccessRequest:
    locked = AccessRequest.objects.select_for_update(of=("self",)).select_related("asker").get(pk=request.pk)
    if locked.state != State.WAITING:
        raise errors.Conflict.one("", _("This request was decided meanwhile: %s.") % locked.get_state_display())
    return locked


def _find(kind: str, slug: str) -> tuple[UUID, str] | None:
    if kind == scopes.ScopeKind.EVERYTHING:
        return None
    found: tuple[UUID, str] | None = import_string(settings.SCOPE_FINDERS[kind])(slug)
    return found


def _demand_room(asker: User, role: str, kind: str, slug: str, at: datetime) -> None:
    mine = AccessRequest.objects.filter(asker=asker, state=State.WAITING)
    if mine.count() >= MOST_WAITING:
        raise errors.Refused.one("", _("You have %d requests waiting. Withdraw one first.") % MOST_WAITING)
    if mine.filter(role=role, scope_kind=kind, asked_for=slug).exists():
        raise errors.Conflict.one("", _("You have asked for this already; it waits for an answer."))
    if not limits.spend(limits.ACCESS_REQUESTS, str(asker.pk), at):
        raise errors.TooMany.after(600, "", _("You have asked for a lot within the hour. Wait a little."))


def _demand_sense(role: str, kind: str, reason: str, days: int | None) -> None:
    known = own_roles.find(role)
    if known is None:
        raise errors.Refused.one("role", _("There is no role with this name."))
    if kind not in known.scopes:
        raise errors.Refused.one("role", _("This role cannot be given on this kind of scope."))
    if not reason.strip():
        raise errors.Refused.one("reason", _("Say what you need it for."))
    _demand_days(days)


def _demand_days(days: int | None) -> None:
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise errors.Refused.one("days", _("Between 1 day and %d days, or without end.") % LONGEST_DAYS)
