"""Pages of teams."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from clusters.projects import finding, forms, lists
from clusters.projects.models import Team
from clusters.projects.services import teams as services
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


def _crumbs() -> list[parts.Crumb]:
    return [parts.Crumb(_("Teams"), reverse("projects:teams"))]


class Teams(gate.Gated, ListView):
    """Teams one may see."""

    permission = Permission.TEAM_VIEW
    listing = lists.TeamList
    template_name = "clusters/projects/projects.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        may = gate.person(request).scopes_for(Permission.TEAM_EDIT).everything
        return {
            "title": _("Teams"),
            "about": _("Who pays: a team owns projects, and their cost is its own."),
            "action": parts.Action(_("New team"), reverse("projects:new_team"), "plus") if may else None,
        }


class NewTeam(gate.Gated, View):
    """Open a team."""

    permission = Permission.TEAM_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        gate.demand(request, Permission.TEAM_EDIT)
        return self._page(request, forms.TeamForm(), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open it and go to its page."""
        gate.demand(request, Permission.TEAM_EDIT)
        form = forms.TeamForm(request.POST)
        if form.is_valid():
            try:
                opened = services.open(**form.cleaned_data, by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%s is open.") % opened.name)
                return redirect(opened)
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: forms.TeamForm, status: int) -> HttpResponse:
        context = {
            "title": _("New team"),
            "crumbs": _crumbs(),
            "form": form,
            "submit": _("Open team"),
            "cancel": reverse("projects:teams"),
        }
        return render(request, "clusters/projects/form.html", context, status=status)


def frame(request: HttpRequest, team: Team, active: str) -> dict[str, Any]:
    """Return what every page of a team has around its content."""
    may_edit = gate.person(request).scopes_for(Permission.TEAM_EDIT).covers(team=team.pk)
    sees_members = gate.person(request).may(Permission.MEMBER_VIEW)
    found = [
        ("projects", _("Projects"), team.get_absolute_url()),
        *([("members", _("Members"), reverse("projects:team_members", args=[team.slug]))] if sees_members else []),
        *([("robots", _("Robots"), reverse("projects:team_robots", args=[team.slug]))] if sees_members else []),
        ("activity", _("Activity"), reverse("projects:team_activity", args=[team.slug])),
    ]
    if may_edit:
        found.append(("settings", _("Settings"), reverse("projects:team_settings", args=[team.slug])))
    new = f"{reverse('projects:new')}?team={team.slug}"
    return {
        "title": team.name,
        "about": _("Closed.") if team.ended_at else "",
        "crumbs": _crumbs(),
        "tabs": [parts.Tab(label, url, key == active) for key, label, url in found],
        "action": parts.Action(_("New project"), new, "plus") if may_edit and not team.ended_at else None,
        "team": team,
        "facts": [
            parts.Fact(_("Cost centre"), team.cost_centre or None, absent=_("none given")),
            parts.Fact(_("Who answers for it"), team.owner or None, absent=_("nobody named")),
        ],
    }


class TeamPage(gate.Gated, ListView):
    """A team's projects, as far as one may see them."""

    permission = Permission.TEAM_VIEW
    listing = lists.ProjectList
    template_name = "clusters/projects/team.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list; hidden and absent teams are the same 404."""
        finding.team(request, slug=self.kwargs["slug"])
        return super().get(request, *args, **kwargs)

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The team's slug."""
        return {"team": self.kwargs["slug"]}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame."""
        return frame(request, finding.team(request, slug=self.kwargs["slug"]), "projects")


class Activity(gate.Gated, ListView):
    """What happened to the team."""

    permission = Permission.TEAM_VIEW
    listing = lists.ActivityList
    template_name = "clusters/projects/project_list.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The team, if the person may see it."""
        return {"on": finding.team(request, slug=self.kwargs["slug"])}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame."""
        return frame(request, finding.team(request, slug=self.kwargs["slug"]), "activity")


class Settings(gate.Gated, View):
    """Rename a team or change whom it is charged to."""

    permission = Permission.TEAM_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form."""
        team = self._editable(request, slug)
        initial = {"name": team.name, "cost_centre": team.cost_centre, "owner": team.owner}
        return self._page(request, team, forms.TeamForm(initial=initial), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Save."""
        team = self._editable(request, slug)
        form = forms.TeamForm(request.POST)
        if form.is_valid():
            try:
                services.change(team=team, **form.cleaned_data, by=gate.actor_of(request))
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("Saved."))
                return redirect("projects:team_settings", slug=slug)
        return self._page(request, team, form, 422)

    def _editable(self, request: HttpRequest, slug: str) -> Team:
        team = finding.team(request, slug=slug)
        gate.demand(request, Permission.TEAM_EDIT, team=team.pk)
        return team

    def _page(self, request: HttpRequest, team: Team, form: forms.TeamForm, status: int) -> HttpResponse:
        may_close = gate.person(request).scopes_for(Permission.TEAM_EDIT).everything and team.ended_at is None
        context = {**frame(request, team, "settings"), "action": None, "form": form, "may_close": may_close}
        return render(request, "clusters/projects/team_settings.html", context, status=status)


@require_POST
@gate.requires(Permission.TEAM_EDIT)
def close(request: HttpRequest, slug: str) -> HttpResponse:
    """Close a team that owns nothing any more."""
    team = finding.team(request, slug=slug)
    gate.demand(request, Permission.TEAM_EDIT)
    services.close(team=team, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s is closed.") % team.name)
    return redirect("projects:teams")
