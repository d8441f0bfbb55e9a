"""Outside groups, and what patterns of their names propose."""

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
from portal.accounts import forms_providers as forms
from portal.accounts import lists_outside as lists
from portal.accounts import signed_in
from portal.accounts.bindings import own_roles
from portal.accounts.models import Binding, GroupPattern, Identity, OutsideGroup
from portal.accounts.outside import patterns, provider_page
from portal.accounts.signing import linking
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


class GroupPage(gate.Gated, ListView):
    """One group: who is in it, what it stands in, and the roles given to it."""

    permission = Permission.USER_VIEW
    listing = lists.GroupMembers
    template_name = "portal/accounts/group.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The group itself."""
        group = get_object_or_404(OutsideGroup.objects.select_related("provider"), pk=self.kwargs["group_id"])
        held = Binding.objects.in_force(clock.now()).filter(group=group)
        return {
            "title": group.name,
            "about": _("A group of %s. It is changed there.") % group.provider.name,
            "crumbs": [parts.Crumb(_("Outside groups"), reverse("accounts:outside_groups"))],
            "group": group,
            "facts": [
                parts.Fact(_("Place"), group.path or None, mono=True, absent=_("none")),
                parts.Fact(_("Id there"), group.external_id, mono=True),
                parts.Fact(_("Known since"), formats.instant(group.seen_at)),
            ],
            "parents": OutsideGroup.objects.filter(children__child=group).order_by("name")[:100],
            "children": OutsideGroup.objects.filter(parents__parent=group).order_by("name")[:100],
            "bindings": [(one, own_roles.find(one.role)) for one in held.order_by("role", "scope_label")[:100]],
        }


class Proposals(gate.Gated, View):
    """Patterns, and what they propose."""

    permission = Permission.PROVIDER_VIEW
    write_permission = Permission.PROVIDER_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show both."""
        return self._page(request, forms.PatternForm(), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add a pattern."""
        form = forms.PatternForm(request.POST)
        if form.is_valid():
            try:
                patterns.add(**form.cleaned_data, by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("The pattern is added. What it proposes waits for your answer."))
                return redirect("accounts:proposals")
        return self._page(request, form, 422)

    def _page(self, request: HttpRequest, form: forms.PatternForm, status: int) -> HttpResponse:
        context = {
            "title": _("Settings"),
            "about": _("Patterns of group names propose roles. Nothing holds until somebody confirms it."),
            "tabs": provider_page.settings_tabs("accounts:proposals"),
            "form": form,
            "patterns": patterns.every(),
            "proposals": patterns.proposals(clock.now()),
            "may_edit": gate.person(request).may(Permission.PROVIDER_EDIT),
            "may_grant": gate.person(request).may(Permission.BINDING_EDIT),
        }
        return render(request, "portal/accounts/proposals.html", context, status=status)


@require_POST
@gate.requires(Permission.BINDING_EDIT)
def answer(request: HttpRequest) -> HttpResponse:
    """Confirm or dismiss a proposal. Nobody gives what they do not have."""
    pattern = get_object_or_404(GroupPattern, pk=_uuid(request.POST.get("pattern", "")))
    group, actor, at = _uuid(request.POST.get("group", "")), gate.actor_of(request), clock.now()
    if request.POST.get("answer") == "accept":
        user = signed_in.account(request)
        patterns.accept(pattern=pattern, group_id=group, by=actor, granted_by=user, at=at)
        messages.success(request, _("The role holds from now on."))
    else:
        gate.demand(request, Permission.PROVIDER_EDIT)
        patterns.dismiss(pattern=pattern, group_id=group, by=actor, at=at)
    return redirect("accounts:proposals")


@require_POST
@gate.requires(Permission.PROVIDER_EDIT)
def remove_pattern(request: HttpRequest, pattern_id: UUID) -> HttpResponse:
    """Remove a pattern."""
    patterns.remove(pattern=get_object_or_404(GroupPattern, pk=pattern_id), by=gate.actor_of(request))
    return redirect("accounts:proposals")


@require_POST
@gate.requires(Permission.USER_EDIT)
def unlink(request: HttpRequest, identity_id: UUID) -> HttpResponse:
    """Take an account away from a person, also the last one: for accounts that are somebody else's."""
    identity = get_object_or_404(Identity.objects.select_related("user"), pk=identity_id, user__isnull=False)
    linking.unlink(identity=identity, by=gate.actor_of(request), forced=True)
    messages.success(request, _("The account is unlinked."))
    return redirect("accounts:person", username=identity.user.username if identity.user else "")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
