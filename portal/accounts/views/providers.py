"""Settings: where people come from, who of them may sign in, and how fresh what is known of them is."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_GET, require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import forms_providers as forms
from portal.accounts import lists_outside as lists
from portal.accounts import signed_in
from portal.accounts.outside import admission, freezing, provider_page, queueing, refresh
from portal.accounts.providers import declared, rows
from portal.accounts.providers.rows import Known
from portal.accounts.signing import trials
from portal.accounts.views import waiting
from portal.core import clock, errors, parts, under_way
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView


def known_or_404(key: str) -> Known:
    """Return a provider, declared or not."""
    known = rows.find(key)
    if known is None:
        raise Http404
    return known


@require_GET
@gate.requires(Permission.PROVIDER_VIEW)
def settings_home(request: HttpRequest) -> HttpResponse:
    """Go to the first part of the settings."""
    return redirect("accounts:providers")


class Providers(gate.Gated, ListView):
    """All of them."""

    permission = Permission.PROVIDER_VIEW
    listing = lists.ProviderList
    template_name = "portal/accounts/providers.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        about = _("Addresses and credentials stand in the environment; who may sign in is decided here.")
        return {"title": _("Settings"), "about": about, "tabs": provider_page.settings_tabs("accounts:providers")}


class OutsideGroups(gate.Gated, ListView):
    """The catalogue of groups."""

    permission = Permission.USER_VIEW
    listing = lists.OutsideGroupList
    template_name = "portal/accounts/providers.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        about = _("What the providers call groups. They are changed there, and given roles here.")
        return {"title": _("Settings"), "about": about, "tabs": provider_page.settings_tabs("accounts:outside_groups")}


class ProviderPeople(gate.Gated, ListView):
    """The accounts of one provider that are known here."""

    permission = Permission.PROVIDER_VIEW
    listing = lists.IdentityList
    template_name = "portal/accounts/providers.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        known = known_or_404(self.kwargs["key"])
        return {"title": known.row.name, "tabs": provider_page.tabs(known, "accounts:provider_people")}


@require_GET
@gate.requires(Permission.PROVIDER_VIEW)
def provider(request: HttpRequest, key: str) -> HttpResponse:
    """One provider."""
    known = known_or_404(key)
    context = {
        "title": known.row.name,
        "about": provider_page.about(known),
        "crumbs": [parts.Crumb(_("Sign-in providers"), reverse("accounts:providers"))],
        "tabs": provider_page.tabs(known, "accounts:provider"),
        "age_form": forms.AgeForm(initial={"hours": known.row.max_age_seconds // 3600}),
        **provider_page.whole(known, clock.now()),
        "may_edit": gate.person(request).may(Permission.PROVIDER_EDIT),
    }
    return render(request, "portal/accounts/provider.html", context)


@require_GET
@gate.requires(Permission.PROVIDER_VIEW)
def provider_state(request: HttpRequest, key: str) -> HttpResponse:
    """How fresh it is, asked for again while a refresh runs."""
    known = known_or_404(key)
    context = {
        **provider_page.state(known, clock.now()),
        "may_edit": gate.person(request).may(Permission.PROVIDER_EDIT),
    }
    return render(request, "portal/accounts/_provider_state.html", context)


@require_POST
@gate.requires(Permission.PROVIDER_EDIT)
def refresh_now(request: HttpRequest, key: str) -> HttpResponse:
    """Read it again."""
    queueing.refresh(known_or_404(key).row, by=gate.actor_of(request))
    return redirect("accounts:provider", key=key)


@require_POST
@gate.requires(Permission.PROVIDER_EDIT)
def confirm_hold(request: HttpRequest, key: str) -> HttpResponse:
    """Believe what was held."""
    if refresh.confirm_hold(provider=known_or_404(key).row, by=gate.actor_of(request), at=clock.now()):
        messages.success(request, _("The next refresh takes them away."))
    return redirect("accounts:provider", key=key)


@require_POST
@gate.requires(Permission.PROVIDER_EDIT)
def enable(request: HttpRequest, key: str) -> HttpResponse:
    """Let people sign in by it."""
    known = known_or_404(key)
    freezing.enable(provider=known.row, by=gate.actor_of(request), at=clock.now())
    messages.success(request, _("%s is enabled.") % known.row.name)
    return redirect("accounts:provider", key=key)


@require_POST
@gate.requires(Permission.PROVIDER_EDIT)
def change_age(request: HttpRequest, key: str) -> HttpResponse:
    """Set after how many hours rights by groups are suspended."""
    form = forms.AgeForm(request.POST)
    if not form.is_valid():
        raise errors.Refused({name: [str(text) for text in texts] for name, texts in form.errors.items()})
    freezing.change_age(provider=known_or_404(key).row, hours=form.cleaned_data["hours"], by=gate.actor_of(request))
    return redirect("accounts:provider", key=key)


class Disable(gate.Gated, View):
    """Freeze a provider, once its author has seen what that touches."""

    permission = Permission.PROVIDER_EDIT

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show what it touches."""
        known = known_or_404(key)
        context = {
            "title": _("Disable %s") % known.row.name,
            "crumbs": trials.crumbs(known.row),
            "facts": provider_page.touched(freezing.touched(known.row, clock.now())),
            "provider": known.row,
        }
        return render(request, "portal/accounts/provider_disable.html", context)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Freeze it."""
        known = known_or_404(key)
        found = freezing.disable(provider=known.row, by=gate.actor_of(request), at=clock.now())
        messages.success(request, _("Disabled. Sessions that ended: %d.") % found.sessions)
        return redirect("accounts:provider", key=key)


class Delete(gate.Gated, View):
    """Forget a disabled provider."""

    permission = Permission.PROVIDER_EDIT

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show what goes."""
        return self._page(request, known_or_404(key), forms.DeleteForm(), 200)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Forget it."""
        known, form = known_or_404(key), forms.DeleteForm(request.POST)
        if form.is_valid():
            try:
                freezing.delete(provider=known.row, **form.cleaned_data, by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("%s is deleted.") % known.row.name)
                return redirect("accounts:providers")
        return self._page(request, known, form, 422)

    def _page(self, request: HttpRequest, known: Known, form: forms.DeleteForm, status: int) -> HttpResponse:
        context = {
            "title": _("Delete %s") % known.row.name,
            "crumbs": trials.crumbs(known.row),
            "facts": provider_page.touched(freezing.touched(known.row, clock.now())),
            "provider": known.row,
            "form": form,
        }
        return render(request, "portal/accounts/provider_delete.html", context, status=status)


class Admits(gate.Gated, View):
    """Who may sign in: typed, tried out by name, then saved."""

    permission = Permission.PROVIDER_EDIT

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show the rule in force."""
        known = known_or_404(key)
        return self._page(request, known, forms.AdmitsForm(initial=forms.initial(admission.rule_of(known.row))), 200)

    def post(self, request: HttpRequest, key: str) -> HttpResponseBase:
        """Try out (a page of it, or `file` with all of it), or save what was tried out."""
        known, form = known_or_404(key), forms.AdmitsForm(request.POST)
        if not form.is_valid():
            return self._page(request, known, form, 422)
        try:
            rule = admission.read(known.row, **form.lines())
        except errors.Refused as refused:
            put_errors(form, refused)
            return self._page(request, known, form, 422)
        if "save" not in request.POST:
            found = admission.dry_run(known.row, rule)
            if "file" in request.POST:
                return _file(request, known, found)
            tried = provider_page.dry_run(found, rule, request.POST.get("turn", ""))
            return self._page(request, known, form, 200, tried)
        ended = admission.save(provider=known.row, rule=rule, by=gate.actor_of(request), at=clock.now())
        messages.success(request, _("Saved. Sessions that ended: %d.") % ended)
        return redirect("accounts:provider", key=key)

    def _page(
        self,
        request: HttpRequest,
        known: Known,
        form: forms.AdmitsForm,
        status: int,
        tried: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {
            "title": _("Who may sign in with %s") % known.row.name,
            "about": _("Local accounts are not touched by this."),
            "crumbs": trials.crumbs(known.row),
            "provider": known.row,
            "form": form,
            "tried": tried,
        }
        return render(request, "portal/accounts/provider_admits.html", context, status=status)


def _file(request: HttpRequest, known: Known, found: admission.DryRun) -> StreamingHttpResponse:
    rows = under_way.while_allowed(request, provider_page.dry_run_file(found))
    answer = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    name = f"paddock-{known.row.key}-admits-{clock.now():%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


class TryLogin(gate.Gated, View):
    """Try out a sign-in. In the request: a job would carry somebody's password (docs/adr/0014-sign-in.md)."""

    permission = Permission.PROVIDER_EDIT

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Ask for an account."""
        return self._page(request, known_or_404(key), forms.TrialForm(), None)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show each step."""
        known, form = known_or_404(key), forms.TrialForm(request.POST)
        if known.declared is None or known.row.kind != declared.LDAP:
            raise Http404
        if form.is_valid():
            at = clock.now()
            try:
                trials.demand_tries(signed_in.account(request), at=at)
            except errors.Refused as refused:
                put_errors(form, refused)
                return self._page(request, known, form, refused)
            else:
                steps = trials.by_password(known, **form.cleaned_data, by=gate.actor_of(request), at=at)
                return render(request, "portal/accounts/trial.html", trials.page(known, steps))
        return self._page(request, known, form, None)

    def _page(
        self, request: HttpRequest, known: Known, form: forms.TrialForm, refused: errors.Refused | None
    ) -> HttpResponse:
        context = {
            "title": _("Test a login with %s") % known.row.name,
            "about": _("Each step is shown. Nobody is signed in, and the password is not kept."),
            "crumbs": trials.crumbs(known.row),
            "provider": known.row,
            "form": form if known.row.kind == declared.LDAP and known.declared else None,
            "browsed": [known.row] if known.row.kind != declared.LDAP and known.declared else [],
            "next": reverse("accounts:provider", args=[known.row.key]),
        }
        return waiting.page(request, "portal/accounts/try_login.html", context, form=form, refused=refused)
