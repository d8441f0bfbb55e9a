"""Who may what, and looking as somebody else."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate, words
from portal.access.permissions import Permission
from portal.accounts import signed_in
from portal.accounts.models import User
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView
from portal.explorer import explaining, forms, lists, looking, things


class Access(gate.Gated, ListView):
    """One question: why may somebody, or who may. Without one, the form."""

    permission = Permission.ACCESS_EXPLAIN
    listing = lists.WhoMayList
    template_name = "portal/explorer/access.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Understand the question before anything is listed."""
        asked = request.GET if "permission" in request.GET else None
        self.form = forms.QuestionForm(asked, initial={"person": request.GET.get("person", "")})
        if not self.form.is_valid():
            return self._form_alone(request)
        data = self.form.cleaned_data
        try:
            asker = gate.person(request).scopes_for(self.permission)
            self.thing = things.named(data["kind"], data["thing"], asker=asker)
            if data["person"]:
                return self._verdict(request, data, asker)
        except errors.Refused as refused:
            put_errors(self.form, refused)
            return self._form_alone(request)
        return super().get(request, *args, **kwargs)

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """What is asked."""
        return {"permission": Permission(self.form.cleaned_data["permission"]), "thing": self.thing}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The form stays above the answer."""
        return {"form": self.form, "tabs": tabs(request, "explorer:access")}

    def _verdict(self, request: HttpRequest, data: dict[str, Any], asker: Any) -> HttpResponse:
        user = things.account(data["person"], by=gate.person(request))
        permission = Permission(data["permission"])
        verdict = explaining.why(user, permission, self.thing, asker=asker, at=clock.now())
        asked = words.word(permission)
        context = {"shown": user, "verdict": verdict, "permission": permission, "asked": asked, "thing": self.thing}
        return self._render(request, context)

    def _form_alone(self, request: HttpRequest) -> HttpResponse:
        return self._render(request, {}, status=422 if self.form.errors else 200)

    def _render(self, request: HttpRequest, more: dict[str, Any], status: int = 200) -> HttpResponse:
        context = {"form": self.form, "tabs": tabs(request, "explorer:access"), "title": _("Access"), **more}
        return render(request, self.template_name, context, status=status)


class Unused(gate.Gated, ListView):
    """Rights that nobody uses."""

    permission = Permission.USER_VIEW
    listing = lists.UnusedList
    template_name = "portal/explorer/list.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"tabs": tabs(request, "explorer:unused")}


class NeverUsed(gate.Gated, ListView):
    """Accounts that nobody used."""

    permission = Permission.USER_VIEW
    listing = lists.NeverUsedList
    template_name = "portal/explorer/list.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"tabs": tabs(request, "explorer:never_used")}


class Looks(gate.SignedIn, ListView):
    """Who looked as oneself."""

    reason = "everybody knows who looked as them"
    listing = lists.LookList
    template_name = "portal/explorer/looks.html"


class Look(gate.Gated, View):
    """Begin to look as somebody."""

    permission = Permission.ACCESS_VIEW_AS

    def get(self, request: HttpRequest, username: str) -> HttpResponse:
        """Ask why."""
        return self._shown(request, username, forms.LookForm())

    def post(self, request: HttpRequest, username: str) -> HttpResponse:
        """Begin, at their home page."""
        form = forms.LookForm(request.POST)
        if form.is_valid():
            try:
                looking.start(
                    request.session,
                    user=get_object_or_404(User, username=username),
                    reason=form.cleaned_data["reason"],
                    viewer=signed_in.account(request),
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                return redirect("home:home")
        return self._shown(request, username, form, status=422)

    def _shown(self, request: HttpRequest, username: str, form: forms.LookForm, status: int = 200) -> HttpResponse:
        shown = get_object_or_404(User, username=username)
        crumbs = [parts.Crumb(shown.username, reverse("accounts:person", args=[shown.username]))]
        context = {"form": form, "shown": shown, "crumbs": crumbs}
        return render(request, "portal/explorer/look.html", context, status=status)


@require_POST
@gate.signed_in("whoever looks as somebody may stop")
def end_look(request: HttpRequest) -> HttpResponse:
    """Go back to being oneself."""
    looking.end(request.session, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("You see your own Paddock again."))
    return redirect("home:home")


def tabs(request: HttpRequest, active: str) -> list[parts.Tab]:
    """Return the pages of the room that the person may open."""
    places = [("explorer:access", _("Who may what"), Permission.ACCESS_EXPLAIN)]
    places += [
        ("explorer:unused", _("Unused rights"), Permission.USER_VIEW),
        ("explorer:never_used", _("Never used accounts"), Permission.USER_VIEW),
    ]
    person = gate.person(request)
    return [parts.Tab(label, reverse(name), name == active) for name, label, need in places if person.may(need)]
