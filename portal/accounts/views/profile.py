"""What everybody does about their own account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from portal.access import gate
from portal.accounts import forms, services, sign_in
from portal.accounts.models import User
from portal.core import clock, errors
from portal.core.forms import put_errors


@gate.signed_in("everybody chooses their own password")
def password_page(request: HttpRequest) -> HttpResponse:
    """Choose a password; other sessions of the person end, this one goes on."""
    user = get_object_or_404(User, pk=request.user.pk)
    form = forms.NewPasswordForm(request.POST or None, asks_current=not user.password_is_one_time)
    if request.method == "POST" and form.is_valid():
        try:
            if "current" in form.cleaned_data:
                sign_in.confirm(
                    user=user, password=form.cleaned_data["current"], by=gate.actor_of(request), at=clock.now()
                )
            services.change_password(user=user, password=form.cleaned_data["password"], by=gate.actor_of(request))
        except errors.Refused as refused:
            put_errors(form, refused)
        else:
            sign_in.keep(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect("/")
    status = 422 if form.errors else 200
    return render(
        request, "portal/accounts/password.html", {"form": form, "one_time": user.password_is_one_time}, status=status
    )
