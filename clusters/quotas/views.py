"""Pages of a project's quota: how it stands, deciding it, asking for more."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_GET, require_POST

from clusters.inventory import selectors as inventory
from clusters.projects import finding
from clusters.projects.models import Project, Team
from clusters.projects.views.projects import frame
from clusters.quotas import effects, forms, pool, selectors, standing
from clusters.quotas.models import Mode, QuotaRequest
from clusters.quotas.services import asking, plans, shares
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import clock, errors, listing, parts


def tab(request: HttpRequest, project: Project, owner: Team | None) -> tuple[str, str, str] | None:
    """Return the room's tab on a project's pages (`PROJECT_TABS`)."""
    if not finding.may(request, Permission.INVENTORY_VIEW, project, owner):
        return None
    return "quota", _("Quota"), reverse("quotas:quota", args=[project.slug])


@require_GET
@gate.requires(Permission.INVENTORY_VIEW)
def quota(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was refused, one bar for each resource, and what can be done."""
    project = _project(request, slug)
    person, at = gate.person(request), clock.now()
    plan = selectors.plan_of(project)
    shown = frame(request, project, "quota")
    may_edit = finding.may(request, Permission.QUOTA_EDIT, project, shown["team"])
    bars = selectors.bars(project, person, at)
    clusters = [key[0] for key in {place.key for place in standing.places(project.pk, at)}]
    context = {
        **shown,
        "plan": plan,
        "mode": plan.get_mode_display() if plan else "",
        "bars": bars,
        "currency": selectors.money_of(person, project.pk, {}, at)[1],
        "refused": selectors.refused(project, at),
        "waiting": QuotaRequest.objects.filter(project=project, state="waiting").select_related("asker").first(),
        "may_edit": may_edit,
        "set_limits": listing.Link(_("Set limits"), reverse("quotas:plan", args=[slug])) if may_edit else None,
        "facts": _facts(plan),
        "exceeded": _exceeded(plan, at),
        "data_at": min(filter(None, (inventory.confirmed_at(one, ("quota",)) for one in clusters)), default=None),
        "out_of_reach": sorted({row.cluster for bar in bars for row in bar.rows if not row.reached}),
        "at": at,
    }
    return render(request, "clusters/quotas/quota.html", context)


class Plan(gate.Gated, View):
    """Decide a project's limits, seeing what it does first."""

    permission = Permission.QUOTA_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form."""
        project = self._editable(request, slug)
        return self._page(request, project, self._form(project, None), None)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show what a plan would do, or decide it."""
        project = self._editable(request, slug)
        form, at = self._form(project, request.POST), clock.now()
        if not form.is_valid():
            return self._page(request, project, form, None, 422)
        try:
            limits, mode = form.limits(), form.cleaned_data["mode"]
            plans.demand_sense(mode, limits)
            if request.POST.get("do") != "save":
                return self._page(request, project, form, _effect(project, mode, limits, at))
            plans.set(
                project=project,
                mode=mode,
                limits=limits,
                version=form.cleaned_data["version"] or 0,
                by=gate.actor_of(request),
                at=at,
                below_use=form.cleaned_data["below_use"],
            )
        except errors.Refused as refused:
            _put(form, refused)
            return self._page(request, project, form, None, refused.status)
        messages.success(request, _("Saved. It is being written to the clusters."))
        return redirect("quotas:quota", slug=slug)

    def _editable(self, request: HttpRequest, slug: str) -> Project:
        project = _project(request, slug)
        finding.demand(request, Permission.QUOTA_EDIT, project)
        return project

    def _form(self, project: Project, data: Any) -> forms.PlanForm:
        plan, here = selectors.plan_of(project), standing.places(project.pk, clock.now())
        return forms.PlanForm(
            data, names=forms.names_for(plan), places=here, initial=forms.initial(plan, here) if data is None else None
        )

    def _page(
        self,
        request: HttpRequest,
        project: Project,
        form: forms.PlanForm,
        effect: list[effects.Effect] | None,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            **frame(request, project, "quota"),
            "form": form,
            "effect": effect,
            "plan": selectors.plan_of(project),
        }
        return render(request, "clusters/quotas/plan.html", context, status=status)


@require_POST
@gate.requires(Permission.QUOTA_EDIT)
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Take all limits away."""
    project = _project(request, slug)
    finding.demand(request, Permission.QUOTA_EDIT, project)
    version = request.POST.get("version", "")
    plans.remove(
        project=project, version=int(version) if version.isdecimal() else 0, by=gate.actor_of(request), at=clock.now()
    )
    messages.success(request, _("The limits are taken away in every cluster."))
    return redirect("quotas:quota", slug=slug)


class More(gate.Gated, View):
    """Ask for more."""

    permission = Permission.INVENTORY_VIEW

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show the form; `?of=` marks what somebody came for."""
        project = _project(request, slug)
        return self._page(request, project, self._form(project, None))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Ask."""
        project = _project(request, slug)
        form = self._form(project, request.POST)
        if not form.is_valid():
            return self._page(request, project, form, 422)
        try:
            asking.ask(
                project=project,
                asker=_account(request),
                wanted=form.wanted(),
                reason=form.cleaned_data["reason"],
                by=gate.actor_of(request),
                at=clock.now(),
            )
        except errors.Refused as refused:
            _put(form, refused)
            return self._page(request, project, form, refused.status)
        messages.success(request, _("Your request is on its way to whoever decides on the limits."))
        return redirect("quotas:quota", slug=slug)

    def _form(self, project: Project, data: Any) -> forms.MoreForm:
        plan = selectors.plan_of(project)
        limits = (plan.pool_target if plan.mode == Mode.POOL else plan.each) if plan else {}
        return forms.MoreForm(data, limits=limits)

    def _page(self, request: HttpRequest, project: Project, form: forms.MoreForm, status: int = 200) -> HttpResponse:
        plan = selectors.plan_of(project)
        context = {
            **frame(request, project, "quota"),
            "form": form,
            "plan": plan,
            "each": plan is not None and plan.mode == Mode.FIXED,
        }
        return render(request, "clusters/quotas/more.html", context, status=status)


@require_POST
@gate.requires(Permission.QUOTA_EDIT)
def approve(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Change the plan as was asked."""
    found = get_object_or_404(selectors.decidable(gate.person(request)), pk=request_id)
    version = request.POST.get("version", "")
    asking.approve(
        request=found,
        approver=_account(request),
        version=int(version) if version.isdecimal() else 0,
        by=gate.actor_of(request),
        at=clock.now(),
        note=request.POST.get("note", "")[:500],
    )
    messages.success(request, _("%s has more from now on.") % found.project)
    return redirect("requests:waiting")


@require_POST
@gate.requires(Permission.QUOTA_EDIT)
def reject(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say no, and why."""
    found = get_object_or_404(selectors.decidable(gate.person(request)), pk=request_id)
    note = request.POST.get("note", "")[:500]
    asking.reject(request=found, approver=_account(request), by=gate.actor_of(request), at=clock.now(), note=note)
    messages.success(request, _("The request is rejected."))
    return redirect("requests:waiting")


@require_POST
@gate.signed_in("everybody's own requests")
def withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    found = get_object_or_404(selectors.own(gate.person(request)), pk=request_id)
    asking.withdraw(request=found, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("The request is withdrawn."))
    return redirect("requests:own")


def _project(request: HttpRequest, slug: str) -> Project:
    project = finding.project(request, slug=slug)
    finding.demand(request, Permission.INVENTORY_VIEW, project)
    return project


def _effect(project: Project, mode: str, limits: plans.Limits, at: Any) -> list[effects.Effect]:
    try:
        return effects.of(project, mode, limits, at)
    except pool.FloorsExceed as exceeded:
        raise plans.floors_refused(exceeded) from None


def _exceeded(plan: Any, at: Any) -> str:
    found = shares.floors_exceeded(plan, at) if plan is not None else None
    return str(plans.floors_refused(found)) if found is not None else ""


def _facts(plan: Any) -> list[parts.Fact]:
    if plan is None:
        return []
    bounds = ", ".join(
        f"{resource} {word} {quantity}"
        for resource, words in sorted(plan.limit_range.items())
        for word, quantity in sorted(words.items())
    )
    return [
        parts.Fact(_("Divided"), plan.get_mode_display()),
        parts.Fact(_("Bounds per container"), bounds or None, absent=_("none")),
        parts.Fact(_("Pod security"), plan.get_pod_security_display()),
        parts.Fact(_("Network policy"), plan.get_network_display()),
        parts.Fact(_("Changed by"), plan.changed_by or None),
    ]


def _put(form: Any, refused: errors.Refused) -> None:
    for field, texts in refused.errors.items():
        where = forms.moved(form, field)
        for text in texts:
            form.add_error(where if where in form.fields else None, text)


def _account(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user
