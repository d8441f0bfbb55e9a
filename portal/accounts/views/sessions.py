"""Signed-in browsers: one's own, and everybody's for administrators."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import session_lists, sessions, signed_in
from portal.accounts.models import User
from portal.accounts.views import people
from portal.core import errors
from portal.core.listing import ListPage, ListView

END = {"label": gettext_lazy("End"), "kind": "danger", "confirm": gettext_lazy("End the chosen sessions?")}


class OwnSessions(gate.SignedIn, ListView):
    """Where one is signed in."""

    reason = "everybody's own sessions"
    listing = session_lists.OwnSessionList
    template_name = "portal/accounts/own_sessions.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The buttons."""
        return {"actions": [END]}


class Sessions(gate.Gated, ListView):
    """Who is signed in."""

    permission = Permission.USER_VIEW
    listing = session_lists.SessionList
    template_name = "portal/accounts/sessions.html"

    def scope(self, request: HttpRequest) -> dict[str, Any]:
        """Whether rows can be chosen."""
        return {"pick": gate.person(request).may(Permission.SESSION_MANAGE)}

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs, and the buttons of whoever may end sessions."""
        may_end = gate.person(request).may(Permission.SESSION_MANAGE)
        return {"tabs": people.tabs("accounts:sessions"), "actions": [END] if may_end else []}


@require_POST
@gate.signed_in("everybody's own sessions")
def end_own(request: HttpRequest) -> HttpResponse:
    """End chosen ones of one's own sessions."""
    return _end(request, of=signed_in.account(request), back="accounts:own_sessions")


@require_POST
@gate.signed_in("everybody's own sessions")
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions but this."""
    count = sessions.end_others(
        of=signed_in.account(request), key=request.session.session_key, by=gate.actor_of(request)
    )
    messages.success(request, _("Sessions ended: %d.") % count)
    return redirect("accounts:own_sessions")


@require_POST
@gate.requires(Permission.SESSION_MANAGE)
def end_any(request: HttpRequest) -> HttpResponse:
    """End anybody's sessions."""
    return _end(request, of=None, back="accounts:sessions")


def _end(request: HttpRequest, *, of: User | None, back: str) -> HttpResponse:
    count = sessions.end(public_ids=_chosen(request), of=of, by=gate.actor_of(request))
    messages.success(request, _("Sessions ended: %d.") % count)
    return redirect(back)


def _chosen(request: HttpRequest) -> list[UUID]:
    """The chosen rows. Raises `Refused` where one is no id."""
    try:
        return [UUID(one) for one in request.POST.getlist("pick")]
    except ValueError:
        raise errors.Refused.one("", _("This is no session.")) from None
