"""One's own second factor, and helping somebody who lost theirs."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import forms, services, session_store, signed_in
from portal.accounts.models import User
from portal.accounts.signing import factors
from portal.core import clock, errors
from portal.core.forms import put_errors


class SecondFactor(gate.SignedIn, View):
    """Set up, look at, renew or remove one's own second factor."""

    reason = "everybody's own second factor"
    fresh = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the code to scan, or what is set up."""
        return self._shown(request, forms.CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Confirm a first code; the recovery codes are shown once."""
        form = forms.CodeForm(request.POST)
        actor, user = gate.actor_of(request), signed_in.account(request)
        if form.is_valid():
            try:
                codes = factors.confirm(user=user, code=form.cleaned_data["code"], by=actor, at=clock.now())
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                request.session[session_store.SECOND] = True
                return _codes_page(request, codes)
        return self._shown(request, form, status=422)

    def _shown(self, request: HttpRequest, form: forms.CodeForm, status: int = 200) -> HttpResponse:
        user = signed_in.account(request)
        context = {"form": form, "enrolled": factors.enrolled(user), "demanded": factors.demanded_of(user)}
        if context["enrolled"]:
            context["codes_left"] = factors.codes_left(user)
        else:
            factor = factors.begin(user=user, at=clock.now())
            context |= {"picture": factors.picture_of(factor), "secret": factors.spoken_secret(factor)}
        return render(request, "portal/accounts/second_factor.html", context, status=status)


@require_POST
@gate.signed_in("everybody's own recovery codes", fresh=True)
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes once; the old ones open nothing any more."""
    codes = factors.renew_codes(user=signed_in.account(request), by=gate.actor_of(request), at=clock.now())
    return _codes_page(request, codes)


@require_POST
@gate.signed_in("everybody's own second factor", fresh=True)
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Take one's own second factor away."""
    factors.remove(user=signed_in.account(request), by=gate.actor_of(request))
    request.session[session_store.SECOND] = False
    messages.success(request, _("The second factor is removed."))
    return redirect("accounts:second_factor")


@require_POST
@gate.requires(Permission.USER_RESET)
def reset_factor(request: HttpRequest, username: str) -> HttpResponse:
    """Take somebody's second factor away who lost it."""
    shown = get_object_or_404(User, username=username)
    factors.remove(user=shown, by=gate.actor_of(request), removed_by=signed_in.account(request))
    messages.success(request, _("The second factor is removed. It can be set up again at the next sign-in."))
    return redirect("accounts:person", username=username)


@require_POST
@gate.requires(Permission.USER_RESET)
def reset_password(request: HttpRequest, username: str) -> HttpResponse:
    """Give a local account a new one-time password, which is shown once."""
    shown = get_object_or_404(User, username=username)
    password = services.reset_password(user=shown, by=gate.actor_of(request), reset_by=signed_in.account(request))
    return render(request, "portal/accounts/created.html", {"shown": shown, "one_time_password": password})


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    context = {"codes": codes, "onward": reverse("accounts:second_factor")}
    return render(request, "portal/accounts/recovery_codes.html", context)
