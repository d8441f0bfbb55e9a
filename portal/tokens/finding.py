"""Finding the robot or token a page is about, and checking the right to change it."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.bindings.scope_names import scope_from
from portal.accounts.models import User
from portal.core import errors
from portal.tokens import places
from portal.tokens.models import Robot, Token
from portal.tokens.services import robots


def robot(request: HttpRequest | Request, **by: Any) -> Robot:
    """Return a robot the person may see; absent and hidden are the same 404."""
    return get_object_or_404(Robot.objects.visible_to(gate.person(request)).select_related("user"), **by)


def editable(request: HttpRequest | Request, **by: Any) -> Robot:
    """Return a robot the person may manage. Raises `gate.Denied`, and 404 for what they do not see."""
    found = robot(request, **by)
    gate.demand(request, Permission.ROBOT_EDIT, **found.home)
    return found


def may_edit(request: HttpRequest, found: Robot) -> bool:
    """Tell whether the person manages the robot, for what its page offers."""
    return gate.person(request).scopes_for(Permission.ROBOT_EDIT).covers(**found.home)


def robots_token(request: HttpRequest | Request, token_id: object, permission: Permission) -> Token:
    """Return a token of a robot on whose home the right is held."""
    seen = Robot.objects.visible_to(gate.person(request), permission)
    return get_object_or_404(Token.objects.select_related("user").filter(user__robot__in=seen), pk=token_id)


def own_token(request: HttpRequest | Request, token_id: object) -> Token:
    """Return one of the person's own tokens."""
    return get_object_or_404(Token.objects.select_related("user").filter(user=asking(request)), pk=token_id)


def asking(request: HttpRequest | Request) -> User:
    """Return the signed-in person as a row. Raises `gate.Denied` for whoever looks on as somebody else."""
    user = request.user
    if not isinstance(user, User) or user.viewer is not None or user.within is not None:
        raise gate.Denied(Permission.SESSION_MANAGE, "tokens")
    return user


def home(user: User, kind: str, slug: str) -> Scope:
    """Return what a new robot is to belong to. Raises `Refused` at "home", alike for what is absent and hidden."""
    absent = errors.Refused.one("home", _("There is none with this slug where you manage robots."))
    try:
        found = scope_from(kind, slug)
    except errors.Refused:
        raise absent from None
    if not role_bindings.holds(user, Permission.ROBOT_EDIT, found):
        raise absent
    return found


def wanted_robot(user: User, data: dict[str, Any]) -> robots.Wanted:
    """Return what page and API ask for. Raises `Refused` at "home" and "project"."""
    belongs_to = home(user, data["home_kind"], data["home"])
    scope: Scope | None = None
    if data.get("project"):
        try:
            scope = scope_from(ScopeKind.PROJECT.value, data["project"])
        except errors.Refused:
            scope = None
        if scope is None or not places.lies_in(scope, belongs_to):
            raise errors.Refused.one("project", _("There is none with this slug in what the robot belongs to."))
    return robots.Wanted(
        slug=data["slug"],
        name=data["name"],
        home=belongs_to,
        role=data["role"],
        description=data.get("description", ""),
        scope=scope,
    )
