"""Reads about people."""

from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import actors


def actor_may(actor: actors.Actor, permission: str) -> bool:
    """Tell whether a job's author still holds the permission somewhere; Paddock itself and commands always do."""
    if actor.kind in {"system", "command"}:
        return True
    user = User.objects.filter(pk=actor.id, is_active=True).first() if actor.kind == "user" else None
    return user is not None and user.may(Permission(permission))
