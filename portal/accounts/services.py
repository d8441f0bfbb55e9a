"""Writes about people."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import roles, scopes
from portal.access.permissions import Permission
from portal.accounts.models import Binding, User, fold
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate


@dataclass(frozen=True)
class Scope:
    """Where a role is given. `label` is kept for the time when the thing is gone."""

    kind: scopes.ScopeKind
    id: UUID | None = None
    label: str = ""


EVERYTHING = Scope(scopes.ScopeKind.EVERYTHING)


@transaction.atomic
def create_user(
    *, username: str, by: Actor, display_name: str = "", password: str | None = None, is_demo: bool = False
) -> tuple[User, str]:
    """Create a local account; returns it with its password, a one-time password where none is given.

    Raises `Refused` (username taken or malformed, password too weak).
    """
    one_time = password is None
    chosen = password or secrets.token_urlsafe(12)
    if User.objects.filter(username_folded=fold(username)).exists():
        raise errors.Refused.one("username", _("This user name is taken."))
    user = User(username=username, display_name=display_name, password_is_one_time=one_time, is_demo=is_demo)
    if not one_time:
        check_password_rules(chosen, user)
    user.set_password(chosen)
    user.username_folded = fold(username)
    validate(user)
    user.save()
    audit.record(
        "accounts.user.create",
        by=by,
        on=user.as_subject(),
        after={"username": username, "one_time_password": one_time},
    )
    return user, chosen


def check_password_rules(password: str, user: User) -> None:
    """Raise `Refused` at the field "password" when the password is too weak for the person."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise errors.Refused({"password": error.messages}) from None


@transaction.atomic
def change_password(*, user: User, password: str, by: Actor) -> None:
    """Set a password of the person's own choice. Raises `Refused`."""
    check_password_rules(password, user)
    if user.password_is_one_time and user.check_password(password):
        raise errors.Refused.one("password", _("This is the one-time password. Choose another."))
    user.set_password(password)
    user.password_is_one_time = False
    user.save(update_fields=["password", "password_is_one_time"])
    audit.record("accounts.password.change", by=by, on=user.as_subject())


@transaction.atomic
def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Deactivate or reactivate a person. A deactivated person's sessions end with the next request."""
    before = user.is_active
    if before == active:
        return
    if not active and str(user.id) == by.id:
        raise errors.Conflict.one("", _("Nobody deactivates their own account."))
    user.is_active = active
    user.save(update_fields=["is_active"])
    audit.record(
        "accounts.user.activate" if active else "accounts.user.deactivate",
        by=by,
        on=user.as_subject(),
        before={"is_active": before},
        after={"is_active": active},
    )


@transaction.atomic
def grant(  # noqa: PLR0913 - one argument for each column of a binding
    *,
    user: User,
    role: str,
    scope: Scope,
    by: Actor,
    at: datetime,
    reason: str = "",
    expires_at: datetime | None = None,
    granted_by: User | None = None,
    is_demo: bool = False,
) -> Binding:
    """Give a role on a scope. `granted_by` is the person who gives it: nobody grants more than they have.

    Raises `Refused` (unknown role, a scope the role cannot have, an end in the past, more than one holds)
    and `Conflict` when the person has it already.
    """
    known = roles.ROLES.get(role)
    if known is None:
        raise errors.Refused.one("role", _("There is no role with this name."))
    if scope.kind not in known.scopes:
        raise errors.Refused.one("scope", _("This role cannot be given on this kind of scope."))
    if expires_at is not None and expires_at <= at:
        raise errors.Refused.one("expires_at", _("The end lies in the past."))
    if granted_by is not None:
        _demand_subset(granted_by, known, scope)
    if Binding.objects.filter(user=user, role=role, scope_kind=scope.kind, scope_id=scope.id).exists():
        raise errors.Conflict.one("role", _("This person has this role here already."))
    binding = Binding(
        user=user,
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
    binding.save()
    audit.record("accounts.binding.grant", by=by, on=binding.as_subject(), after=_as_audited(binding))
    return binding


@transaction.atomic
def revoke(*, binding: Binding, by: Actor, at: datetime) -> None:
    """Take a role away, also one the author does not have. It stops holding with the next request.

    Raises `Conflict` for the last administrator's role.
    """
    # Locked, so that two administrators cannot remove each other at once.
    others = Binding.objects.in_force(at).filter(role="admin", user__is_active=True).select_for_update(of=("self",))
    if binding.role == "admin" and all(one.pk == binding.pk for one in others):
        raise errors.Conflict.one("", _("This is the last administrator. Give the role to somebody else first."))
    audit.record("accounts.binding.revoke", by=by, on=binding.as_subject(), before=_as_audited(binding))
    binding.delete()


def _demand_subset(granter: User, role: roles.Role, scope: Scope) -> None:
    # Administrators hold cost rights for nobody: an admin alone cannot hand out finance.
    missing = [p for p in sorted(role.permissions) if not _holds(granter, p, scope)]
    if missing:
        raise errors.Refused.one(
            "role", _("You cannot give what you do not have: %(rights)s.") % {"rights": ", ".join(missing)}
        )


def _holds(user: User, permission: Permission, scope: Scope) -> bool:
    held = user.scopes_for(permission)
    return held.everything or (scope.id is not None and scope.id in (held.teams | held.projects | held.clusters))


def _as_audited(binding: Binding) -> dict[str, str]:
    return {
        "role": binding.role,
        "scope": f"{binding.scope_kind} {binding.scope_label or binding.scope_id or ''}".strip(),
        "expires_at": binding.expires_at.isoformat() if binding.expires_at else "",
        "reason": binding.reason,
    }
