"""The outbox: what left, what waits, and where it goes."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors, parts
from portal.core.listing import ListPage, ListView
from portal.core.listing.views import wants_fragment
from portal.outbox import forms, lists, message_page, selectors, services
from portal.outbox.models import OPEN, Kind, Message


def _tabs(active: str) -> list[parts.Tab]:
    places = (("outbox:messages", _("Messages")), ("outbox:targets", _("Targets")))
    return [parts.Tab(label, reverse(name), active=name == active) for name, label in places]


class Messages(gate.Gated, ListView):
    """What was written, newest first."""

    permission = Permission.OUTBOX_VIEW
    listing = lists.MessageList
    template_name = "portal/outbox/messages.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs, and the targets that need somebody."""
        checks = message_page.targets(selectors.targets(), clock.now())
        return {
            "tabs": _tabs("outbox:messages"),
            "failing": [check for check in checks if check.tone == "broken"],
            "missing": ", ".join(str(check.label) for check in checks if check.tone == "attention"),
        }


@gate.requires(Permission.OUTBOX_VIEW)
def message(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """One message as it goes out; while it waits the page asks again every two seconds."""
    found = get_object_or_404(Message.objects.visible_to(gate.person(request)), pk=message_id)
    template = "portal/outbox/_message.html" if wants_fragment(request) else "portal/outbox/message.html"
    context = {
        "message": found,
        "open": found.state in OPEN,
        "progress": message_page.progress(found),
        "facts": message_page.facts(found, clock.now()),
        "tries": message_page.tries(found),
        "crumbs": [parts.Crumb(_("Outbox"), reverse("outbox:messages"))],
        "may_retry": message_page.can_retry(found) and gate.person(request).may(Permission.OUTBOX_EDIT),
    }
    return render(request, template, context)


@require_POST
@gate.requires(Permission.OUTBOX_EDIT)
def retry(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Try now."""
    found = get_object_or_404(Message.objects.visible_to(gate.person(request)), pk=message_id)
    services.retry(message=found, by=gate.actor_of(request), at=clock.now())
    return redirect("outbox:message", message_id=message_id)


@gate.requires(Permission.OUTBOX_VIEW)
def targets(request: HttpRequest) -> HttpResponse:
    """Where messages go, and how each target is."""
    address = getattr(request.user, "email", "")
    return _targets(request, forms.TestMailForm(initial={"to": address}))


@require_POST
@gate.requires(Permission.OUTBOX_EDIT)
def send_test(request: HttpRequest) -> HttpResponse:
    """Send a test to one target; its page shows the result."""
    kind = request.POST.get("kind", "")
    form = forms.TestMailForm(request.POST)
    if kind == Kind.MAIL and not form.is_valid():
        return _targets(request, form, status=422)
    try:
        sent = services.send_test(
            kind=kind, to=form.data.get("to", "").strip(), by=gate.actor_of(request), at=clock.now()
        )
    except errors.Refused as refused:
        if "to" not in refused.errors:
            raise
        form.add_error("to", refused.errors["to"][0])
        return _targets(request, form, status=422)
    return redirect("outbox:message", message_id=sent.pk)


def _targets(request: HttpRequest, form: forms.TestMailForm, status: int = 200) -> HttpResponse:
    found = selectors.targets()
    context = {
        "tabs": _tabs("outbox:targets"),
        "checks": message_page.targets(found, clock.now()),
        "with_target": [one for one in found if one.place],
        "form": form,
        "may_test": gate.person(request).may(Permission.OUTBOX_EDIT),
    }
    return render(request, "portal/outbox/targets.html", context, status=status)
