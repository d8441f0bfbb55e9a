"""Robots of a project or a team. Each has its own page in the room of tokens."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clusters.projects import finding
from clusters.projects.models import Project, Team
from clusters.projects.views import projects, teams
from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.core import parts
from portal.core.listing import ListPage, ListView
from portal.tokens import lists


class ProjectRobots(gate.Gated, ListView):
    """Robots of a project."""

    permission = Permission.MEMBER_VIEW
    listing = lists.RobotList
    template_name = "clusters/projects/project_list.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The project, if the person may see it."""
        return {"home": (ScopeKind.PROJECT, self.project(request).pk)}

    def project(self, request: HttpRequest) -> Project:
        """Return the project if the person may see its robots; absent and hidden are the same 404."""
        found = finding.project(request, slug=self.kwargs["slug"])
        finding.demand(request, Permission.MEMBER_VIEW, found)
        return found

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame, and making one for whoever may."""
        found = self.project(request)
        frame = projects.frame(request, found, "robots")
        may = finding.may(request, Permission.ROBOT_EDIT, found, frame["team"]) and not found.ended_at
        return {**frame, "action": _new("project", found.slug) if may else None}


class TeamRobots(gate.Gated, ListView):
    """Robots of a team as a whole; those of its projects are on their pages."""

    permission = Permission.MEMBER_VIEW
    listing = lists.RobotList
    template_name = "clusters/projects/project_list.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The team, if the person may see its robots."""
        return {"home": (ScopeKind.TEAM, self.team(request).pk)}

    def team(self, request: HttpRequest) -> Team:
        """Return the team if the person sees it; the list has what they may see of its robots."""
        return finding.team(request, slug=self.kwargs["slug"])

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame, and making one for whoever may."""
        found = self.team(request)
        may = gate.person(request).scopes_for(Permission.ROBOT_EDIT).covers(team=found.pk) and not found.ended_at
        return {**teams.frame(request, found, "robots"), "action": _new("team", found.slug) if may else None}


def _new(kind: str, slug: str) -> parts.Action:
    return parts.Action(_("New robot"), f"{reverse('tokens:new_robot')}?home={kind}/{slug}", "plus")
