"""Namespaces of a project: new ones on several clusters, ends, deletion after a look at what goes with it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from clusters.projects import finding, forms, selectors
from clusters.projects.models import NamespaceWish, Project
from clusters.projects.services import leaving, namespaces, removals, terms
from clusters.projects.views import projects
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.forms import put_errors


class NewNamespaces(gate.Gated, View):
    """Make namespaces for a project, on several clusters in one step."""

    permission = Permission.NAMESPACE_CREATE

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form; the clusters that the project is on already are chosen."""
        project = self._project(request, slug)
        places = selectors.clusters_for(gate.person(request), project)
        own = [str(place.id) for place in places if place.is_own]
        form = forms.NewNamespacesForm(clusters=_choices(places), initial={"clusters": own})
        return self._page(request, project, form, 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask for all of them, or say what is wrong with each; then show how far they are."""
        project = self._project(request, slug)
        form = forms.NewNamespacesForm(
            request.POST, clusters=_choices(selectors.clusters_for(gate.person(request), project))
        )
        if form.is_valid():
            try:
                rows = namespaces.create(
                    project=project, wanted=form.wanted(), by=gate.actor_of(request), at=clock.now()
                )
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%d namespaces are being made.") % len(rows))
                return redirect(project)
        return self._page(request, project, form, 422)

    def _project(self, request: HttpRequest, slug: str) -> Project:
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.NAMESPACE_CREATE, project)
        return project

    def _page(self, request: HttpRequest, project: Project, form: forms.NewNamespacesForm, status: int) -> HttpResponse:
        context = {
            **projects.frame(request, project, "namespaces"),
            "action": None,
            "form": form,
            "may_claim": finding.may(request, Permission.PROJECT_ASSIGN, project, selectors.team_of(project)),
        }
        return render(request, "clusters/projects/new_namespaces.html", context, status=status)


@require_POST
@gate.requires(Permission.NAMESPACE_CREATE)
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Take back what a cluster has not made."""
    project = finding.project(request, slug=slug)
    finding.demand(request, Permission.NAMESPACE_CREATE, project)
    try:
        wish = get_object_or_404(NamespaceWish, project=project, pk=forms.one_id(request.POST.get("wish", "")))
        namespaces.withdraw(wish=wish, by=gate.actor_of(request), at=clock.now())
    except errors.Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Withdrawn."))
    return redirect(project)


class Delete(gate.Gated, View):
    """Delete namespaces: first what goes with them, then a confirmation."""

    permission = Permission.NAMESPACE_DELETE
    http_method_names = ["get", "head", "options", "post"]

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Nothing is chosen: back to the list."""
        return redirect(self._project(request, slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show what would go, or with `confirmed` have it go."""
        project = self._project(request, slug)
        try:
            keys = forms.parse_keys(request.POST.getlist("pick"))
            if keys and "confirmed" in request.POST:
                rows = removals.ask(project=project, keys=keys, by=gate.actor_of(request), at=clock.now())
                messages.success(request, _("%d namespaces are being deleted.") % len(rows))
                return redirect(project)
        except errors.Refused as refused:
            messages.error(request, str(refused))
            return redirect(project)
        if not keys:
            messages.error(request, _("Choose at least one namespace."))
            return redirect(project)
        found = [one for one in leaving.effect(project, clock.now()).namespaces if one.key in set(keys)]
        context = {**projects.frame(request, project, "namespaces"), "namespaces": found, "action": None}
        return render(request, "clusters/projects/delete_namespaces.html", context)

    def _project(self, request: HttpRequest, slug: str) -> Project:
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.NAMESPACE_DELETE, project)
        return project


class Ends(gate.Gated, View):
    """Give chosen namespaces an end, another one, or none."""

    permission = Permission.NAMESPACE_CREATE
    http_method_names = ["get", "head", "options", "post"]

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Nothing is chosen: back to the list."""
        return redirect(self._project(request, slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form for the chosen ones, or carry it out: for all of them, or none."""
        project = self._project(request, slug)
        chosen = "ends_at" in request.POST
        form = forms.EndForm(request.POST if chosen else None)
        try:
            keys = forms.parse_keys(request.POST.getlist("pick"))
            if chosen and form.is_valid():
                if form.cleaned_data["delete_then"]:
                    # It deletes, if later: for who may, and shortly after a sign-in.
                    finding.demand(request, Permission.NAMESPACE_DELETE, project)
                    if not gate.is_fresh(request):
                        return gate.to_confirm(request)
                terms.keep_all(
                    project=project,
                    keys=keys,
                    until=form.cleaned_data["ends_at"],
                    delete_then=form.cleaned_data["delete_then"],
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
                messages.success(request, _("Saved."))
                return redirect(project)
        except errors.Refused as refused:
            keys = []
            put_errors(form, refused) if form.is_bound else messages.error(request, str(refused))
        if not keys and not form.errors:
            messages.error(request, _("Choose at least one namespace."))
            return redirect(project)
        context = {
            **projects.frame(request, project, "namespaces"),
            "action": None,
            "form": form,
            "picks": request.POST.getlist("pick"),
        }
        return render(request, "clusters/projects/end_namespaces.html", context, status=422 if form.errors else 200)

    def _project(self, request: HttpRequest, slug: str) -> Project:
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.NAMESPACE_CREATE, project)
        return project


class Leave(gate.Gated, View):
    """Let a project go: what it holds, what becomes of it, and what is left where afterwards."""

    permission = Permission.PROJECT_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show what it holds and the form; once it is leaving, how far that is."""
        return self._page(request, self._project(request, slug), forms.LeaveForm(), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Offboard it."""
        project = self._project(request, slug)
        form = forms.LeaveForm(request.POST)
        if form.is_valid() and form.cleaned_data["name"].strip() != project.name:
            form.add_error("name", _("This is not its name."))
        if form.is_valid():
            if form.cleaned_data["choice"] == "delete":
                finding.demand(request, Permission.NAMESPACE_DELETE, project)
                if not gate.is_fresh(request):
                    return gate.to_confirm(request)
            try:
                leaving.offboard(
                    project=project, choice=form.cleaned_data["choice"], by=gate.actor_of(request), at=clock.now()
                )
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%s is leaving.") % project.name)
                return redirect("projects:project_leave", slug=project.slug)
        return self._page(request, project, form, 422)

    def _project(self, request: HttpRequest, slug: str) -> Project:
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.PROJECT_EDIT, project)
        return project

    def _page(self, request: HttpRequest, project: Project, form: forms.LeaveForm, status: int) -> HttpResponse:
        context: dict[str, Any] = {
            **projects.frame(request, project, "settings"),
            "effect": leaving.effect(project, clock.now()),
            "offboarding": getattr(project, "offboarding", None),
            "form": form,
            "cancel": reverse("projects:project_settings", args=[project.slug]),
        }
        return render(request, "clusters/projects/leave.html", context, status=status)


def _choices(places: list[selectors.Place]) -> list[tuple[str, str]]:
    return [(str(place.id), place.label) for place in places]
