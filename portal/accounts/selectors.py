"""Reads about people."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.request import Request

from portal.access.permissions import Permission
from portal.accounts import session_store, sessions
from portal.accounts.models import Identity, User
from portal.accounts.models.people import ROBOT
from portal.accounts.models.providers import ACTIVE
from portal.accounts.session_store import SessionStore
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
    if "project" in about and "team" not in about:
        # A right on the team holds on its projects, as it does for pages (`role_bindings.holds`).
        team: UUID | None = import_string(settings.SCOPE_PARENTS["project"])(about["project"])
        about |= {"team": team} if team else {}
    return user.scopes_for(Permission(permission)).covers(**about)


def again(request: HttpRequest | Request) -> User | None:
    """Return whoever asks as they stand now: None once the session, the token or the account has ended."""
    before = request.user
    if not isinstance(before, User):
        return None
    now = User.objects.filter(pk=before.pk).first()
    if now is None or not now.in_force():
        return None
    if before.within is not None:
        now.within = import_string(settings.TOKEN_LIMITS)(before.within.token)
        return now if now.within is not None else None
    session = SessionStore(request.session.session_key)
    if session.get(session_store.USER) is None or not sessions.stands(session):
        return None
    # Another password ends the sessions that were opened by the one before.
    right = {now.get_session_auth_hash(), *now.get_session_auth_fallback_hash()}
    return now if session.get(HASH_SESSION_KEY) in right else None


def standing(people: QuerySet[User]) -> QuerySet[User]:
    """Keep the accounts that are in force, as `User.in_force` says of one."""
    reachable = Identity.objects.filter(user_id=OuterRef("pk"), state=ACTIVE, provider__enabled=True)
    local = ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return people.filter(Q(kind=ROBOT) | Q(is_demo=True) | local | Exists(reachable), is_active=True)
