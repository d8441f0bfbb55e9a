"""Pages of projects."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_GET, require_POST

from clusters.projects import finding, forms, lists, moving, selectors
from clusters.projects.models import Project, Team
from clusters.projects.services import holdings
from clusters.projects.services import projects as services
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


class Projects(gate.Gated, ListView):
    """Projects one may see."""

    permission = Permission.PROJECT_VIEW
    listing = lists.ProjectList
    template_name = "clusters/projects/projects.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        may = gate.person(request).may(Permission.TEAM_EDIT)
        return {
            "title": _("Projects"),
            "about": _("Namespaces of many clusters that belong together, and to one team."),
            "action": parts.Action(_("New project"), reverse("projects:new"), "plus") if may else None,
        }


class NewProject(gate.Gated, View):
    """Open a project."""

    permission = Permission.TEAM_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form; `?team=` chooses one."""
        return self._page(request, None, 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open it and go to its page."""
        form = forms.NewProjectForm(request.POST, teams=self._teams(request))
        if form.is_valid():
            try:
                opened = services.open(**form.cleaned_data, by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%s is open.") % opened.name)
                return redirect(opened)
        return self._page(request, form, 422)

    def _teams(self, request: HttpRequest) -> Any:
        return Team.objects.visible_to(gate.person(request), Permission.TEAM_EDIT).standing().order_by("name")

    def _page(self, request: HttpRequest, form: forms.NewProjectForm | None, status: int) -> HttpResponse:
        shown = form or forms.NewProjectForm(teams=self._teams(request), initial={"team": request.GET.get("team")})
        context = {
            "title": _("New project"),
            "crumbs": [parts.Crumb(_("Projects"), reverse("projects:projects"))],
            "form": shown,
            "submit": _("Open project"),
            "cancel": reverse("projects:projects"),
        }
        return render(request, "clusters/projects/form.html", context, status=status)


def frame(request: HttpRequest, project: Project, active: str) -> dict[str, Any]:
    """Return what every page of a project has around its content."""
    owner = selectors.team_of(project)
    crumbs = [parts.Crumb(_("Projects"), reverse("projects:projects"))]
    if owner is not None:
        crumbs.append(parts.Crumb(owner.name, owner.get_absolute_url()))
    closed = _("Closed.") if project.ended_at else ""
    return {
        "title": project.name,
        "about": " ".join(filter(None, [project.description, closed])),
        "crumbs": crumbs,
        "tabs": _tabs(request, project, owner, active),
        "project": project,
        "team": owner,
    }


def _tabs(request: HttpRequest, project: Project, owner: Team | None, active: str) -> list[parts.Tab]:
    found = [("namespaces", _("Namespaces"), project.get_absolute_url())]
    if finding.may(request, Permission.INVENTORY_VIEW, project, owner):
        found.append(("workloads", _("Workloads"), f"{reverse('inventory:workloads')}?project={project.slug}"))
    if finding.may(request, Permission.COST_VIEW, project, owner):
        found.append(("cost", _("Cost"), reverse("projects:project_cost", args=[project.slug])))
    if finding.may(request, Permission.MEMBER_VIEW, project, owner):
        found.append(("members", _("Members"), reverse("projects:project_members", args=[project.slug])))
        found.append(("robots", _("Robots"), reverse("projects:project_robots", args=[project.slug])))
    found += filter(None, (import_string(one)(request, project, owner) for one in settings.PROJECT_TABS))
    found.append(("activity", _("Activity"), reverse("projects:project_activity", args=[project.slug])))
    if finding.may(request, Permission.PROJECT_EDIT, project, owner):
        found.append(("settings", _("Settings"), reverse("projects:project_settings", args=[project.slug])))
    return [parts.Tab(label, url, key == active) for key, label, url in found]


class ProjectPage(gate.Gated, ListView):
    """A project's namespaces; several at once can be moved to another project or released."""

    permission = Permission.PROJECT_VIEW
    write_permission = Permission.PROJECT_ASSIGN
    listing = lists.HoldingList
    template_name = "clusters/projects/project.html"
    http_method_names = ["get", "head", "options", "post"]
    form: forms.HoldingForm | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the list; hidden and absent projects are the same 404."""
        finding.project(request, slug=self.kwargs["slug"])
        return super().get(request, *args, **kwargs)

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame, and the form of the bulk actions for whoever may use it."""
        project = finding.project(request, slug=self.kwargs["slug"])
        owner = selectors.team_of(project)
        creates = finding.may(request, Permission.NAMESPACE_CREATE, project, owner) and not project.ended_at
        context = {
            **frame(request, project, "namespaces"),
            "wishes": selectors.wishes(project),
            "may_create": creates,
            "action": _new_namespaces(project) if creates else None,
        }
        actions = _own_actions(project, creates=creates, deletes=self._may_delete(request, project, owner))
        if page.empty or not finding.may(request, Permission.PROJECT_ASSIGN, project, owner):
            return {**context, "actions": [] if page.empty else actions}
        actions = [
            {"label": _("Move to the project"), "kind": "primary", "name": "do", "value": "move"},
            {
                "label": _("Release"),
                "kind": "danger",
                "name": "do",
                "value": "release",
                "confirm": _("Release the chosen namespaces? Their cost is nobody's from then on."),
            },
            *actions,
        ]
        return {**context, "form": self.form or self._form(request, project, None), "actions": actions}

    def post(self, request: HttpRequest, slug: str) -> HttpResponseBase:
        """Move or release the chosen namespaces: all of them, or none."""
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.PROJECT_ASSIGN, project)
        form = self._form(request, project, request.POST)
        if form.is_valid() and _is_to_be_shown(request, form):
            return self._preview(request, project, form)
        if form.is_valid():
            try:
                done = self._carry_out(request, project, form)
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, done)
                return redirect(project)
        self.form = form
        answer = self.get(request, slug=slug)
        answer.status_code = 422
        return answer

    def _form(self, request: HttpRequest, project: Project, data: QueryDict | None) -> forms.HoldingForm:
        others = Project.objects.visible_to(gate.person(request), Permission.PROJECT_ASSIGN).standing()
        return forms.HoldingForm(data, projects=others.exclude(pk=project.pk).order_by("name"), first=False)

    def _may_delete(self, request: HttpRequest, project: Project, owner: Team | None) -> bool:
        return finding.may(request, Permission.NAMESPACE_DELETE, project, owner)

    def _preview(self, request: HttpRequest, project: Project, form: forms.HoldingForm) -> HttpResponse:
        """What a move would do, with what was chosen kept for the one button that does it."""
        target: Project = form.cleaned_data["project"]
        finding.demand(request, Permission.PROJECT_ASSIGN, target)
        keys = forms.parse_keys(request.POST.getlist("pick"))
        effect = moving.effect(source=project, target=target, keys=keys, person=gate.person(request), at=clock.now())
        kept = [
            (name, value)
            for name in ("pick", "project", "since", "hour", "reason", "do")
            for value in request.POST.getlist(name)
        ]
        context = {
            **frame(request, project, "namespaces"),
            "action": None,
            "effect": effect,
            "target": target,
            "kept": kept,
        }
        return render(request, "clusters/projects/move_namespaces.html", context)

    def _carry_out(self, request: HttpRequest, project: Project, form: forms.HoldingForm) -> str:
        keys = forms.parse_keys(request.POST.getlist("pick"))
        since, by, at = form.instant(), gate.actor_of(request), clock.now()
        if request.POST.get("do") == "release":
            holdings.release(project=project, namespaces=keys, since=since, by=by, at=at)
            return _("%d namespaces released.") % len(keys)
        target: Project | None = form.cleaned_data["project"]
        if target is None:
            raise errors.Refused.one("project", _("Choose the project they move to."))
        finding.demand(request, Permission.PROJECT_ASSIGN, target)
        holdings.move(
            source=project,
            target=target,
            namespaces=keys,
            since=since,
            reason=form.cleaned_data["reason"],
            by=by,
            at=at,
        )
        return _("%(n)d namespaces moved to %(project)s.") % {"n": len(keys), "project": target.name}


def _new_namespaces(project: Project) -> parts.Action:
    return parts.Action(_("New namespaces"), reverse("projects:project_new_namespaces", args=[project.slug]), "plus")


def _own_actions(project: Project, *, creates: bool, deletes: bool) -> list[dict[str, Any]]:
    """What the owners of a project can do with the chosen namespaces; each leads to a page of its own."""
    found = []
    if creates:
        end = reverse("projects:project_end_namespaces", args=[project.slug])
        found.append({"label": _("Set an end"), "kind": "plain", "action": end})
    if deletes:
        delete = reverse("projects:project_delete_namespaces", args=[project.slug])
        found.append({"label": _("Delete"), "kind": "danger", "action": delete})
    return found


def _is_to_be_shown(request: HttpRequest, form: forms.HoldingForm) -> bool:
    """A move is shown with all it does before it is done, where something is chosen at all."""
    return (
        request.POST.get("do") == "move"
        and "confirmed" not in request.POST
        and form.cleaned_data["project"] is not None
        and bool(request.POST.getlist("pick"))
    )


class Activity(gate.Gated, ListView):
    """What happened to the project."""

    permission = Permission.PROJECT_VIEW
    listing = lists.ActivityList
    template_name = "clusters/projects/project_list.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The project, if the person may see it."""
        return {"on": finding.project(request, slug=self.kwargs["slug"])}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The frame."""
        return frame(request, finding.project(request, slug=self.kwargs["slug"]), "activity")


@require_GET
@gate.requires(Permission.COST_VIEW)
def cost(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the cost panel, which a higher room serves."""
    project = finding.project(request, slug=slug)
    finding.demand(request, Permission.COST_VIEW, project)
    return render(request, "clusters/projects/project_cost.html", frame(request, project, "cost"))


class Settings(gate.Gated, View):
    """Rename a project, give it to another team, or close it."""

    permission = Permission.PROJECT_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the forms."""
        return self.page(request, self.editable(request, slug), {}, 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Change name and description."""
        project = self.editable(request, slug)
        services.demand_by_hand(project)
        form = forms.ProjectSettingsForm(request.POST)

        def carry_out() -> None:
            services.change(project=project, **form.cleaned_data, by=gate.actor_of(request))

        return self.settle(request, project, {"form": form}, form, carry_out)

    def settle(
        self, request: HttpRequest, project: Project, shown: dict[str, Any], form: Any, carry_out: Callable[[], None]
    ) -> HttpResponse:
        """Carry out what a valid form says, or show what is wrong."""
        if form.is_valid():
            try:
                carry_out()
            except errors.Refused as refused:
                put_errors(form, refused)
                _carry_version(form, project)
            else:
                messages.success(request, _("Saved."))
                return redirect("projects:project_settings", slug=project.slug)
        return self.page(request, project, shown, 422)

    def editable(self, request: HttpRequest, slug: str) -> Project:
        """Return the project if the person may change it."""
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.PROJECT_EDIT, project)
        return project

    def teams(self, request: HttpRequest) -> Any:
        """Return the teams the person may give a project to."""
        return Team.objects.visible_to(gate.person(request), Permission.TEAM_EDIT).standing().order_by("name")

    def page(self, request: HttpRequest, project: Project, shown: dict[str, Any], status: int) -> HttpResponse:
        """Render the forms, the one that was sent with its errors."""
        initial = {
            "name": project.name,
            "description": project.description,
            "is_listed": project.is_listed,
            "version": project.version,
        }
        context = {
            **frame(request, project, "settings"),
            "form": forms.ProjectSettingsForm(initial=initial),
            "move_form": forms.MoveToTeamForm(teams=self.teams(request)),
            **shown,
        }
        return render(request, "clusters/projects/project_settings.html", context, status=status)


def _carry_version(form: Any, project: Project) -> None:
    """What was typed stays, and the next try is of one who has seen what stands there now."""
    if "version" in form.fields:
        form.data = {**form.data.dict(), "version": str(Project.objects.get(pk=project.pk).version)}


class MoveToTeam(Settings):
    """Give the project to another team, on which one needs the right as well."""

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Move it from now on."""
        project = self.editable(request, slug)
        form = forms.MoveToTeamForm(request.POST, teams=self.teams(request))

        def carry_out() -> None:
            services.move_to_team(
                project=project, team=form.cleaned_data["team"], by=gate.actor_of(request), at=clock.now()
            )

        return self.settle(request, project, {"move_form": form}, form, carry_out)


@require_POST
@gate.requires(Permission.PROJECT_EDIT)
def close(request: HttpRequest, slug: str) -> HttpResponse:
    """Close a project that holds nothing any more."""
    project = finding.project(request, slug=slug)
    finding.demand(request, Permission.PROJECT_EDIT, project)
    services.close(project=project, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s is closed.") % project.name)
    return redirect("projects:projects")
