"""Bindings: all of them, one of them, giving them, and taking several away."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View
from django.views.decorators.http import require_GET, require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import lists
from portal.accounts.bindings import (
    binding_forms,
    binding_pages,
    granting,
    memberships,
    own_roles,
    role_bindings,
    scope_names,
    searching,
    standing,
)
from portal.accounts.models import Binding, User
from portal.accounts.views import people
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView

MOST_AT_ONCE = 100


class Bindings(gate.Gated, ListView):
    """Who holds what; several can be taken away at once."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/bindings.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """Whether rows can be chosen."""
        return {"pick": gate.person(request).may(Permission.BINDING_EDIT)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs, and giving a role for whoever may."""
        may = gate.person(request).may(Permission.BINDING_EDIT)
        give = parts.Action(_("Give a role"), reverse("accounts:give"), "plus")
        return {"tabs": people.tabs("accounts:bindings"), "action": give if may else None, "may_edit": may}


class Give(gate.Gated, View):
    """Give a role on any scope."""

    permission = Permission.BINDING_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        return self.page(request, self.form(), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Give it, and go to the binding."""
        form = self.form(data=request.POST)
        binding = self.give(request, form)
        return redirect("accounts:binding", binding_id=binding.pk) if binding else self.page(request, form, 422)

    def form(self, **given: Any) -> binding_forms.GiveAnywhereForm:
        """Return the form with all roles: which of them one may give depends on the scope."""
        return binding_forms.GiveAnywhereForm(roles=own_roles.every(), **given)

    def give(self, request: HttpRequest, form: binding_forms.GiveAnywhereForm) -> Binding | None:
        """Give what the form says; None after a refusal, which then stands at the form."""
        if not form.is_valid():
            return None
        try:
            scope = scope_names.scope_from(form.cleaned_data["scope_kind"], form.cleaned_data["scope"])
        except errors.Refused as refused:
            put_errors(form, refused)
            return None
        made = form.give(scope=scope, by=gate.actor_of(request), granter=granter_of(request), at=clock.now())
        if made:
            messages.success(request, _("The role holds from now on."))
        return made

    def page(
        self, request: HttpRequest, form: binding_forms.GiveAnywhereForm, status: int, to: str = ""
    ) -> HttpResponse:
        """Render the form; `to` is the address it is sent to."""
        action = to or reverse("accounts:give")
        return render(request, "portal/accounts/grant.html", {"form": form, "action": action}, status=status)


class Grant(Give):
    """The same from a person's page."""

    def get(self, request: HttpRequest, username: str) -> HttpResponse:  # type: ignore[override] # it names a person
        """Show the form with the person in it."""
        shown = _findable(request, username)
        return self.page(request, self.form(initial=self._whom(shown)), 200, request.path)

    def post(self, request: HttpRequest, username: str) -> HttpResponse:  # type: ignore[override] # it names a person
        """Give it, and go back to the person."""
        shown = _findable(request, username)
        data = request.POST.copy()
        if not data.get("who") and not data.get("holder"):
            data.update(self._whom(shown))
        form = self.form(data=data)
        made = self.give(request, form)
        if made is None:
            return self.page(request, form, 422, request.path)
        # Whoever gives roles on a team alone may not see the person's page.
        if gate.person(request).may(Permission.USER_VIEW):
            return redirect("accounts:person", username=username)
        return redirect(binding_pages.back_to(made, gate.person(request)))

    def _whom(self, shown: User) -> dict[str, str]:
        return {"who": shown.username, "holder": binding_pages.value_of(shown)}


class BindingPage(gate.Gated, View):
    """One binding: what it gives, and changing its role or end."""

    permission = Permission.MEMBER_VIEW
    write_permission = Permission.BINDING_EDIT

    def get(self, request: HttpRequest, binding_id: UUID) -> HttpResponse:
        """Show it."""
        binding = get_object_or_404(memberships.visible(gate.person(request)), pk=binding_id)
        return self._page(request, binding, None, 200)

    def post(self, request: HttpRequest, binding_id: UUID) -> HttpResponse:
        """Change it."""
        binding = get_object_or_404(memberships.visible(gate.person(request), Permission.BINDING_EDIT), pk=binding_id)
        form, at = self._form(request, binding, request.POST), clock.now()
        if form.is_valid():
            try:
                changed = granting.change(
                    binding=binding,
                    role=form.cleaned_data["role"],
                    expires_at=form.expires_at(at, binding.expires_at),
                    by=gate.actor_of(request),
                    at=at,
                    granted_by=granter_of(request),
                )
            except errors.Refused as refused:
                put_errors(form, refused, {"expires_at": "until"})
            else:
                messages.success(request, _("The change holds from now on."))
                return redirect(binding_pages.back_to(changed, gate.person(request)))
        return self._page(request, binding, form, 422)

    def _form(self, request: HttpRequest, binding: Binding, data: Any) -> binding_forms.ChangeForm:
        can, _cannot = granting.givable(granter_of(request), granting.scope_of(binding))
        offered = [*can, *(one for one in [own_roles.find(binding.role)] if one and one not in can)]
        return binding_forms.ChangeForm(data, roles=offered, initial={"role": binding.role})

    def _page(
        self, request: HttpRequest, binding: Binding, form: binding_forms.ChangeForm | None, status: int
    ) -> HttpResponse:
        at = clock.now()
        may = granting.may_edit(granter_of(request), granting.scope_of(binding))
        here = reverse("accounts:binding", args=[binding.pk])
        context = {
            "title": binding.holder,
            "binding": binding,
            "facts": binding_pages.facts(binding, at),
            "state": standing.states()[standing.state_of(binding.expires_at, at, is_suspended=binding.is_suspended)],
            "crumbs": [parts.Crumb(_("Members"), binding_pages.back_to(binding, gate.person(request)))],
            "may_edit": may,
            "is_fresh": gate.is_fresh(request),
            "confirm_url": f"{reverse('accounts:confirm')}?next={here}",
            "form": (form or self._form(request, binding, None)) if may else None,
        }
        return render(request, "portal/accounts/binding.html", context, status=status)


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def revoke(request: HttpRequest, binding_id: UUID) -> HttpResponse:
    """Take a role away."""
    binding = get_object_or_404(memberships.visible(gate.person(request), Permission.BINDING_EDIT), pk=binding_id)
    back = binding_pages.back_to(binding, gate.person(request))
    if binding.user and gate.person(request).may(Permission.USER_VIEW):
        back = reverse("accounts:person", args=[binding.user.username])
    role_bindings.revoke(binding=binding, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("The role is taken away."))
    return redirect(_local(request, back))


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def remove(request: HttpRequest) -> HttpResponse:
    """Say who would lose what by taking the chosen roles away, and do it once that is confirmed (`sure`)."""
    at, picked = clock.now(), _picked(request)
    found = memberships.visible(gate.person(request), Permission.BINDING_EDIT).filter(pk__in=picked)
    bindings = list(found.select_related("user", "group__provider").order_by("created_at", "pk"))
    if not bindings or len(bindings) != len(picked):
        raise Http404
    back = _local(request, binding_pages.back_to(bindings[0], gate.person(request)))
    if request.POST.get("sure"):
        try:
            count = granting.revoke_all(bindings=bindings, by=gate.actor_of(request), at=at)
        except errors.Refused as refused:
            messages.error(request, str(refused))
        else:
            text = ngettext("%(n)d role is taken away.", "%(n)d roles are taken away.", count)
            messages.success(request, text % {"n": count})
        return redirect(back)
    context = {
        "title": ngettext("Take %(n)d role away", "Take %(n)d roles away", len(bindings)) % {"n": len(bindings)},
        "lines": binding_pages.losing(bindings, at),
        "people": len(memberships.people(bindings, at)),
        "back": back,
    }
    return render(request, "portal/accounts/remove.html", context)


@require_GET
@gate.requires(Permission.BINDING_EDIT)
def search(request: HttpRequest) -> HttpResponse:
    """Show people and groups that fit what was typed: the fragment under the field."""
    text = request.GET.get("who", "")
    found = searching.find(text, by=gate.person(request))
    short = len(searching.folded(text)) < searching.SHORTEST
    return render(request, "portal/accounts/_found.html", {"found": found, "short": short, "text": text.strip()})


@require_GET
@gate.requires(Permission.BINDING_EDIT)
def preview(request: HttpRequest) -> HttpResponse:
    """Say what the role in the form would give, on the scope `on=<kind>:<id>`: the line above the button."""
    granter = granter_of(request)
    scope = _scope_of(request.GET.get("on", ""))
    role = own_roles.find(request.GET.get("role", ""))
    said = ""
    if scope and role and scope.kind in role.scopes and granting.may_edit(granter, scope):
        try:
            given = request.GET.get("holder", ""), request.GET.get("who", "")
            holder = searching.chosen(*given, by=granter) if any(given) else None
        except errors.Refused:
            holder = None
        said = binding_pages.preview(scope, role, holder, by=granter, at=clock.now())
    return render(request, "portal/accounts/_preview.html", {"said": said})


def granter_of(request: HttpRequest) -> User:
    """Return the person who gives and takes away; what narrows their rights in this request stays on them."""
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user


def _findable(request: HttpRequest, username: str) -> User:
    """The account, for whoever could find it by the search; one that is not there and one that is not told alike."""
    named = User.objects.filter(username=username).first()
    found = searching.by_value(binding_pages.value_of(named), granter_of(request)) if named else None
    if not isinstance(found, User):
        raise Http404
    return found


def _scope_of(text: str) -> role_bindings.Scope | None:
    kind, _colon, key = text.partition(":")
    if kind == ScopeKind.EVERYTHING and not key:
        return role_bindings.EVERYTHING
    try:
        return role_bindings.Scope(ScopeKind(kind), UUID(key))
    except ValueError:
        return None


def _picked(request: HttpRequest) -> set[UUID]:
    given = set(request.POST.getlist("pick"))
    if not 0 < len(given) <= MOST_AT_ONCE:
        raise Http404
    try:
        return {UUID(one) for one in given}
    except ValueError:
        raise Http404 from None


def _local(request: HttpRequest, otherwise: str) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, None) and wanted.startswith("/") else otherwise
