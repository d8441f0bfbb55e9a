"""Members of a project or a team: who has which role there, and adding somebody."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from clusters.projects import finding, member_list
from clusters.projects.models import Project, Team
from clusters.projects.views import projects, teams
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.bindings import binding_forms, binding_pages
from portal.accounts.models import User
from portal.core import clock, parts
from portal.core.listing import ListPage, ListView


class ProjectMembers(gate.Gated, ListView):
    """Members of a project."""

    permission = Permission.MEMBER_VIEW
    write_permission = Permission.BINDING_EDIT
    listing = member_list.MemberList
    template_name = "clusters/projects/members.html"
    http_method_names = ["get", "head", "options", "post"]
    form: binding_forms.GiveForm | None = None

    def thing(self, request: HttpRequest) -> Project | Team:
        """Return the project if the person may see its members; absent and hidden are the same 404."""
        found = finding.project(request, slug=self.kwargs["slug"])
        finding.demand(request, Permission.MEMBER_VIEW, found)
        return found

    def frame(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """Return what every page of the thing has around its content."""
        return projects.frame(request, thing, "members")

    def demand_edit(self, request: HttpRequest, thing: Any) -> None:
        """Check the right to give roles there."""
        finding.demand(request, Permission.BINDING_EDIT, thing)

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The thing, and whether its members can be changed."""
        thing = self.thing(request)
        return {"on": thing, "may_edit": member_list.may_edit(gate.person(request), thing)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame, and the form for whoever may use it: at once, or after proving once more to be oneself."""
        thing = self.thing(request)
        frame = self.frame(request, thing)
        if not member_list.may_edit(gate.person(request), thing):
            return {**frame, "action": None}
        if not gate.is_fresh(request):
            add = parts.Action(_("Add member"), f"{reverse('accounts:confirm')}?next={request.path}", "plus")
            return {**frame, "action": add, "may_edit": True}
        scope = member_list.scope_of(thing)
        can, lacking = binding_pages.givable(_user(request), scope)
        return {
            **frame,
            "action": None,
            "may_edit": True,
            "form": self.form or binding_forms.GiveForm(roles=can, initial={"role": "project_member"}),
            "lacking": lacking,
            "on": f"{scope.kind}:{scope.id}",
        }

    def post(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        """Add somebody."""
        thing = self.thing(request)
        self.demand_edit(request, thing)
        scope = member_list.scope_of(thing)
        can, _lacking = binding_pages.givable(_user(request), scope)
        self.form = binding_forms.GiveForm(request.POST, roles=can)
        made = self.form.give(scope=scope, by=gate.actor_of(request), granter=_user(request), at=clock.now())
        if made is None:
            answer: HttpResponse | HttpResponseBase = self.get(request, slug=slug)
            answer.status_code = 422
            return answer
        messages.success(request, _("%s is a member from now on.") % made.holder)
        return redirect(request.path)


class TeamMembers(ProjectMembers):
    """Members of a team: what they have holds in all its projects."""

    def thing(self, request: HttpRequest) -> Project | Team:
        """Return the team if the person may see it; whose right is on a project of it alone reads no names."""
        return finding.team(request, slug=self.kwargs["slug"])

    def frame(self, request: HttpRequest, thing: Any) -> dict[str, Any]:
        """Return what every page of the team has around its content."""
        return teams.frame(request, thing, "members")

    def demand_edit(self, request: HttpRequest, thing: Any) -> None:
        """Check the right to give roles there."""
        gate.demand(request, Permission.BINDING_EDIT, team=thing.pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user
