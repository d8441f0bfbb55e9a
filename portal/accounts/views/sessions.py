"""Signed-in browsers: one's own, and everybody's for administrators."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import session_lists, sessions
from portal.accounts.models import Session
from portal.accounts.views.factors import own_account
from portal.core.listing import ListPage, ListView


class OwnSessions(gate.SignedIn, ListView):
    """Where one is signed in."""

    reason = "everybody's own sessions"
    listing = session_lists.OwnSessionList
    template_name = "portal/accounts/own_sessions.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The sessions that can be ended here, this one apart."""
        mine = Session.objects.filter(user=own_account(request)).order_by("-active_at")
        return {"others": mine.exclude(session_key=request.session.session_key)[:100]}


class Sessions(gate.Gated, ListView):
    """Who is signed in."""

    permission = Permission.USER_VIEW
    listing = session_lists.SessionList
    template_name = "portal/accounts/sessions.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """Tabs."""
        return {"may_end": gate.person(request).may(Permission.SESSION_MANAGE)}


@require_POST
@gate.signed_in("everybody's own sessions")
def end_own(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End one of one's own sessions."""
    sessions.end(public_id=public_id, of=own_account(request), by=gate.actor_of(request))
    messages.success(request, _("The session is ended."))
    return redirect("accounts:own_sessions")


@require_POST
@gate.signed_in("everybody's own sessions")
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions but this."""
    count = sessions.end_others(of=own_account(request), key=request.session.session_key, by=gate.actor_of(request))
    messages.success(request, _("Sessions ended: %d.") % count)
    return redirect("accounts:own_sessions")


@require_POST
@gate.requires(Permission.SESSION_MANAGE)
def end_any(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End anybody's session."""
    sessions.end(public_id=public_id, of=None, by=gate.actor_of(request))
    messages.success(request, _("The session is ended."))
    return redirect("accounts:sessions")
