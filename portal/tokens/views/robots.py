"""Robots and their tokens."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import own_roles
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import Binding, User
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView
from portal.tokens import finding, lists, places, selectors, shown
from portal.tokens.forms import RobotForm, TokenForm
from portal.tokens.models import Robot
from portal.tokens.services import robots as services
from portal.tokens.services import tokens
from portal.tokens.views import own


def _crumbs() -> list[parts.Crumb]:
    return [parts.Crumb(_("Robots"), reverse("tokens:robots"))]


class Robots(gate.Gated, ListView):
    """The robots one may see."""

    permission = Permission.MEMBER_VIEW
    listing = lists.RobotList

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Making one, for whoever may."""
        may = gate.person(request).may(Permission.ROBOT_EDIT)
        return {"action": parts.Action(_("New robot"), reverse("tokens:new_robot"), "plus") if may else None}


class NewRobot(gate.Gated, View):
    """Make a robot with its first role."""

    permission = Permission.ROBOT_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form; `?home=project/checkout` says what it belongs to."""
        kind, _slash, slug = request.GET.get("home", "").partition("/")
        initial = {"home_kind": kind, "home": slug, "role": "project_viewer"} if slug else {}
        return self._page(request, RobotForm(initial=initial), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make it and go to its page."""
        form = RobotForm(request.POST)
        if form.is_valid():
            try:
                wanted = finding.wanted_robot(finding.asking(request), form.cleaned_data)
                made = services.create(
                    wanted=wanted, creator=finding.asking(request), by=gate.actor_of(request), at=clock.now()
                )
            except errors.Refused as refused:
                put_errors(form, refused, moved={"scope": "project", "username": "slug"})
            else:
                messages.success(request, _("%s is there. Make a token for it.") % made.name)
                return redirect(made)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: RobotForm, status: int) -> HttpResponse:
        context = {
            "title": _("New robot"),
            "about": _("An account of a program, with a role of its own. It stays when you go."),
            "crumbs": _crumbs(),
            "form": form,
            "submit": _("Create robot"),
            "cancel": reverse("tokens:robots"),
        }
        return render(request, "portal/tokens/form.html", context, status=status)


class RobotPage(gate.Gated, View):
    """One robot: what it may do, and its tokens."""

    permission = Permission.MEMBER_VIEW

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show it; hidden and absent ones are the same 404."""
        robot, at = finding.robot(request, slug=slug), clock.now()
        may = finding.may_edit(request, robot) and robot.retired_at is None
        new = parts.Action(_("New token"), reverse("tokens:new_robot_token", args=[slug]), "plus")
        names = {role.key: str(role.name) for role in own_roles.every()}
        context = {
            "title": robot.name,
            "about": robot.description,
            "crumbs": _crumbs(),
            "robot": robot,
            "facts": _facts(robot),
            "roles": [
                (names.get(one.role, one.role), places.label_of(_scope(one)), one.expires_at)
                for one in Binding.objects.in_force(at).filter(user=robot.user).order_by("created_at", "pk")
            ],
            "rows": [shown.row(one, at) for one in selectors.tokens_of(robot.user)[: own.MOST_SHOWN]],
            "at": at,
            "may_edit": may,
            "action": new if may else None,
        }
        return render(request, "portal/tokens/robot.html", context)


class NewRobotToken(gate.Gated, own.MakesToken):
    """Make a token of a robot: no more than the robot has and whoever makes it has."""

    permission = Permission.ROBOT_EDIT

    def owner(self, request: HttpRequest) -> User:
        """The robot."""
        robot = finding.editable(request, slug=self.kwargs["slug"])
        return robot.user

    def offered(self, request: HttpRequest) -> list[places.Place]:
        """What robot and maker both hold."""
        maker = finding.asking(request)
        both = [
            places.Place(one.scope, one.permissions & places.held_at(maker, one.scope))
            for one in super().offered(request)
        ]
        return [place for place in both if place.permissions]

    def asked(self, request: HttpRequest, form: TokenForm) -> dict[str, Any]:
        """With who makes it."""
        maker = finding.asking(request)
        return {"user": self.owner(request), "wanted": form.wanted(maker, clock.now()), "maker": maker}

    def back(self, request: HttpRequest) -> str:
        """The robot's page."""
        return reverse("tokens:robot", args=[self.kwargs["slug"]])


@require_POST
@gate.requires(Permission.ROBOT_EDIT)
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token of a robot."""
    token = finding.robots_token(request, token_id, Permission.ROBOT_EDIT)
    tokens.revoke(token=token, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s opens nothing any more.") % token.name)
    return redirect(Robot.objects.get(user=token.user))


@require_POST
@gate.requires(Permission.ROBOT_EDIT)
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """End a robot with its tokens and roles."""
    robot = finding.editable(request, slug=slug)
    services.retire(robot=robot, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s is retired.") % robot.name)
    return redirect(robot)


def _scope(binding: Binding) -> Scope:
    return Scope(ScopeKind(binding.scope_kind), binding.scope_id, binding.scope_label)


def _facts(robot: Robot) -> list[parts.Fact]:
    return [
        parts.Fact(_("Account"), robot.user.username, mono=True),
        parts.Fact(
            _("Belongs to"), places.label_of(Scope(ScopeKind(robot.home_kind), robot.home_id, robot.home_label))
        ),
        parts.Fact(_("Made"), formats.instant(robot.created_at)),
        parts.Fact(_("Made by"), robot.created_by),
        parts.Fact(_("Retired"), formats.instant(robot.retired_at) if robot.retired_at else None, absent=_("in use")),
    ]
