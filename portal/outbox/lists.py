"""The list of messages."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone
from portal.outbox.models import Kind, Message, State

STATES: dict[str, tuple[Tone, Text]] = {
    State.WAITING.value: ("busy", _("Waiting")),
    State.SENT.value: ("ok", _("Sent")),
    State.NO_TARGET.value: ("unknown", _("No target")),
    State.FAILED.value: ("attention", _("Failed, tried again")),
    State.DEAD.value: ("broken", _("Given up")),
}


def kind_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return every way out."""
    return list(Kind.choices)


def state_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return every state."""
    return [(key, word) for key, (_tone, word) in STATES.items()]


class MessageList(listing.Listing):
    """What left Paddock or would have, newest first."""

    key = "outbox-messages"
    title = _("Outbox")
    permission = Permission.OUTBOX_VIEW
    empty_reason = _("Nothing has been written to anybody yet.")
    columns = (
        Column("subject", _("What"), href=listing.link("outbox:message", "id")),
        Column("kind", _("How"), show=lambda row: str(Kind(row["kind"]).label)),
        Column("target", _("To"), absent=_("nobody"), show=lambda row: row["target"] or "–"),
        Column("state", _("State"), "state", states=STATES),
        Column("on_label", _("About"), href=lambda row: row["on_url"]),
        Column("attempts", _("Attempts"), "number"),
        Column("created_at", _("Written"), "age"),
        Column("next_at", _("Next attempt"), "instant", absent=_("none"), on_page=False),
        Column("sent_at", _("Sent"), "instant", absent=_("not sent"), on_page=False),
        Column("error", _("Error"), show=lambda row: row["error"][:160]),
        Column("event", _("Event"), "code", on_page=False),
        Column("key", _("Key"), "code", on_page=False),
        Column("on_type", _("About type"), on_page=False),
        Column("on_id", _("About id"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("state", _("State"), choices=state_choices, lookup="state"),
        Filter("kind", _("How"), choices=kind_choices, lookup="kind"),
        Filter("target", _("To"), "text", lookup="target__icontains"),
        Filter("key", _("Key"), "text", lookup="key__startswith", hidden=True),
        Filter("on_type", _("About type"), "text", lookup="on_type", hidden=True),
        Filter("on_id", _("About id"), "text", lookup="on_id", hidden=True),
    )
    orders = {"created_at": ("created_at", "number")}
    default_order = "-created_at"

    def rows(self, user: Person, params: listing.Params) -> Any:
        """All messages: the permission is given on everything only."""
        return Message.objects.visible_to(user).values(*(column.key for column in self.columns), "on_url", "number")

    def empty_action(self, user: Person) -> listing.Link | None:
        """Look at the targets."""
        return listing.Link(_("See the targets"), reverse("outbox:targets"))
