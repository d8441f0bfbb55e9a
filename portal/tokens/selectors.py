"""Reads about tokens: whether one opens anything now, and what."""

import hmac
from collections.abc import Collection
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db.models import QuerySet

from portal.access import scopes
from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import givers, memberships, role_rules
from portal.accounts.models import User
from portal.core import clock
from portal.tokens.models import Robot, Token
from portal.tokens.written import Written, digest_of

# What a wrong public id is compared with: the way of a token that is not there is as long as of one that is.
_NOBODYS = digest_of("")


def presented(text: Written | None) -> Token | None:
    """Return the token whose text was shown, whatever its state; None for a wrong public id or a wrong secret."""
    public_id, digest = (text.public_id, text.digest) if text else ("", _NOBODYS)
    found = Token.objects.select_related("user").filter(public_id=public_id).first()
    same = hmac.compare_digest(digest, found.digest if found else _NOBODYS)
    return found if same and found is not None else None


def opens(token: Token, *, at: datetime) -> bool:
    """Tell whether the token is live and its owner's account counts."""
    if token.state(at) != "live" or token.user.password_is_one_time:
        return False
    return token.user.in_force()


def limits(token: Token) -> scopes.Limits:
    """Return what the token leaves of its owner's rights; the things it names must still lie in its scope."""
    kept = scopes.gathered([(ScopeKind(token.scope_kind), token.scope_id)])
    if token.only:
        named = scopes.gathered((ScopeKind(one["kind"]), UUID(one["id"])) for one in token.only)
        kept = named.within(kept, cache(memberships.team_of))
    # A right that is one on everything, such as that on all people, narrows to no part: there it is none.
    there = frozenset(one for kind in _kinds(kept) for one in role_rules.meaningful_on(kind))
    return scopes.Limits(str(token.pk), (token.known_permissions() - PERSONAL) & there, kept)


def _kinds(held: scopes.Scopes) -> list[ScopeKind]:
    named = ((ScopeKind.TEAM, held.teams), (ScopeKind.PROJECT, held.projects), (ScopeKind.CLUSTER, held.clusters))
    return [ScopeKind.EVERYTHING] if held.everything else [kind for kind, ids in named if ids]


def limits_of(token_id: str) -> scopes.Limits | None:
    """Return a token's limits by its id, None once it opens nothing (`TOKEN_LIMITS`)."""
    try:
        key = UUID(token_id)
    except ValueError:
        return None
    token = Token.objects.select_related("user").filter(pk=key).first()
    return limits(token) if token is not None and opens(token, at=clock.now()) else None


def tokens_of(user: User) -> "QuerySet[Token]":
    """Return a person's or robot's tokens with those that ended lately, the newest first."""
    return Token.objects.filter(user=user).select_related("user").order_by("-created_at", "pk")


def count_live(people: Collection[UUID], at: datetime) -> int:
    """Return how many live tokens these accounts have (`TOKEN_COUNTER`)."""
    return Token.objects.filter(user_id__in=people, revoked_at=None, expires_at__gt=at).count()


def robot_of(user: User) -> Robot | None:
    """Return the robot behind an account, None for a person."""
    return Robot.objects.filter(user=user).first()


def addresses_of_owners(robot: Robot, *, at: datetime) -> list[str]:
    """Return the mail addresses of those who may manage the robot, the nearest to its home first."""
    return givers.addresses(robot.home_kind, robot.home_id, at=at, permission=Permission.ROBOT_EDIT)
