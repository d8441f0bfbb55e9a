"""Everybody's tokens."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.listing import ListPage, ListView
from portal.tokens import lists
from portal.tokens.models import Token
from portal.tokens.services import tokens as services

MOST_AT_ONCE = 500


class Tokens(gate.Gated, ListView):
    """Who has which tokens; several can be revoked at once."""

    permission = Permission.USER_VIEW
    write_permission = Permission.SESSION_MANAGE
    listing = lists.TokenList
    template_name = "portal/tokens/every.html"
    http_method_names = ["get", "head", "options", "post"]

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The button for whoever may use it."""
        question = _("Revoke the chosen tokens? What uses them stops working at once.")
        revoke = {"label": _("Revoke"), "kind": "danger", "confirm": question}
        may = gate.person(request).may(Permission.SESSION_MANAGE)
        return {"actions": [revoke] if may and not page.empty else []}

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Revoke the chosen ones."""
        tokens = Token.objects.select_related("user").filter(pk__in=_keys(request))
        count = services.revoke_each(tokens=tokens, by=gate.actor_of(request), at=clock.now())
        messages.success(request, ngettext("%d token revoked.", "%d tokens revoked.", count) % count)
        return redirect("tokens:every")


def _keys(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(text) for text in request.POST.getlist("token")[:MOST_AT_ONCE]]
    except ValueError:
        raise errors.Refused.one("", _("A chosen row could not be read. Load the page again.")) from None
