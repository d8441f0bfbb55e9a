"""What belongs to nobody: namespaces, volumes, workloads, roles; and the rules that suggest a project."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from clusters.projects import finding, forms, orphan_lists
from clusters.projects.models import ClaimRule, Project
from clusters.projects.services import holdings, orphans, rules
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.bindings import granting
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView

KEEP = "keep"


class _Orphans(gate.Gated, ListView):
    """What the pages of the inbox share: tabs, leaving things alone, and one action of their own."""

    permission = Permission.PROJECT_ASSIGN
    template_name = "clusters/projects/orphans.html"
    http_method_names = ["get", "head", "options", "post"]
    listing: ClassVar[type[orphan_lists.Orphans]]
    kind = ""
    about: Any = ""

    def frame(self, request: HttpRequest) -> dict[str, Any]:
        """The head and the tabs."""
        return frame(request, self.kind) | {"about": self.about}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head, the tabs and the buttons."""
        return {**self.frame(request), "actions": [*self.own_actions(), *_keeping(page)]}

    def own_actions(self) -> Sequence[dict[str, Any]]:
        """What else can be done with the chosen ones."""
        return []

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Do it with the chosen ones: all of them, or none."""
        try:
            messages.success(request, self.carry_out(request, request.POST.getlist("pick")))
        except errors.Refused as refused:
            messages.error(request, "; ".join(text for texts in refused.errors.values() for text in texts))
        return redirect(request.get_full_path())

    def carry_out(self, request: HttpRequest, picks: Sequence[str]) -> str:
        """Leave the chosen ones alone; returns what was done."""
        if request.POST.get("do") != KEEP:
            raise errors.Refused.one("do", _("There is no such action."))
        things = forms.parse_keys(picks)
        finding.demand_shown(request, self.listing, things)
        count = orphans.keep(kind=self.kind, things=things, by=gate.actor_of(request), at=clock.now())
        return _("%d left alone.") % count


class Unowned(_Orphans):
    """Who pays for these is not known; a suggestion helps, a person decides."""

    listing = orphan_lists.UnownedList
    template_name = "clusters/projects/unowned.html"
    kind = orphan_lists.NAMESPACE
    about = _("Nobody is charged for these. Labels, rules and history hint at an owner; a person decides.")
    form: forms.HoldingForm | None = None

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """Whether cost stands beside them."""
        return {"sees_cost": gate.person(request).may(Permission.COST_VIEW)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head, the form and its buttons; `?project=` chooses one."""
        return {**super().context(request, page), "form": self.form or self._form(request, None)}

    def own_actions(self) -> Sequence[dict[str, Any]]:
        """Put them into the chosen project, or each into the one that is suggested for it."""
        return [
            {"label": _("Put into project"), "kind": "primary", "name": "do", "value": "assign"},
            {"label": _("Put each where suggested"), "kind": "plain", "name": "do", "value": "suggested"},
        ]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Put the chosen namespaces into the chosen project: all of them, or none."""
        if request.POST.get("do") != "assign":
            return super().post(request)
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

    def carry_out(self, request: HttpRequest, picks: Sequence[str]) -> str:
        """Put each into the project that is suggested for it."""
        if request.POST.get("do") != "suggested":
            return super().carry_out(request, picks)
        keys = forms.parse_keys(picks)
        finding.demand_namespaces(request, keys)
        rows = holdings.assign_suggested(
            person=gate.person(request), namespaces=keys, by=gate.actor_of(request), at=clock.now()
        )
        return _("%d namespaces put where suggested.") % len(rows)

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
        initial = {"project": request.GET.get("project", "")}
        return forms.HoldingForm(data, projects=projects.order_by("name"), first=True, initial=initial)


class Volumes(_Orphans):
    """Volumes that no claim holds."""

    listing = orphan_lists.VolumeOrphans
    kind = orphan_lists.VOLUME
    about = _("They cost, and nothing uses them. Delete one in its cluster once what is on it is not needed.")


class Workloads(_Orphans):
    """Workloads in namespaces without project."""

    listing = orphan_lists.WorkloadOrphans
    kind = orphan_lists.WORKLOAD
    about = _("They run in namespaces that no project holds. Put the namespace into a project.")


class Roles(_Orphans):
    """Roles whose holder is gone."""

    permission = Permission.BINDING_EDIT
    listing = orphan_lists.BindingOrphans
    kind = orphan_lists.BINDING
    about = _("They give nothing to anybody now, and would again if the person or group came back.")

    def own_actions(self) -> Sequence[dict[str, Any]]:
        """Take them away."""
        ask = _("Take the chosen roles away?")
        return [{"label": _("Take away"), "kind": "danger", "name": "do", "value": "revoke", "confirm": ask}]

    def carry_out(self, request: HttpRequest, picks: Sequence[str]) -> str:
        """Take them away, or leave them alone."""
        rows = list(orphan_lists.bindings(gate.person(request), clock.now()).select_related("user", "group"))
        chosen = [row for row in rows if str(row.pk) in picks]
        if not chosen or len(chosen) != len(set(picks)):
            raise errors.Refused.one("pick", _("Choose rows of this list. Load the page again."))
        if request.POST.get("do") == KEEP:
            count = orphans.keep(
                kind=self.kind, things=[(None, one) for one in picks], by=gate.actor_of(request), at=clock.now()
            )
            return _("%d left alone.") % count
        count = granting.revoke_all(bindings=chosen, by=gate.actor_of(request), at=clock.now())
        return _("%d roles taken away.") % count


class Rules(gate.Gated, View):
    """Rules that suggest a project for namespaces without one."""

    permission = Permission.PROJECT_ASSIGN

    def get(self, request: HttpRequest) -> HttpResponse:
        """List them, with the form for another one."""
        return self._page(request, forms.RuleForm(projects=self._projects(request)), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add one."""
        form = forms.RuleForm(request.POST, projects=self._projects(request))
        if form.is_valid():
            project = form.cleaned_data["project"]
            finding.demand(request, Permission.PROJECT_ASSIGN, project)
            try:
                rules.create(
                    project=project,
                    prefix=form.cleaned_data["beginning"],
                    label=form.cleaned_data["label"],
                    clusters=form.cleaned_data["clusters"],
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
            except errors.Refused as refused:
                put_errors(form, refused, {"prefix": "beginning"})
            else:
                messages.success(request, _("The rule suggests from now on."))
                return redirect("projects:rules")
        return self._page(request, form, 422)

    def _projects(self, request: HttpRequest) -> Any:
        return Project.objects.visible_to(gate.person(request), Permission.PROJECT_ASSIGN).standing().order_by("name")

    def _page(self, request: HttpRequest, form: forms.RuleForm, status: int) -> HttpResponse:
        seen = self._projects(request).values("pk")
        found = ClaimRule.objects.filter(project__in=seen).select_related("project").order_by("created_at", "pk")
        context = {
            **frame(request, "rules"),
            "about": _("A rule suggests a project for namespaces that nobody holds. A person confirms each."),
            "rules": found,
            "form": form,
        }
        return render(request, "clusters/projects/rules.html", context, status=status)


@require_POST
@gate.requires(Permission.PROJECT_ASSIGN)
def delete_rule(request: HttpRequest) -> HttpResponse:
    """Forget a rule."""
    seen = Project.objects.visible_to(gate.person(request), Permission.PROJECT_ASSIGN)
    try:
        rule = get_object_or_404(ClaimRule, pk=forms.one_id(request.POST.get("rule", "")), project__in=seen)
    except errors.Refused as refused:
        messages.error(request, str(refused))
    else:
        rules.delete(rule=rule, by=gate.actor_of(request))
        messages.success(request, _("The rule is gone."))
    return redirect("projects:rules")


def frame(request: HttpRequest, active: str) -> dict[str, Any]:
    """Return what every page of the inbox has around its content."""
    found = orphan_lists.tabs(gate.person(request))
    return {
        "title": _("What belongs to nobody"),
        "crumbs": [parts.Crumb(_("Projects"), reverse("projects:projects"))],
        "tabs": [parts.Tab(label, address, key == active) for key, label, address in found],
    }


def _keeping(page: ListPage) -> Sequence[dict[str, Any]]:
    return [] if page.empty else [{"label": _("Leave alone"), "kind": "plain", "name": "do", "value": KEEP}]
