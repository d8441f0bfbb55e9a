"""Pages of the audit."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.audit import event_page, integrity_page, lists, selectors, services
from portal.audit.models import Event, Link
from portal.core import clock
from portal.core.listing import ListPage, ListView
from portal.core.listing.views import wants_fragment


class Events(gate.Gated, ListView):
    """What happened."""

    permission = Permission.AUDIT_VIEW
    listing = lists.EventList
    template_name = "portal/audit/events.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """How well it is kept, for those who see all of it."""
        whole = gate.person(request).scopes_for(Permission.AUDIT_VIEW).everything
        banners = integrity_page.banners(selectors.integrity(), clock.now()) if whole else []
        return {"banners": banners, "tabs": integrity_page.tabs("events") if whole else []}


@require_GET
@gate.requires(Permission.AUDIT_VIEW)
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event: who, what, from where, and both sides of the change."""
    person = gate.person(request)
    whole = person.scopes_for(Permission.AUDIT_VIEW).everything
    found = get_object_or_404(Event.objects.visible_to(person), pk=event_id)
    link = Link.objects.filter(event_id=found.pk).first() if whole else None
    return render(request, "portal/audit/event.html", event_page.context(found, link, whole=whole))


class Whole:
    """Mixin for pages about the chain: it is everybody's, so the right on everything is asked for."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse those who see a part."""
        gate.demand(request, Permission.AUDIT_VIEW)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc,no-any-return]


class Heads(gate.Gated, Whole, ListView):
    """Signed heads, to be kept elsewhere."""

    permission = Permission.AUDIT_VIEW
    listing = lists.HeadList
    template_name = "portal/audit/heads.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The way back."""
        return {"tabs": integrity_page.tabs("heads")}


class Checks(gate.Gated, Whole, ListView):
    """How the chain stands, and every reading of it."""

    permission = Permission.AUDIT_VIEW
    listing = lists.CheckList
    template_name = "portal/audit/integrity.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """State, result and what to do."""
        return {**integrity_page.context(selectors.integrity(), clock.now()), "tabs": integrity_page.tabs("integrity")}


@require_GET
@gate.requires(Permission.AUDIT_VIEW)
def progress(request: HttpRequest) -> HttpResponse:
    """How far a reading is; asked for again every two seconds until it ends."""
    gate.demand(request, Permission.AUDIT_VIEW)
    if not wants_fragment(request):
        return redirect("audit:integrity")
    context = integrity_page.context(selectors.integrity(), clock.now())
    return render(request, "portal/audit/_result.html", context)


@require_POST
@gate.requires(Permission.AUDIT_VIEW)
def verify(request: HttpRequest) -> HttpResponse:
    """Have the chain read."""
    gate.demand(request, Permission.AUDIT_VIEW)
    services.ask_for_check(by=gate.actor_of(request), at=clock.now())
    messages.info(request, _("The audit is being verified."))
    return redirect("audit:integrity")
