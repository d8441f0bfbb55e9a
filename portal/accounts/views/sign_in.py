"""Signing in and out, and proving once more to be oneself."""

from datetime import datetime
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.accounts import forms, signed_in
from portal.accounts.models import Provider
from portal.accounts.providers import declared, rows
from portal.accounts.signing import factors, linking, sign_in, ways_in
from portal.accounts.views import waiting
from portal.core import clock, errors
from portal.core.forms import put_errors

# When whoever sits here came back from a provider as the person, and the second factor is still to come.
ELSEWHERE = "proved_elsewhere"


def next_address(request: HttpRequest) -> str:
    """Return where the person wanted to go: an address of this portal, never another's, never a sign-in page."""
    wanted = request.GET.get("next") or request.POST.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    # What is no path would be taken for the name of a view.
    path = urlsplit(wanted).path if safe and wanted.startswith("/") else ""
    return wanted if path and not path.startswith("/sign-") else "/"


def with_next(address: str, wanted: str) -> str:
    """Return an address on the way that leads on to the wanted one."""
    return address if wanted == "/" else f"{address}?{urlencode({'next': wanted})}"


@gate.public("signing in")
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Show the form and sign in. A one-time password leads to choosing another."""
    known = rows.usable()
    form = forms.SignInForm(
        request.POST or None, directories=[one.row for one in known if one.row.kind == declared.LDAP]
    )
    refusal: errors.Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            wanted = next_address(request)
            onward = ways_in.by_password(request, **form.cleaned_data, by=gate.actor_of(request), at=clock.now())
        except errors.Refused as refused:
            put_errors(form, refused)
            refusal = refused
        else:
            return redirect(with_next(onward, wanted) if onward else wanted)
    elif request.user.is_authenticated:
        return redirect(next_address(request))
    context = {
        "form": form,
        "next": next_address(request),
        "about": said(known),
        "browsed": [one.row for one in known if one.row.kind != declared.LDAP],
    }
    return waiting.page(request, "portal/accounts/sign_in.html", context, form=form, refused=refusal)


def said(known: list[rows.Known]) -> str:
    """Say which accounts one can sign in with."""
    directories = [one.row.name for one in known if one.row.kind == declared.LDAP]
    if not directories:
        return _("With your local account.")
    return _("With your account of %(directories)s, or a local one.") % {"directories": ", ".join(directories)}


@gate.public("the second step of signing in")
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor, or one of the recovery codes."""
    at = clock.now()
    found = sign_in.pending(request, at=at)
    if found is None:
        return redirect(with_next(reverse("accounts:sign_in"), next_address(request)))
    form = forms.CodeForm(request.POST or None)
    refusal: errors.Refused | None = None
    if request.method == "POST" and form.is_valid():
        wanted = next_address(request)
        try:
            onward = sign_in.second_step(request, **form.cleaned_data, by=gate.actor_of(request), at=at)
        except errors.Refused as refused:
            put_errors(form, refused)
            refusal = refused
        else:
            return redirect(with_next(onward, wanted) if onward else wanted)
    context = {"form": form, "next": next_address(request), "who": found[0]}
    return waiting.page(request, "portal/accounts/second_step.html", context, form=form, refused=refusal)


@gate.signed_in("proving once more to be oneself")
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Ask for a password again, or for a round trip to a provider, before what could make somebody else of a person."""
    user, at, actor = signed_in.account(request), clock.now(), gate.actor_of(request)
    proved = proved_elsewhere(request, at)
    has_password = user.has_usable_password() or linking.in_directory(user)
    asks = {"asks_code": factors.enrolled(user), "asks_password": has_password and not proved}
    form = forms.ConfirmForm(request.POST or None, **asks)
    refusal: errors.Refused | None = None
    if request.method == "POST" and form.fields and form.is_valid():
        try:
            if "current" in form.cleaned_data:
                ways_in.confirm(user=user, password=form.cleaned_data["current"], by=actor, at=at)
            elif not proved:
                raise errors.Refused.one("", _("Sign in with your provider first."))
            if "code" in form.cleaned_data:
                factors.check(user=user, code=form.cleaned_data["code"], by=actor, at=at)
        except errors.Refused as refused:
            put_errors(form, refused)
            refusal = refused
        else:
            request.session.pop(ELSEWHERE, None)
            sign_in.prove(request, user=user, by=actor, at=at)
            return redirect(next_address(request))
    context = {
        "form": form if has_password or proved else None,
        "next": next_address(request),
        "browsed": [] if proved else linking.browsed(user),
        "code_after": asks["asks_code"] and not (has_password or proved),
        "silent": [] if proved or asks["asks_code"] else _silent(linking.browsed(user)),
    }
    return waiting.page(request, "portal/accounts/confirm.html", context, form=form, refused=refusal)


def _silent(browsed: list[Provider]) -> list[str]:
    """Names of providers that let somebody pass who is still signed in there, and cannot be made to ask again."""
    return [one.name for one in browsed if one.kind == declared.GITHUB]


def proved_elsewhere(request: HttpRequest, at: datetime) -> bool:
    """Tell whether the person came back from a provider a moment ago and only the second factor is missing."""
    found: int = request.session.get(ELSEWHERE, 0)
    return found > at.timestamp() - sign_in.PENDING_SECONDS


@require_POST
@gate.public("signing out needs no right")
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sign_in.end(request, by=gate.actor_of(request))
    return redirect("accounts:sign_in")
