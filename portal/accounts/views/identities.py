"""One's own accounts at providers."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.accounts import forms, signed_in
from portal.accounts.models import Identity
from portal.accounts.providers import declared, rows
from portal.accounts.providers.rows import Known
from portal.accounts.signing import linking, ways_in
from portal.accounts.views import waiting
from portal.core import clock, errors, formats, parts
from portal.core.forms import put_errors


class Identities(gate.SignedIn, View):
    """The accounts by which somebody signs in, and those that could be linked."""

    reason = "everybody sees and links their own accounts"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        user = signed_in.account(request)
        usable = rows.usable()
        context = {
            "title": _("Your profile"),
            "about": _("The accounts elsewhere by which you sign in here."),
            "ways": [(way, _facts(way)) for way in linking.ways(user)],
            "has_password": user.has_usable_password(),
            "directories": [one.row for one in usable if one.row.kind == declared.LDAP],
            "browsed": [one.row for one in usable if one.row.kind != declared.LDAP],
            "next": "/profile/identities/",
        }
        return render(request, "portal/accounts/identities.html", context)


class LinkDirectory(gate.SignedIn, View):
    """Link an account of a directory: its password proves that it is one's own."""

    reason = "everybody links their own accounts"
    fresh = True

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        """Ask for it."""
        return self._page(request, self._known(key), forms.SignInForm(), None)

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        """Link."""
        known, form = self._known(key), forms.SignInForm(request.POST)
        if form.is_valid():
            actor, at = gate.actor_of(request), clock.now()
            user = signed_in.account(request)
            try:
                arrival = ways_in.at_directory(
                    known,
                    username=form.cleaned_data["username"],
                    password=form.cleaned_data["password"],
                    by=actor,
                    at=at,
                )
                linking.link(user=user, known=known, arrival=arrival, by=actor, at=at)
            except errors.Refused as refused:
                put_errors(form, refused)
                return self._page(request, known, form, refused)
            else:
                messages.success(request, _("%s is linked to you. You can sign in with either.") % known.row.name)
                return redirect("accounts:identities")
        return self._page(request, known, form, None)

    def _known(self, key: str) -> Known:
        known = rows.find(key)
        if known is None or not known.usable or known.row.kind != declared.LDAP:
            raise Http404
        return known

    def _page(
        self, request: HttpRequest, known: Known, form: forms.SignInForm, refused: errors.Refused | None
    ) -> HttpResponse:
        context = {
            "title": _("Link an account of %s") % known.row.name,
            "about": _("Its password shows that it is yours. It is not kept."),
            "crumbs": [parts.Crumb(_("Your profile"), "/profile/identities/")],
            "form": form,
        }
        return waiting.page(request, "portal/accounts/link.html", context, form=form, refused=refused)


@require_POST
@gate.signed_in("everybody lets go of their own accounts", fresh=True)
def unlink(request: HttpRequest, identity_id: UUID) -> HttpResponse:
    """Let go of one."""
    identity = get_object_or_404(Identity, pk=identity_id, user_id=request.user.pk)
    linking.unlink(identity=identity, by=gate.actor_of(request))
    messages.success(request, _("The account is unlinked."))
    return redirect("accounts:identities")


def _facts(way: linking.Way) -> list[parts.Fact]:
    identity = way.identity
    return [
        parts.Fact(_("Account"), identity.username, mono=True),
        parts.Fact(_("State"), str(identity.get_state_display()) if way.provider.enabled else _("Provider disabled")),
        parts.Fact(
            _("Last sign-in"),
            formats.instant(identity.last_sign_in_at) if identity.last_sign_in_at else None,
            absent=_("never"),
        ),
        parts.Fact(
            _("Groups as of"),
            formats.instant(identity.groups_known_at) if identity.groups_known_at else None,
            absent=_("never"),
        ),
    ]
