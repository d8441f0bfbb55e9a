"""What everybody does about their own account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from portal.access import gate
from portal.accounts import forms, services, signed_in
from portal.accounts.bindings import own_roles
from portal.accounts.models import User
from portal.accounts.signing import sign_in
from portal.accounts.views import waiting
from portal.accounts.views.sign_in import next_address
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors


@gate.signed_in("everybody chooses their own password")
def password_page(request: HttpRequest) -> HttpResponse:
    """Choose a password; other sessions of the person end, this one goes on."""
    user = signed_in.account(request)
    form = forms.NewPasswordForm(request.POST or None, asks_current=not user.password_is_one_time)
    refusal: errors.Refused | None = None
    if request.method == "POST" and form.is_valid():
        try:
            if "current" in form.cleaned_data:
                sign_in.confirm(
                    user=user, password=form.cleaned_data["current"], by=gate.actor_of(request), at=clock.now()
                )
            services.change_password(user=user, password=form.cleaned_data["password"], by=gate.actor_of(request))
        except errors.Refused as refused:
            put_errors(form, refused)
            refusal = refused
        else:
            sign_in.keep(request, user)
            messages.success(request, _("Your password is changed."))
            return redirect(next_address(request))
    context = {"form": form, "one_time": user.password_is_one_time}
    return waiting.page(request, "portal/accounts/password.html", context, form=form, refused=refusal)


class Profile(gate.SignedIn, View):
    """What is known of oneself."""

    reason = "everybody's own profile"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        user = signed_in.account(request)
        return self._shown(
            request, user, forms.ProfileForm(initial={"display_name": user.display_name, "email": user.email})
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change the name others read."""
        user = signed_in.account(request)
        form = forms.ProfileForm(request.POST)
        if form.is_valid():
            services.change_person(user=user, **form.cleaned_data, by=gate.actor_of(request))
            messages.success(request, _("Saved."))
            return redirect("accounts:profile")
        return self._shown(request, user, form, status=422)

    def _shown(self, request: HttpRequest, user: User, form: forms.ProfileForm, status: int = 200) -> HttpResponse:
        held = [
            parts.Fact(own_roles.name_of(one.role), one.scope_label or _("everything"), title=one.group_name)
            for one in user.rights()
        ]
        facts = [
            parts.Fact(_("User name"), user.username, mono=True),
            parts.Fact(_("Added"), formats.instant(user.created_at)),
            parts.Fact(_("Last sign-in"), formats.instant(user.last_login) if user.last_login else None),
        ]
        context = {"shown": user, "form": form, "facts": facts, "held": held, "title": _("Your profile")}
        return render(request, "portal/accounts/profile.html", context, status=status)
