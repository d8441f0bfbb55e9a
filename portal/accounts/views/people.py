"""People and bindings, for administrators."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import factors, forms, lists, services
from portal.accounts.models import Binding, User
from portal.accounts.scope_names import scope_from
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


def _tabs(active: str) -> list[parts.Tab]:
    places = (("accounts:people", _("People")), ("accounts:bindings", _("Bindings")))
    return [parts.Tab(label, reverse(name), active=name == active) for name, label in places]


class People(gate.Gated, ListView):
    """Everybody."""

    permission = Permission.USER_VIEW
    listing = lists.PeopleList
    template_name = "portal/accounts/people.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs, and adding a person for whoever may."""
        may_add = gate.person(request).may(Permission.USER_EDIT)
        add = parts.Action(_("Add person"), reverse("accounts:new_person"))
        return {"tabs": _tabs("accounts:people"), "action": add if may_add else None}


class Bindings(gate.Gated, ListView):
    """Who holds what."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/bindings.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"tabs": _tabs("accounts:bindings")}


class Roles(gate.Gated, ListView):
    """The roles and what they give."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/bindings.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"tabs": _tabs("accounts:bindings")}


class Person(gate.Gated, ListView):
    """One person and their bindings."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/person.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The person themselves."""
        shown = get_object_or_404(User, username=self.kwargs["username"])
        may_grant = gate.person(request).may(Permission.BINDING_EDIT)
        grant = parts.Action(_("Give a role"), reverse("accounts:grant", args=[shown.username]))
        return {
            "shown": shown,
            "about": _("Active account.") if shown.is_active else _("Deactivated account."),
            "crumbs": [parts.Crumb(_("People"), reverse("accounts:people"))],
            "facts": [
                parts.Fact(_("User name"), shown.username, mono=True),
                parts.Fact(_("Added"), formats.instant(shown.created_at)),
                parts.Fact(
                    _("Last sign-in"),
                    formats.instant(shown.last_login) if shown.last_login else None,
                    absent=_("never"),
                ),
            ],
            "bindings": Binding.objects.filter(user=shown).order_by("-created_at")[:100],
            "may_grant": may_grant,
            "may_edit": gate.person(request).may(Permission.USER_EDIT),
            "may_reset": gate.person(request).may(Permission.USER_RESET),
            "has_password": shown.has_usable_password(),
            "has_factor": factors.enrolled(shown),
            "action": grant if may_grant else None,
        }


class NewPerson(gate.Gated, View):
    """Add a local account; its one-time password is shown once."""

    permission = Permission.USER_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return render(request, "portal/accounts/new_person.html", {"form": forms.NewPersonForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Create, and show the password."""
        form = forms.NewPersonForm(request.POST)
        if form.is_valid():
            try:
                user, password = services.create_user(**form.cleaned_data, by=gate.actor_of(request))
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                return render(request, "portal/accounts/created.html", {"shown": user, "one_time_password": password})
        return render(request, "portal/accounts/new_person.html", {"form": form}, status=422)


class Grant(gate.Gated, View):
    """Give a role."""

    permission = Permission.BINDING_EDIT

    def get(self, request: HttpRequest, username: str) -> HttpResponse:
        """Show the form."""
        shown = get_object_or_404(User, username=username)
        return render(request, "portal/accounts/grant.html", {"form": forms.GrantForm(), "shown": shown})

    def post(self, request: HttpRequest, username: str) -> HttpResponse:
        """Grant and go back to the person."""
        shown = get_object_or_404(User, username=username)
        form = forms.GrantForm(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            try:
                services.grant(
                    user=shown,
                    role=data["role"],
                    scope=scope_from(data["scope_kind"], data["scope"]),
                    by=gate.actor_of(request),
                    at=clock.now(),
                    reason=data["reason"],
                    expires_at=data["expires_at"],
                    granted_by=get_object_or_404(User, pk=request.user.pk),
                )
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("The role holds from now on."))
                return redirect("accounts:person", username=username)
        return render(request, "portal/accounts/grant.html", {"form": form, "shown": shown}, status=422)


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def revoke(request: HttpRequest, binding_id: str) -> HttpResponse:
    """Take a role away."""
    binding = get_object_or_404(Binding, pk=binding_id)
    services.revoke(binding=binding, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("The role is taken away."))
    return (
        redirect("accounts:person", username=binding.user.username) if binding.user else redirect("accounts:bindings")
    )


@require_POST
@gate.requires(Permission.USER_EDIT)
def set_active(request: HttpRequest, username: str) -> HttpResponse:
    """Deactivate or reactivate a person."""
    shown = get_object_or_404(User, username=username)
    services.set_active(user=shown, active=request.POST.get("active") == "1", by=gate.actor_of(request))
    return redirect("accounts:person", username=username)
