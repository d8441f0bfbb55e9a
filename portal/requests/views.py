"""Asking, deciding, reviewing."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.bindings import own_roles
from portal.accounts.models import User
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView
from portal.requests import forms, lists, reviews, selectors, services, sources
from portal.requests.models import AccessRequest, Review, State


class Own(gate.SignedIn, ListView):
    """What one asked for; on top, what waits for one's decision."""

    reason = "everybody's own requests"
    listing = lists.OwnRequestList
    template_name = "portal/requests/own.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Those that can be withdrawn, and tabs."""
        waiting = selectors.own(gate.person(request)).filter(state=State.WAITING).order_by("-created_at")
        ask = parts.Action(_("Ask for access"), reverse("requests:ask"))
        rows = [(one, role_name(one.role)) for one in waiting]
        elsewhere = sources.own(gate.person(request))
        return {"waiting": rows, "elsewhere": elsewhere, "tabs": tabs(request, "requests:own"), "action": ask}


class Ask(gate.SignedIn, View):
    """Ask for a role."""

    reason = "everybody may ask"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form; a link may bring kind, slug and role along."""
        known = {name: request.GET[name] for name in ("kind", "thing", "role") if name in request.GET}
        return self._shown(request, forms.AskForm(initial=known))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask. The answer is the same whether the thing exists or not."""
        form, refusal = forms.AskForm(request.POST), 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                services.ask(
                    asker=own_account(request),
                    role=data["role"],
                    kind=data["kind"],
                    slug=data["thing"].strip(),
                    reason=data["reason"],
                    days=data["days"],
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
            except errors.Refused as refused:
                refusal = refused.status
                put_errors(form, refused)
            else:
                messages.success(request, _("Your request is on its way, if there is such a thing."))
                return redirect("requests:own")
        return self._shown(request, form, status=refusal)

    def _shown(self, request: HttpRequest, form: forms.AskForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "listed": forms.listed_things(), "crumbs": [_crumb()]}
        return render(request, "portal/requests/ask.html", context, status=status)


class Waiting(gate.Gated, ListView):
    """What waits for one's decision, and what was decided."""

    permission = Permission.MEMBER_VIEW
    listing = lists.RequestList
    template_name = "portal/requests/waiting.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Each one that waits, with its buttons."""
        waiting = selectors.waiting_for(gate.person(request)).select_related("asker").order_by("created_at")[:50]
        rows = [(one, role_name(one.role), forms.ApproveForm(initial={"days": one.days or ""})) for one in waiting]
        elsewhere = sources.waiting(gate.person(request), clock.now())
        return {"waiting": rows, "elsewhere": elsewhere, "tabs": tabs(request, "requests:waiting")}


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def approve(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Give what was asked for."""
    found = _decidable(request, request_id)
    given = forms.demand(forms.ApproveForm(request.POST))
    services.approve(
        request=found,
        approver=own_account(request),
        by=gate.actor_of(request),
        at=clock.now(),
        days=given["days"],
        note=given["note"],
    )
    messages.success(request, _("%s has the role from now on.") % found.asker)
    return redirect("requests:waiting")


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def reject(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say no, and why."""
    found = _decidable(request, request_id)
    note = forms.demand(forms.RejectForm(request.POST))["note"]
    services.reject(request=found, approver=own_account(request), by=gate.actor_of(request), at=clock.now(), note=note)
    messages.success(request, _("The request is rejected."))
    return redirect("requests:waiting")


@require_POST
@gate.signed_in("everybody's own requests")
def withdraw(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one's own request back."""
    found = get_object_or_404(selectors.own(gate.person(request)), pk=request_id)
    services.withdraw(request=found, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("The request is withdrawn."))
    return redirect("requests:own")


class Reviews(gate.Gated, ListView):
    """Reviews of what was given."""

    permission = Permission.MEMBER_VIEW
    listing = lists.ReviewList
    template_name = "portal/requests/reviews.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"tabs": tabs(request, "requests:reviews")}


class OneReview(gate.Gated, View):
    """Keep or drop each binding of a scope."""

    permission = Permission.BINDING_EDIT

    def get(self, request: HttpRequest, review_id: UUID) -> HttpResponse:
        """Show them."""
        return self._shown(request, self._review(request, review_id), {}, None)

    def post(self, request: HttpRequest, review_id: UUID) -> HttpResponse:
        """Carry all decisions out at once."""
        review, at = self._review(request, review_id), clock.now()
        given = {one.pk: request.POST.get(f"binding-{one.pk}") for one in reviews.bindings_of(review, at=at)}
        answers = {key: value == "keep" for key, value in given.items() if value in {"keep", "drop"}}
        try:
            reviews.decide(
                review=review, answers=answers, reviewer=own_account(request), by=gate.actor_of(request), at=at
            )
        except errors.Refused as refused:
            return self._shown(request, review, answers, refused)
        messages.success(request, _("The review is closed."))
        return redirect("requests:reviews")

    def _review(self, request: HttpRequest, review_id: UUID) -> Review:
        return get_object_or_404(selectors.reviews_of(gate.person(request)), pk=review_id)

    def _shown(
        self, request: HttpRequest, review: Review, answers: dict[UUID, bool], refused: errors.Refused | None
    ) -> HttpResponse:
        bindings = reviews.bindings_of(review, at=clock.now()) if review.closed_at is None else []
        rows = [(one, role_name(one.role), answers.get(one.pk)) for one in bindings]
        context = {
            "review": review,
            "rows": rows,
            "due": formats.instant(review.due_at),
            "errors": parts.errors_of([], refused.errors.get("", [])) if refused else [],
            "crumbs": [parts.Crumb(_("Reviews"), reverse("requests:reviews"))],
        }
        return render(request, "portal/requests/review.html", context, status=refused.status if refused else 200)


def own_account(request: HttpRequest) -> User:
    """Return the signed-in person, with what narrows their rights in this request."""
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user


def role_name(key: str) -> str:
    """Return a role's name for people."""
    role = own_roles.find(key)
    return str(role.name) if role else key


def tabs(request: HttpRequest, active: str) -> list[parts.Tab]:
    """Return the pages of the room that the person may open."""
    person = gate.person(request)
    places = [("requests:own", _("Yours"), "")]
    if person.may(Permission.BINDING_EDIT):
        count = selectors.waiting_for(person).count() + sources.count(person)
        late = selectors.open_reviews(person).count()
        places.append(("requests:waiting", _("For you to decide"), str(count) if count else ""))
        places.append(("requests:reviews", _("Reviews"), str(late) if late else ""))
    return [parts.Tab(label, reverse(name), name == active, count) for name, label, count in places]


def _decidable(request: HttpRequest, request_id: UUID) -> AccessRequest:
    return get_object_or_404(selectors.decidable(gate.person(request)), pk=request_id)


def _crumb() -> parts.Crumb:
    return parts.Crumb(_("Requests"), reverse("requests:own"))
