"""Reads about people."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import actors


def actor_may(actor: actors.Actor, permission: str, ids: Mapping[str, str | int]) -> bool:
    """Tell whether a job's author still holds the permission on what the job is about.

    `ids` are the job's: `cluster_id`, `team_id` and `project_id` name things; a job about none of them needs the
    right on everything. Paddock itself and commands may do all of it. What was asked for by a token needs the token.
    """
    if actor.kind in {"system", "command"}:
        return True
    user = User.objects.filter(pk=actor.id).first() if actor.kind == "user" else None
    if user is None:
        return False
    if actor.token:
        limits = import_string(settings.TOKEN_LIMITS)(actor.token)
        if limits is None:
            return False
        user.within = limits
    about = {kind: UUID(str(ids[f"{kind}_id"])) for kind in ("team", "project", "cluster") if f"{kind}_id" in ids}
    return user.scopes_for(Permission(permission)).covers(**about)
