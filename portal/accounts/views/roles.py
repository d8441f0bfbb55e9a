"""The roles: what each gives, who has it, and the installation's own."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_GET

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.roles import Role
from portal.accounts import lists
from portal.accounts.bindings import own_roles, role_pages, role_services
from portal.accounts.bindings.role_forms import RoleForm
from portal.accounts.models import CustomRole
from portal.accounts.views import people
from portal.accounts.views.bindings import granter_of
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


@require_GET
@gate.requires(Permission.USER_VIEW)
def matrix(request: HttpRequest) -> HttpResponse:
    """Show permissions by roles."""
    may = gate.person(request).scopes_for(Permission.ROLE_EDIT).everything
    new = parts.Action(_("New role"), reverse("accounts:new_role"), "plus")
    context = {
        "tabs": people.tabs("accounts:roles"),
        "matrix": role_pages.matrix(clock.now()),
        "action": new if may else None,
    }
    return render(request, "portal/accounts/roles.html", context)


class RolePage(gate.Gated, ListView):
    """One role: what it gives, and who has it where."""

    permission = Permission.USER_VIEW
    listing = lists.BindingList
    template_name = "portal/accounts/role.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """The role, if there is one."""
        return {"role": self._role().key}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """What it is; changing it for whoever may."""
        role = self._role()
        own = CustomRole.objects.filter(key=role.key).first()
        may = own is not None and gate.person(request).scopes_for(Permission.ROLE_EDIT).everything
        edit = parts.Action(_("Change"), reverse("accounts:edit_role", args=[role.key]))
        return {
            "title": role.name,
            "about": role.description,
            "crumbs": [parts.Crumb(_("Roles"), reverse("accounts:roles"))],
            "facts": role_pages.facts(role, own),
            "action": edit if may else None,
            "role": role,
            "may_delete": may,
        }

    def _role(self) -> Role:
        found = own_roles.find(self.kwargs["role"])
        if found is None:
            raise Http404
        return found


class EditRole(gate.Gated, View):
    """Change a role of the installation's own: first what it would do, then doing it."""

    permission = Permission.ROLE_EDIT

    def get(self, request: HttpRequest, role: str) -> HttpResponse:
        """Show the form."""
        gate.demand(request, Permission.ROLE_EDIT)
        own = get_object_or_404(CustomRole, key=role)
        return self.form_page(request, own, RoleForm(initial=RoleForm.initial_of(own)), 200)

    def post(self, request: HttpRequest, role: str) -> HttpResponse:
        """Show the difference, or save it."""
        gate.demand(request, Permission.ROLE_EDIT)
        return self.settle(request, get_object_or_404(CustomRole, key=role))

    def settle(self, request: HttpRequest, own: CustomRole | None) -> HttpResponse:
        """Preview a valid form; save it where the preview was confirmed (`do=save`)."""
        form = RoleForm(request.POST)
        if not form.is_valid():
            return self.form_page(request, own, form, 422)
        if request.POST.get("do") != "save":
            return self.preview(request, own, form)
        try:
            saved = self.save(request, own, form)
        except errors.Conflict as conflict:
            # Somebody else was quicker: the difference is another one now.
            own = CustomRole.objects.filter(pk=own.pk).first() if own else None
            return self.preview(request, own, form, str(conflict), 409)
        except errors.Refused as refused:
            put_errors(form, refused)
            return self.form_page(request, own, form, 422)
        messages.success(request, _("The role is saved. It counts from everybody's next request on."))
        return redirect("accounts:role", role=saved.key)

    def save(self, request: HttpRequest, own: CustomRole | None, form: RoleForm) -> CustomRole:
        """Create or change it."""
        given: dict[str, Any] = {
            "draft": form.draft(),
            "by": gate.actor_of(request),
            "at": clock.now(),
            "author": granter_of(request),
        }
        if own is None:
            return role_services.create(**given)
        return role_services.change(role=own, seen=request.POST.get("seen", ""), **given)

    def preview(
        self, request: HttpRequest, own: CustomRole | None, form: RoleForm, problem: str = "", status: int = 200
    ) -> HttpResponse:
        """Show what saving would do; what cannot be saved is said at the form at once."""
        draft = form.draft()
        try:
            role_services.check(draft=draft, role=own, author=granter_of(request))
        except errors.Refused as refused:
            put_errors(form, refused)
            return self.form_page(request, own, form, 422)
        change = role_services.changes(role=own, draft=draft, viewer=gate.person(request), at=clock.now())
        context = {
            **self.frame(own),
            "lines": role_pages.lines(change),
            "change": change,
            "sent": role_pages.sent(form),
            "seen": role_services.version(own) if own else "",
            "problem": problem,
        }
        return render(request, "portal/accounts/role_preview.html", context, status=status)

    def form_page(self, request: HttpRequest, own: CustomRole | None, form: RoleForm, status: int) -> HttpResponse:
        """Show the form."""
        return render(request, "portal/accounts/role_form.html", {**self.frame(own), "form": form}, status=status)

    def frame(self, own: CustomRole | None) -> dict[str, Any]:
        """Return what stands around form and preview."""
        crumbs = [parts.Crumb(_("Roles"), reverse("accounts:roles"))]
        if own is None:
            return {"title": _("New role"), "crumbs": crumbs, "cancel": reverse("accounts:roles")}
        page = reverse("accounts:role", args=[own.key])
        return {"title": own.name, "crumbs": [*crumbs, parts.Crumb(own.name, page)], "cancel": page}


class NewRole(EditRole):
    """Add a role."""

    def get(self, request: HttpRequest) -> HttpResponse:  # type: ignore[override] # it has no role yet
        """Show the empty form."""
        gate.demand(request, Permission.ROLE_EDIT)
        return self.form_page(request, None, RoleForm(), 200)

    def post(self, request: HttpRequest) -> HttpResponse:  # type: ignore[override] # it has no role yet
        """Show what it would be, or add it."""
        gate.demand(request, Permission.ROLE_EDIT)
        return self.settle(request, None)


class DeleteRole(gate.Gated, View):
    """Delete a role of the installation's own; who loses what is shown first."""

    permission = Permission.ROLE_EDIT

    def get(self, request: HttpRequest, role: str) -> HttpResponse:
        """Show what deleting would do."""
        gate.demand(request, Permission.ROLE_EDIT)
        return self._page(request, get_object_or_404(CustomRole, key=role), "", 200)

    def post(self, request: HttpRequest, role: str) -> HttpResponse:
        """Delete it."""
        gate.demand(request, Permission.ROLE_EDIT)
        own = get_object_or_404(CustomRole, key=role)
        try:
            role_services.delete(
                role=own,
                by=gate.actor_of(request),
                at=clock.now(),
                take_away=request.POST.get("take_away") == "1",
            )
        except errors.Refused as refused:
            return self._page(request, own, "; ".join(text for texts in refused.errors.values() for text in texts), 409)
        messages.success(request, _("The role is deleted."))
        return redirect("accounts:roles")

    def _page(self, request: HttpRequest, own: CustomRole, problem: str, status: int) -> HttpResponse:
        change = role_services.changes(role=own, draft=None, viewer=gate.person(request), at=clock.now())
        context = {
            "title": _("Delete %s") % own.name,
            "crumbs": [parts.Crumb(_("Roles"), reverse("accounts:roles"))],
            "lines": role_pages.lines(change),
            "change": change,
            "problem": problem,
            "cancel": reverse("accounts:role", args=[own.key]),
        }
        return render(request, "portal/accounts/role_delete.html", context, status=status)
