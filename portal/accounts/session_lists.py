"""Lists of sessions."""

from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.accounts.models import Session
from portal.core import listing
from portal.core.listing import Column, Filter

_WHERE = (
    Column("address", _("From"), "code"),
    Column("agent", _("Browser")),
    Column("provider", _("Signed in by")),
    Column("created_at", _("Signed in"), "age"),
    Column("active_at", _("Last active"), "age"),
    Column("expire_date", _("Ends at the latest"), "instant"),
    Column("id", _("Id"), on_page=False),
)


class OwnSessionList(listing.Listing):
    """The signed-in person's sessions."""

    key = "own-sessions"
    title = _("Where you are signed in")
    columns = _WHERE
    orders = {"active_at": ("active_at", "id")}
    default_order = "-active_at"
    select_key = "id"
    pick_name = "pick"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Theirs alone."""
        return _rows().filter(user_id=getattr(user, "pk", None), expire_date__gt=params.at).values(*_names())


class SessionList(listing.Listing):
    """Everybody's sessions."""

    key = "sessions"
    title = _("Sessions")
    columns = (Column("username", _("Person"), "code", href=listing.link("accounts:person", "username")), *_WHERE)
    filters = (Filter("username", _("Person"), "text", lookup="user__username_folded__startswith"),)
    orders = {"active_at": ("active_at", "id")}
    default_order = "-active_at"
    pick_name = "pick"

    def __init__(self, **scope: Any) -> None:
        super().__init__(**scope)
        if scope.get("pick"):
            self.select_key = "id"  # type: ignore[misc]

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All that have not ended."""
        found = _rows().filter(user__isnull=False, expire_date__gt=params.at)
        return found.values(*_names(), username=F("user__username"))


def _rows() -> Any:
    local = Value("local")
    return Session.objects.annotate(id=F("public_id"), provider=Coalesce(F("identity__provider__key"), local))


def _names() -> tuple[str, ...]:
    return tuple(column.key for column in _WHERE)
