"""One's own tokens."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.accounts.models import User
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import Link
from portal.core.listing.page import Empty
from portal.core.listing.views import wants_fragment
from portal.tokens import finding, places, selectors, shown
from portal.tokens.forms import TokenForm
from portal.tokens.services import tokens as services

MOST_SHOWN = 200


class Tokens(gate.SignedIn, View):
    """What programs show in one's name."""

    reason = "everybody's own tokens"

    def get(self, request: HttpRequest) -> HttpResponse:
        """List them, the newest first."""
        at, user = clock.now(), finding.asking(request)
        rows = [shown.row(one, at) for one in selectors.tokens_of(user)[:MOST_SHOWN]]
        new = reverse("tokens:new")
        context = {
            "rows": rows,
            "at": at,
            "action": parts.Action(_("New token"), new, "plus"),
            "empty": Empty("no_data", _("You have no token yet."), Link(_("New token"), new)),
        }
        return render(request, "portal/tokens/own.html", context)


class MakesToken(View):
    """Make a token; its text is shown once. Mix in the gate before this class."""

    def get(self, request: HttpRequest, **_named: str) -> HttpResponse:
        """Show the form, or for htmx what changes with what is chosen."""
        return self.page(request, self.form(request, None), 200)

    def post(self, request: HttpRequest, **_named: str) -> HttpResponse:
        """Make it."""
        form, at = self.form(request, request.POST), clock.now()
        if form.is_valid():
            try:
                made, text = services.create(**self.asked(request, form), by=gate.actor_of(request), at=at)
            except errors.Refused as refused:
                put_errors(form, refused, moved={"expires_at": "days"})
            else:
                context = {"token": made, "text": text, "sentence": shown.said(made), "back": self.back(request)}
                return render(request, "portal/tokens/made.html", context)
        return self.page(request, form, 422)

    def owner(self, request: HttpRequest) -> User:
        """Whose token it becomes."""
        return finding.asking(request)

    def offered(self, request: HttpRequest) -> list[places.Place]:
        """Where it can hold, and what it can do there."""
        return places.of(self.owner(request))

    def asked(self, request: HttpRequest, form: TokenForm) -> dict[str, Any]:
        """What the service is told."""
        user = self.owner(request)
        return {"user": user, "wanted": form.wanted(user, clock.now())}

    def back(self, request: HttpRequest) -> str:
        """Where one goes from here."""
        return reverse("tokens:own")

    def form(self, request: HttpRequest, data: Any) -> TokenForm:
        """The form for the scope that is chosen, the first one at first."""
        offered = self.offered(request)
        given = data if data is not None else request.GET
        value = given.get("scope", "")
        place = next((one for one in offered if one.value == value), offered[0] if offered and not value else None)
        initial = {name: given[name] for name in ("name", "only", "days", "networks") if given.get(name)}
        held = {one.value for one in place.permissions} if place else set()
        if kept := [one for one in given.getlist("permissions") if one in held]:
            initial["permissions"] = kept
        return TokenForm(data, offered=offered, place=place, initial=initial)

    def page(self, request: HttpRequest, form: TokenForm, status: int) -> HttpResponse:
        """Render the form with its preview."""
        context = {
            "form": form,
            "preview": form.preview(clock.now()),
            "title": _("New token"),
            "about": _("For a program that acts in your name. It never has more than you have at that moment."),
            "crumbs": [parts.Crumb(_("Tokens"), self.back(request))],
            "cancel": self.back(request),
        }
        part = request.method == "GET" and wants_fragment(request)
        return render(
            request, "portal/tokens/_rights.html" if part else "portal/tokens/new.html", context, status=status
        )


class NewToken(gate.SignedIn, MakesToken):
    """A token of one's own."""

    reason = "everybody makes tokens of what they hold"
    fresh = True


@require_POST
@gate.signed_in("everybody's own tokens", fresh=True)
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End one of one's own tokens."""
    token = finding.own_token(request, token_id)
    services.revoke(token=token, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s opens nothing any more.") % token.name)
    return redirect("tokens:own")
