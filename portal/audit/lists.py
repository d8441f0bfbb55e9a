"""The list of events."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.audit.kinds import KINDS
from portal.audit.models import Event
from portal.core import listing
from portal.core.listing import Column, Filter

ROOMS = ("access", "accounts", "demo", "inventory", "jobs", "ledger", "pricing", "projects", "registry")


def kind_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return every kind with its meaning."""
    return [*sorted(KINDS.items())]


def changes(row: dict[str, Any]) -> str:
    """Return what changed as one line: `role: viewer → owner`."""
    before, after = row["before"] or {}, row["after"] or {}
    parts = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old != new:
            parts.append(
                f"{key}: {old} → {new}" if key in before and key in after else f"{key}: {new if key in after else old}"
            )
    return "; ".join(parts)


class EventList(listing.Listing):
    """What happened, newest first."""

    key = "audit"
    title = _("Audit")
    columns = (
        Column("at", _("When"), "instant"),
        Column("kind", _("What"), show=lambda row: str(KINDS.get(row["kind"], row["kind"]))),
        Column("on_label", _("On"), href=lambda row: row["on_url"]),
        Column("actor_label", _("Who")),
        Column("change", _("Change"), show=changes, in_export=False),
        Column("address", _("From"), "code"),
        Column("request_id", _("Request"), "code"),
        Column("id", _("Id"), "number", on_page=False),
        Column("actor_id", _("Actor id"), on_page=False),
        Column("on_type", _("Type"), on_page=False),
        Column("on_id", _("Object id"), on_page=False),
        Column("before", _("Before"), "labels", on_page=False),
        Column("after", _("After"), "labels", on_page=False),
    )
    filters = (
        Filter("kind", _("What"), choices=kind_choices, lookup="kind"),
        Filter("who", _("Who"), "text", lookup="actor_label__istartswith"),
        Filter("on", _("On"), "text", lookup="on_label__icontains"),
        Filter("on_type", _("Type"), "text", lookup="on_type", hidden=True),
        Filter("on_id", _("Object id"), "text", lookup="on_id", hidden=True),
        Filter("request", _("Request"), "text", lookup="request_id", hidden=True),
        Filter("since", _("Since"), "day", lookup="at__date__gte"),
        Filter("until", _("Until"), "day", lookup="at__date__lte"),
    )
    orders = {"at": ("at", "id")}
    default_order = "-at"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All events: the permission is given on everything only."""
        return Event.objects.values(
            "id",
            "at",
            "kind",
            "actor_id",
            "actor_label",
            "address",
            "request_id",
            "on_type",
            "on_id",
            "on_label",
            "on_url",
            "before",
            "after",
        )
