"""Pages of a project as code: its manifest, and applying one."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.http import require_POST

from clusters.manifests import access, document, services
from clusters.manifests.difference import Act, Plan
from clusters.projects import finding, selectors
from clusters.projects.models import Project, Team
from clusters.projects.services import projects
from clusters.projects.views.projects import frame
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.forms import put_errors

YAML = "application/yaml"
ACTS: dict[Act, str | Promise] = {
    "set": gettext_lazy("Change"),
    "give": gettext_lazy("Give a role"),
    "end": gettext_lazy("Change the end"),
    "take": gettext_lazy("Take a role away"),
    "claim": gettext_lazy("Put into the project"),
    "release": gettext_lazy("Release"),
}


def tab(_request: HttpRequest, project: Project, _team: Team | None) -> tuple[str, str, str]:
    """Return the tab on a project's pages (`PROJECT_TABS`)."""
    return "as_code", _("As code"), reverse("manifests:as_code", args=[project.slug])


class ManifestForm(forms.Form):
    """A document to apply."""

    manifest = forms.CharField(
        label=gettext_lazy("Manifest"),
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "font-monospace"}),
        max_length=1024 * 1024,
        help_text=gettext_lazy("YAML or JSON. A section that is left out is left alone; an empty one is emptied."),
    )
    prune = forms.BooleanField(
        label=gettext_lazy("Take away what the document does not name"), required=False, initial=True
    )


class AsCode(gate.Gated, View):
    """The project's manifest as it stands; `?format=yaml` is the file."""

    permission = Permission.PROJECT_VIEW

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show it, or send it."""
        project = finding.project(request, slug=slug)
        text = document.write(access.readable(request, project))
        if request.GET.get("format") == "yaml":
            answer = HttpResponse(text, content_type=YAML)
            answer["Content-Disposition"] = f'attachment; filename="{project.slug}.yaml"'
            return answer
        may = finding.may(request, Permission.PROJECT_EDIT, project, selectors.team_of(project))
        context = {
            **frame(request, project, "as_code"),
            "yaml": text,
            "may_apply": may and not project.ended_at,
        }
        return render(request, "clusters/manifests/as_code.html", context)


class Apply(gate.Gated, View):
    """Apply a document: first what it would change, then the change."""

    permission = Permission.PROJECT_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form with the manifest as it stands."""
        project = self._project(request, slug)
        initial = {"manifest": document.write(access.readable(request, project)), "prune": True}
        return self._page(request, project, ManifestForm(initial=initial), None, 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show what would change, or change it."""
        project = self._project(request, slug)
        form = ManifestForm(request.POST)
        if not form.is_valid():
            return self._page(request, project, form, None, 422)
        asked: dict[str, Any] = {
            "project": project,
            "person": access.person(request),
            "at": clock.now(),
            "prune": form.cleaned_data["prune"],
            "personal": access.may_change_members(request, project),
        }
        try:
            wanted = document.read(form.cleaned_data["manifest"].encode())
            plan = services.preview(wanted=wanted, **asked)
            access.demand(request, project, plan)
            if request.POST.get("do") == "apply":
                services.apply(wanted=wanted, by=gate.actor_of(request), **asked)
                messages.success(request, _("The project is what the document says."))
                return redirect("manifests:as_code", slug=project.slug)
        except errors.Refused as refused:
            put_errors(form, _at_the_field(refused))
            return self._page(request, project, form, None, 422)
        return self._page(request, project, form, plan, 200)

    def _project(self, request: HttpRequest, slug: str) -> Project:
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.PROJECT_EDIT, project)
        return project

    def _page(
        self, request: HttpRequest, project: Project, form: ManifestForm, plan: Plan | None, status: int
    ) -> HttpResponse:
        shown = frame(request, project, "as_code")
        steps = [{"act": ACTS[one.act], "step": one} for one in plan.steps] if plan else []
        context = {**shown, "form": form, "steps": steps, "asked": plan is not None}
        if not gate.is_fresh(request):
            context["confirm_url"] = f"{reverse(settings.CONFIRM_URL)}?{urlencode({'next': request.path})}"
        return render(request, "clusters/manifests/apply.html", context, status=status)


@require_POST
@gate.requires(Permission.PROJECT_EDIT)
def unlock(request: HttpRequest, slug: str) -> HttpResponse:
    """Let people change the project by hand again."""
    project = finding.project(request, slug=slug)
    finding.demand(request, Permission.PROJECT_EDIT, project)
    projects.unlock(project=project, by=gate.actor_of(request))
    messages.success(request, _("People change this project by hand again."))
    return redirect("manifests:as_code", slug=project.slug)


def _at_the_field(refused: errors.Refused) -> errors.Refused:
    """All faults at the one field of the form, each with its path."""
    texts = [f"{path}: {text}" for path, found in refused.errors.items() for text in found]
    return errors.Refused({"manifest": texts})
