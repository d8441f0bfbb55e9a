"""Lists of requests and reviews."""

from typing import Any, ClassVar

from django.db.models import Case, F, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.accounts.bindings import own_roles
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone
from portal.requests import selectors
from portal.requests.models import State

STATES: dict[str, tuple[Tone, Text]] = {
    State.WAITING.value: ("busy", _("Waiting")),
    State.APPROVED.value: ("ok", _("Approved")),
    State.REJECTED.value: ("broken", _("Rejected")),
    State.WITHDRAWN.value: ("unknown", _("Withdrawn")),
    State.EXPIRED.value: ("unknown", _("Expired")),
}
REVIEW_STATES: dict[str, tuple[Tone, Text]] = {
    "open": ("busy", _("Open")),
    "late": ("attention", _("Late")),
    "closed": ("ok", _("Closed")),
}


def _role(row: dict[str, Any]) -> str:
    role = own_roles.find(row["role"])
    return str(role.name) if role else row["role"]


_ASKED = Column("role", _("Role"), show=_role)
_STATE = Column("state", _("State"), "state", states=STATES)
_REST = (
    Column("days", _("Days"), "number", absent=_("without end")),
    Column("reason", _("What for")),
    Column("created_at", _("Asked"), "age"),
    _STATE,
    Column("decided_by", _("Decided by")),
    Column("note", _("Note")),
    Column("expires_at", _("Waits until"), "instant"),
    Column("id", _("Id"), on_page=False),
)


class _Requests(listing.Listing):
    filters = (
        Filter("state", _("State"), choices=lambda _user: State.choices, lookup="state"),
        Filter("role", _("Role"), choices=lambda _user: [(r.key, r.name) for r in own_roles.every()], lookup="role"),
    )
    orders: ClassVar[dict[str, tuple[str, ...]]] = {"created_at": ("created_at", "id")}
    default_order = "-created_at"
    names: ClassVar[tuple[str, ...]] = (
        "id",
        "role",
        "scope_kind",
        "days",
        "reason",
        "created_at",
        "state",
        "decided_by",
        "note",
        "expires_at",
    )


class OwnRequestList(_Requests):
    """What the signed-in person asked for, as they typed it."""

    key = "own-requests"
    title = _("Your requests")
    columns = (_ASKED, Column("scope_kind", _("On")), Column("asked_for", _("Which")), *_REST)
    empty_reason = _("You have asked for nothing yet.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Theirs alone; nothing that would tell whether the thing exists."""
        return selectors.own(user).values(*self.names, "asked_for")


class RequestList(_Requests):
    """What the signed-in person may decide on."""

    key = "requests"
    title = _("Requests")
    columns = (
        Column("username", _("Who"), "code"),
        _ASKED,
        Column("scope_kind", _("On")),
        Column("scope", _("Which")),
        *_REST,
    )
    empty_reason = _("Nobody has asked for anything of yours.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Of the scopes where they give roles."""
        return selectors.decidable(user).values(*self.names, username=F("asker__username"), scope=F("scope_label"))

    def empty_action(self, user: Any) -> listing.Link | None:
        """Ask oneself."""
        return listing.Link(_("Ask for access"), reverse("requests:ask"))


class ReviewList(listing.Listing):
    """Reviews of what was given."""

    key = "reviews"
    title = _("Reviews")
    about = _("Each quarter, somebody who gives roles keeps or drops each of them.")
    columns = (
        Column("label", _("Of"), href=listing.link("requests:review", "id")),
        Column("scope_kind", _("Kind")),
        Column("state", _("State"), "state", states=REVIEW_STATES),
        Column("opened_at", _("Opened"), "age"),
        Column("due_at", _("Due"), "instant"),
        Column("kept", _("Kept"), "number"),
        Column("dropped", _("Dropped"), "number"),
        Column("closed_by", _("By")),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"opened_at": ("opened_at", "id")}
    default_order = "-opened_at"
    empty_reason = _("None has been opened yet: the first comes a quarter after the first role was given.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Of the scopes where they give roles."""
        state = Case(
            When(closed_at__isnull=False, then=Value("closed")),
            When(due_at__lt=params.at, then=Value("late")),
            default=Value("open"),
        )
        return (
            selectors.reviews_of(user)
            .annotate(state=state)
            .values(
                "id",
                "scope_kind",
                "state",
                "opened_at",
                "due_at",
                "kept",
                "dropped",
                "closed_by",
                label=F("scope_label"),
            )
        )
