"""Namespaces without project, and putting several at once into one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from clusters.projects import finding, forms, lists
from clusters.projects.models import Project
from clusters.projects.services import holdings
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


class Unowned(gate.Gated, ListView):
    """Who pays for these is not known; a suggestion helps, a person decides."""

    permission = Permission.PROJECT_ASSIGN
    listing = lists.UnownedList
    template_name = "clusters/projects/unowned.html"
    http_method_names = ["get", "head", "options", "post"]
    form: forms.HoldingForm | None = None

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head, the form and its one button."""
        return {
            "title": _("Namespaces without project"),
            "about": _("Nobody is charged for these. Labels hint at an owner; nothing is assigned by itself."),
            "form": self.form or self._form(request, None),
            "actions": [{"label": _("Put into project"), "kind": "primary", "name": "do", "value": "assign"}],
        }

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Put the chosen namespaces into the chosen project: all of them, or none."""
        form = self._form(request, request.POST)
        if form.is_valid():
            try:
                project, number = self._assign(request, form)
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                done = _("%(n)d namespaces put into %(project)s.") % {"n": number, "project": project.name}
                messages.success(request, done)
                return redirect(request.get_full_path())
        self.form = form
        answer = self.get(request)
        answer.status_code = 422
        return answer

    def _assign(self, request: HttpRequest, form: forms.HoldingForm) -> tuple[Project, int]:
        project: Project = form.cleaned_data["project"]
        keys = forms.parse_keys(request.POST.getlist("pick"))
        finding.demand(request, Permission.PROJECT_ASSIGN, project)
        finding.demand_namespaces(request, keys)
        rows = holdings.assign(
            project=project,
            namespaces=keys,
            since=form.instant(),
            reason=form.cleaned_data["reason"],
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return project, len(rows)

    def _form(self, request: HttpRequest, data: QueryDict | None) -> forms.HoldingForm:
        projects = Project.objects.visible_to(gate.person(request), Permission.PROJECT_ASSIGN).standing()
        return forms.HoldingForm(data, projects=projects.order_by("name"), first=True)
