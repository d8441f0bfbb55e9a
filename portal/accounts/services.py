"""Writes about people."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.access import scopes, words
from portal.access.permissions import Permission
from portal.accounts import own_roles, sessions
from portal.accounts.models import Binding, OutsideGroup, User, fold
from portal.accounts.models.people import PERSON
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
def create_user(  # noqa: PLR0913 - one argument for each thing known of a person
    *,
    username: str,
    by: Actor,
    display_name: str = "",
    email: str = "",
    password: str | None = None,
    is_break_glass: bool = False,
    is_demo: bool = False,
) -> tuple[User, str]:
    """Create a local account; returns it with its password, a one-time password where none is given.

    Raises `Refused` (username taken or malformed, password too weak).
    """
    one_time = password is None
    chosen = password or secrets.token_urlsafe(12)
    if User.objects.filter(username_folded=fold(username)).exists():
        raise errors.Refused.one("username", _("This user name is taken."))
    user = User(
        username=username,
        display_name=display_name,
        email=email,
        password_is_one_time=one_time,
        is_break_glass=is_break_glass,
        is_demo=is_demo,
    )
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
        after={"username": username, "one_time_password": one_time, "break_glass": is_break_glass},
    )
    return user, chosen


@transaction.atomic
def change_person(*, user: User, display_name: str, email: str, by: Actor) -> None:
    """Change the name others read, and where mail goes. Neither decides who somebody is. Raises `Refused`."""
    before = {"name": user.display_name, "email": user.email}
    after = {"name": display_name, "email": email}
    if before == after:
        return
    user.display_name, user.email = display_name, email
    validate(user)
    user.save(update_fields=["display_name", "email"])
    audit.record("accounts.person.change", by=by, on=user.as_subject(), before=before, after=after)


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
def reset_password(*, user: User, by: Actor, reset_by: User) -> str:
    """Give a local account a new one-time password and end its sessions; returns the password, which is shown once.

    Raises `Refused` where the account has rights its resetter lacks, `Conflict` where it has no local password.
    """
    demand_dominance(reset_by, user)
    if not user.has_usable_password():
        raise errors.Conflict.one("", _("This person signs in with a provider. The password is changed there."))
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.password_is_one_time = True
    user.save(update_fields=["password", "password_is_one_time"])
    sessions.end_all(of=user)
    audit.record("accounts.password.reset", by=by, on=user.as_subject())
    return password


def demand_dominance(actor: User, target: User) -> None:
    """Raise `Refused` unless the actor holds every right of the target: a reset would hand them over."""
    for held in target.rights():
        scope = Scope(held.scope_kind, held.scope_id, held.scope_label)
        if not all(holds(actor, one, scope) for one in held.permissions):
            raise errors.Refused.one(
                "", _("This person has rights that you do not have. Their access is not yours to reset.")
            )


@transaction.atomic
def set_active(*, user: User, active: bool, by: Actor) -> None:
    """Deactivate or reactivate a person or robot. Their sessions end with it, and their tokens open nothing."""
    before = user.is_active
    if before == active:
        return
    if not active and str(user.id) == by.id:
        raise errors.Conflict.one("", _("Nobody deactivates their own account."))
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        sessions.end_all(of=user)
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
    binding.save()
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
    before = _as_audited(locked)
    locked.expires_at, locked.warned_days = expires_at, None
    locked.save(update_fields=["expires_at", "warned_days"])
    audit.record("accounts.binding.change", by=by, on=locked.as_subject(), before=before, after=_as_audited(locked))
    return locked


@transaction.atomic
def revoke(*, binding: Binding, by: Actor, at: datetime) -> None:
    """Take a role away, also one the author does not have. It stops holding with the next request.

    Raises `Conflict` for the last administrator's role.
    """
    # Locked, so that two administrators cannot remove each other at once.
    others = Binding.objects.in_force(at).filter(role="admin", user__is_active=True, user__kind=PERSON)
    others = others.select_for_update(of=("self",))
    if binding.role == "admin" and binding.user_id and all(one.pk == binding.pk for one in others):
        raise errors.Conflict.one("", _("This is the last administrator. Give the role to somebody else first."))
    audit.record("accounts.binding.revoke", by=by, on=binding.as_subject(), before=_as_audited(binding))
    binding.delete()


def demand_subset(granter: User, permissions: Iterable[Permission], scope: Scope) -> None:
    """Raise `Refused` at "role" unless the granter holds every permission all over the scope.

    Administrators hold cost rights for nobody: an administrator alone cannot hand out finance.
    """
    missing = [one for one in sorted(permissions) if not holds(granter, one, scope)]
    if missing:
        raise errors.Refused.one(
            "role", _("You cannot give what you do not have: %(rights)s.") % {"rights": words.listed(missing)}
        )


def holds(user: User, permission: Permission, scope: Scope) -> bool:
    """Tell whether the permission is held all over the scope; a project lies in its team."""
    held = user.scopes_for(permission)
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


def _as_audited(binding: Binding) -> dict[str, str]:
    return {
        "holder": f"group {binding.group}" if binding.group else binding.holder,
        "role": binding.role,
        "scope": f"{binding.scope_kind} {binding.scope_label or binding.scope_id or ''}".strip(),
        "expires_at": binding.expires_at.isoformat() if binding.expires_at else "",
        "reason": binding.reason,
    }
