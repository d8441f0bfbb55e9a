"""Bindings: who is given a role on which scope, until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.access import scopes, words
from portal.access.permissions import Permission
from portal.accounts.bindings import own_roles, right_changes
from portal.accounts.models import Binding, OutsideGroup, User
from portal.accounts.models.people import PERSON
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate

ADMINISTRATOR = "admin"


@dataclass(frozen=True)
class Scope:
    """Where a role is given. `label` is kept for the time when the thing is gone."""

    kind: scopes.ScopeKind
    id: UUID | None = None
    label: str = ""


EVERYTHING = Scope(scopes.ScopeKind.EVERYTHING)


@transaction.atomic
def grant(  # noqa: PLR0913 - one argument for each column of a binding
    *,
    role: str,
    scope: Scope,
    by: Actor,
    at: datetime,
    user: User | None = None,
    group: OutsideGroup | None = None,
    reason: str = "",
    expires_at: datetime | None = None,
    granted_by: User | None = None,
    is_demo: bool = False,
) -> Binding:
    """Give a role on a scope to a person or a group. `granted_by` is who gives it: nobody grants more than they have.

    Raises `Refused` (unknown role, a scope the role cannot have, an end in the past, more than one holds)
    and `Conflict` when it is there already.
    """
    known = own_roles.find(role)
    if known is None:
        raise errors.Refused.one("role", _("There is no role with this name."))
    if scope.kind not in known.scopes:
        raise errors.Refused.one("scope", _("This role cannot be given on this kind of scope."))
    if expires_at is not None and expires_at <= at:
        raise errors.Refused.one("expires_at", _("The end lies in the past."))
    if group is not None and group.gone_at is not None:
        raise errors.Refused.one("group", _("This group is gone at its provider."))
    if granted_by is not None:
        demand_subset(granted_by, known.permissions | {Permission.BINDING_EDIT}, scope)
        demand_lasting(granted_by, known.permissions, scope, until=expires_at)
    standing = Binding.objects.filter(
        user=user, group=group, role=role, scope_kind=scope.kind, scope_id=scope.id
    ).first()
    if standing is not None and (standing.expires_at is None or standing.expires_at > at):
        raise errors.Conflict.one("role", _("This role is held here already."))
    if standing is not None:
        # It ended; the new one takes its place.
        standing.delete()
    binding = Binding(
        user=user,
        group=group,
        role=role,
        scope_kind=scope.kind.value,
        scope_id=scope.id,
        scope_label=scope.label,
        reason=reason,
        expires_at=expires_at,
        created_at=at,
        created_by=by.label,
        is_demo=is_demo,
    )
    validate(binding)
    try:
        with transaction.atomic():
            binding.save()
    except IntegrityError:
        # Somebody gave it at the same moment.
        raise errors.Conflict.one("role", _("This role is held here already.")) from None
    right_changes.of_binding(binding)
    audit.record("accounts.binding.grant", by=by, on=binding.as_subject(), after=_as_audited(binding))
    return binding


@transaction.atomic
def change_end(
    *, binding: Binding, expires_at: datetime | None, by: Actor, at: datetime, granted_by: User | None = None
) -> Binding:
    """Let a binding end at another time, or not at all. Raises `Refused`: an end in the past, more than one holds."""
    locked = Binding.objects.select_for_update(of=("self",)).get(pk=binding.pk)
    known = own_roles.find(locked.role)
    if expires_at is not None and expires_at <= at:
        raise errors.Refused.one("expires_at", _("The end lies in the past."))
    if granted_by is not None and known is not None:
        scope = Scope(scopes.ScopeKind(locked.scope_kind), locked.scope_id, locked.scope_label)
        demand_subset(granted_by, known.permissions | {Permission.BINDING_EDIT}, scope)
        demand_lasting(granted_by, known.permissions, scope, until=expires_at)
    if locked.role == ADMINISTRATOR and expires_at is not None and locked.expires_at is None:
        _demand_administrator_without_end(administrators(at), without=locked)
    before = _as_audited(locked)
    locked.expires_at, locked.warned_days = expires_at, None
    locked.save(update_fields=["expires_at", "warned_days"])
    right_changes.of_binding(locked)
    audit.record("accounts.binding.change", by=by, on=locked.as_subject(), before=before, after=_as_audited(locked))
    return locked


@transaction.atomic
def revoke(*, binding: Binding, by: Actor, at: datetime) -> None:
    """Take a role away, also one the author does not have. It stops holding with the next request.

    Raises `Conflict` for the last administrator's role, and for the last one without an end.
    """
    if binding.role == ADMINISTRATOR and binding.user_id:
        _demand_administrator_without_end(administrators(at), without=binding)
    audit.record("accounts.binding.revoke", by=by, on=binding.as_subject(), before=_as_audited(binding))
    right_changes.of_binding(binding)
    binding.delete()


def administrators(at: datetime) -> list[Binding]:
    """Return what makes active people administrators by themselves, locked with their accounts.

    Locked, so that two administrators cannot remove or deactivate each other at once.
    """
    held = Binding.objects.in_force(at).filter(role=ADMINISTRATOR, user__is_active=True, user__kind=PERSON)
    rows = held.select_related("user").select_for_update(of=("self", "user"), no_key=True)
    return list(rows.order_by("pk"))


def demand_subset(granter: User, permissions: Iterable[Permission], scope: Scope) -> None:
    """Raise `Refused` at "role" unless the granter holds every permission all over the scope.

    Administrators hold cost rights for nobody: an administrator alone cannot hand out finance.
    """
    missing = [one for one in sorted(permissions) if not holds(granter, one, scope)]
    if missing:
        raise errors.Refused.one(
            "role", _("You cannot give what you do not have: %(rights)s.") % {"rights": words.listed(missing)}
        )


def demand_lasting(granter: User, permissions: Iterable[Permission], scope: Scope, *, until: datetime | None) -> None:
    """Raise `Refused` at "expires_at" where what is given would outlive what the granter holds all over the scope.

    `until` None is without end. Else whoever has a role for a day would give it to themselves for ever. What the
    granter does not hold at all is for `demand_subset`.
    """
    lasting = [one for one in granter.rights() if one.expires_at is None or (until and one.expires_at >= until)]
    for permission in permissions:
        places = ((one.scope_kind, one.scope_id) for one in lasting if permission in one.permissions)
        if holds(granter, permission, scope) and not _covers(scopes.gathered(places), scope):
            raise errors.Refused.one(
                "expires_at", _("You hold this for a time yourself. Give it an end that is no later than yours.")
            )


def holds(user: User, permission: Permission, scope: Scope) -> bool:
    """Tell whether the permission is held all over the scope; a project lies in its team."""
    return _covers(user.scopes_for(permission), scope)


def _covers(held: scopes.Scopes, scope: Scope) -> bool:
    if held.everything or scope.id is None:
        return held.everything
    match scope.kind:
        case scopes.ScopeKind.PROJECT:
            team: UUID | None = import_string(settings.SCOPE_PARENTS["project"])(scope.id)
            return held.covers(project=scope.id, team=team)
        case scopes.ScopeKind.TEAM:
            return held.covers(team=scope.id)
        case _:
            return held.covers(cluster=scope.id)


def _demand_administrator_without_end(standing: Iterable[Binding], *, without: Binding) -> None:
    """Somebody stays administrator, for ever if the one who goes was that."""
    left = [one for one in standing if one.pk != without.pk]
    if not left or (without.expires_at is None and all(one.expires_at for one in left)):
        raise errors.Conflict.one("", _("This is the last administrator. Give the role to somebody else first."))


def _as_audited(binding: Binding) -> dict[str, str]:
    return {
        "holder": f"group {binding.group}" if binding.group else binding.holder,
        "role": binding.role,
        "scope": f"{binding.scope_kind} {binding.scope_label or binding.scope_id or ''}".strip(),
        "expires_at": binding.expires_at.isoformat() if binding.expires_at else "",
        "reason": binding.reason,
    }
