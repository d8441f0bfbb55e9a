"""Changing and taking away several bindings, or several sides of one, at once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import scopes
from portal.access.permissions import Permission
from portal.access.roles import Role
from portal.accounts.bindings import own_roles, role_bindings
from portal.accounts.models import Binding, User
from portal.core import errors
from portal.core.actors import Actor


def scope_of(binding: Binding) -> role_bindings.Scope:
    """Return where a binding holds."""
    return role_bindings.Scope(scopes.ScopeKind(binding.scope_kind), binding.scope_id, binding.scope_label)


def may_edit(user: User, scope: role_bindings.Scope) -> bool:
    """Tell whether the person may give and take away roles there."""
    return role_bindings.holds(user, Permission.BINDING_EDIT, scope)


def givable(user: User, scope: role_bindings.Scope) -> tuple[list[Role], list[tuple[Role, list[Permission]]]]:
    """Return the roles the person can give there, and the others, each with the permissions they lack for it."""
    can, cannot = [], []
    lacks = {one: not role_bindings.holds(user, one, scope) for one in Permission}
    for role in own_roles.on(scope.kind):
        missing = [one for one in Permission if one in role.permissions and lacks[one]]
        if missing:
            cannot.append((role, missing))
        else:
            can.append(role)
    return can, cannot


@transaction.atomic
def change(
    *, binding: Binding, role: str, expires_at: datetime | None, by: Actor, at: datetime, granted_by: User
) -> Binding:
    """Give a binding another role, another end, or both. Another role is another binding: taken away, and given.

    Raises `Refused` (see `services.grant`) and `Conflict` for the last administrator or a role held here already.
    """
    kept = Binding.objects.select_for_update(of=("self",)).filter(pk=binding.pk).first()
    if kept is None:
        raise errors.Conflict.one("", _("This role was taken away meanwhile."))
    if role == kept.role:
        if expires_at == kept.expires_at:
            return kept
        return role_bindings.change_end(binding=kept, expires_at=expires_at, by=by, at=at, granted_by=granted_by)
    role_bindings.revoke(binding=Binding.objects.get(pk=kept.pk), by=by, at=at)
    return role_bindings.grant(
        user=kept.user,
        group=kept.group,
        role=role,
        scope=scope_of(kept),
        by=by,
        at=at,
        reason=kept.reason,
        expires_at=expires_at,
        granted_by=granted_by,
        is_demo=kept.is_demo,
    )


@transaction.atomic
def revoke_all(*, bindings: Sequence[Binding], by: Actor, at: datetime) -> int:
    """Take several roles away: all of them, or none. Raises `Conflict` for the last administrator's."""
    for binding in bindings:
        role_bindings.revoke(binding=binding, by=by, at=at)
    return len(bindings)
