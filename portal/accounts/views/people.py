"""People and bindings, for administrators."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import forms, lists, person_pages, services
from portal.accounts.models import User
from portal.accounts.models.people import PERSON
from portal.accounts.signing import factors
from portal.core import errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


def tabs(active: str) -> list[parts.Tab]:
    """Return the pages about people."""
    places = (
        ("accounts:people", _("People")),
        ("accounts:bindings", _("Bindings")),
        ("accounts:roles", _("Roles")),
        ("accounts:sessions", _("Sessions")),
    )
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
        return {"tabs": tabs("accounts:people"), "action": add if may_add else None}


class Person(gate.Gated, ListView):
    """One person and their bindings."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/person.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The person; whether rows can be chosen."""
        return {**self.kwargs, "pick": gate.person(request).may(Permission.BINDING_EDIT)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The person themselves."""
        shown = get_object_or_404(User, username=self.kwargs["username"])
        may_grant = gate.person(request).may(Permission.BINDING_EDIT)
        # Nobody finds a deactivated account to give it a role.
        offered = may_grant and shown.is_active
        grant = parts.Action(_("Give a role"), reverse("accounts:grant", args=[shown.username]))
        return {
            "shown": shown,
            "about": _("Active account.") if shown.is_active else _("Deactivated account."),
            "crumbs": [parts.Crumb(_("People"), reverse("accounts:people"))],
            "facts": person_pages.facts(shown, page.at),
            "accounts": person_pages.accounts(shown, page.at),
            "tokens": person_pages.tokens(shown, gate.person(request), page.at),
            "at": page.at,
            "may_grant": may_grant,
            "may_edit": gate.person(request).may(Permission.USER_EDIT),
            "may_look": gate.person(request).may(Permission.ACCESS_VIEW_AS) and shown.kind == PERSON,
            "may_reset": gate.person(request).may(Permission.USER_RESET),
            "has_password": shown.has_usable_password(),
            "has_factor": factors.enrolled(shown),
            "action": grant if offered else None,
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


@require_POST
@gate.requires(Permission.USER_EDIT)
def set_active(request: HttpRequest, username: str) -> HttpResponse:
    """Deactivate or reactivate a person."""
    shown = get_object_or_404(User, username=username)
    services.set_active(user=shown, active=request.POST.get("active") == "1", by=gate.actor_of(request))
    return redirect("accounts:person", username=username)
