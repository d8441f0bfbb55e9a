"""Signing in and out, and proving once more to be oneself."""

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.accounts import factors, forms, sign_in
from portal.accounts.models import User
from portal.core import clock, errors
from portal.core.forms import put_errors


def next_address(request: HttpRequest) -> str:
    """Return where the person wanted to go: an address of this portal, never another's, never a sign-in page."""
    wanted = request.GET.get("next") or request.POST.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and not urlsplit(wanted).path.startswith("/sign-") else "/"


def with_next(address: str, wanted: str) -> str:
    """Return an address on the way that leads on to the wanted one."""
    return f"{address}?{urlencode({'next': wanted})}"


@gate.public("signing in")
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Show the form and sign in. A one-time password leads to choosing another."""
    form = forms.SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            wanted = next_address(request)
            onward = sign_in.start(request, **form.cleaned_data, by=gate.actor_of(request), at=clock.now())
        except errors.Refused as refused:
            put_errors(form, refused)
            status = 422
        else:
            return redirect(with_next(onward, wanted) if onward else wanted)
    elif request.user.is_authenticated:
        return redirect(next_address(request))
    return render(request, "portal/accounts/sign_in.html", {"form": form, "next": next_address(request)}, status=status)


@gate.public("the second step of signing in")
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor, or one of the recovery codes."""
    at = clock.now()
    found = sign_in.pending(request, at=at)
    if found is None:
        return redirect(with_next(reverse("accounts:sign_in"), next_address(request)))
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = next_address(request)
        try:
            onward = sign_in.second_step(request, **form.cleaned_data, by=gate.actor_of(request), at=at)
        except errors.Refused as refused:
            put_errors(form, refused)
        else:
            return redirect(with_next(onward, wanted) if onward else wanted)
    context = {"form": form, "next": next_address(request), "who": found[0]}
    return render(request, "portal/accounts/second_step.html", context, status=422 if form.errors else 200)


@gate.signed_in("proving once more to be oneself")
def confirm_page(request: HttpRequest) -> HttpResponse:
    """Ask for the password again before something that could make somebody else of a person."""
    user = get_object_or_404(User, pk=request.user.pk)
    form = forms.ConfirmForm(request.POST or None, asks_code=factors.enrolled(user))
    if request.method == "POST" and form.is_valid():
        actor, at = gate.actor_of(request), clock.now()
        try:
            sign_in.confirm(user=user, password=form.cleaned_data["current"], by=actor, at=at)
            if "code" in form.cleaned_data:
                factors.check(user=user, code=form.cleaned_data["code"], by=actor, at=at)
        except errors.Refused as refused:
            put_errors(form, refused)
        else:
            sign_in.prove(request, user=user, by=actor, at=at)
            return redirect(next_address(request))
    context = {"form": form, "next": next_address(request)}
    return render(request, "portal/accounts/confirm.html", context, status=422 if form.errors else 200)


@require_POST
@gate.public("signing out needs no right")
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sign_in.end(request, by=gate.actor_of(request))
    return redirect("accounts:sign_in")
