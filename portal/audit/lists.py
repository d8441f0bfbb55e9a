"""The list of events, of signed heads, and of readings of the chain."""

from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import CharField, F, OuterRef, Subquery, Value
from django.urls import reverse
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.access.permissions import Permission
from portal.audit import diff
from portal.audit.kinds import DENIALS, KINDS
from portal.audit.models import Check, Event, EventQuerySet, Head, SigningKey
from portal.core import listing
from portal.core.listing import Column, Filter

ROOMS = {
    "access": _("Refusals"),
    "accounts": _("People and sign-in"),
    "audit": _("The audit itself"),
    "demo": _("Demo"),
    "inventory": _("Inventory"),
    "jobs": _("Jobs"),
    "ledger": _("Cost"),
    "outbox": _("Outbox"),
    "pricing": _("Prices"),
    "projects": _("Teams and projects"),
    "quotas": _("Quota and limits"),
    "registry": _("Clusters"),
    "requests": _("Requests"),
    "tokens": _("Tokens and robots"),
}


def kind_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return every kind with its meaning."""
    return [*sorted(KINDS.items())]


def room_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return what an event can be about: the first word of its kind."""
    rooms = sorted({kind.partition(".")[0] for kind in KINDS})
    return [(room, ROOMS.get(room, room)) for room in rooms]


def changes(row: dict[str, Any]) -> str:
    """Return what changed as one line: `role: viewer → owner`."""
    return diff.sentence(row["before"], row["after"])


def _same_request(row: dict[str, Any]) -> str:
    return f"{reverse('audit:events')}?request={row['request_id']}" if row["request_id"] else ""


def _day_begins(day: Any) -> datetime:
    return make_aware(datetime.combine(day, time.min))


class EventList(listing.Listing):
    """What happened, newest first."""

    key = "audit"
    title = _("Audit")
    permission = Permission.AUDIT_VIEW
    columns = (
        Column("at", _("When"), "instant", href=lambda row: reverse("audit:event", args=[row["id"]])),
        Column("kind", _("What"), show=lambda row: str(KINDS.get(row["kind"], row["kind"]))),
        Column("on_label", _("On"), href=lambda row: row["on_url"]),
        Column("actor_label", _("Who")),
        Column("as_label", _("As"), show=lambda row: row["as_label"] or "–"),
        Column("change", _("Change"), show=changes, in_export=False),
        Column("from_address", _("From"), "code", absent=_("not shown")),
        Column("request_id", _("Request"), "code", href=_same_request),
        Column("id", _("Id"), "number", on_page=False),
        Column("actor_kind", _("Kind of actor"), on_page=False),
        Column("actor_id", _("Actor id"), on_page=False),
        Column("token", _("Token"), on_page=False),
        Column("team_id", _("Team id"), on_page=False),
        Column("project_id", _("Project id"), on_page=False),
        Column("on_type", _("Type"), on_page=False),
        Column("on_id", _("Object id"), on_page=False),
        Column("on_url", _("Page"), on_page=False),
        Column("before", _("Before"), "json", on_page=False),
        Column("after", _("After"), "json", on_page=False),
    )
    filters = (
        Filter("q", _("Search"), "text", help=_("Beginnings of words, in names, kinds and changes")),
        Filter("room", _("About"), choices=room_choices),
        Filter("kind", _("What"), choices=kind_choices, lookup="kind"),
        Filter("who", _("Who"), "text", lookup="actor_label__istartswith"),
        Filter("as", _("As whom"), "text"),
        Filter("on", _("On"), "text", lookup="on_label__icontains"),
        Filter("denials", _("Refusals only"), "flag"),
        Filter("since", _("Since"), "day"),
        Filter("until", _("Until"), "day"),
        Filter("address", _("From address"), "text"),
        Filter("request", _("Request"), "text", lookup="request_id"),
        Filter("on_type", _("Type"), "text", lookup="on_type", hidden=True),
        Filter("on_id", _("Object id"), "text", lookup="on_id", hidden=True),
        Filter("actor", _("Actor id"), "text", lookup="actor_id", hidden=True),
    )
    orders = {"at": ("at", "id")}
    default_order = "-at"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """The viewer's part of the audit. Where people were is told to those alone who see all of it."""
        whole = user.scopes_for(Permission.AUDIT_VIEW).everything
        events = _filtered(Event.objects.visible_to(user), params)
        if address := params.filters["address"]:
            events = events.filter(address__startswith=address) if whole else events.none()
        own = [column.key for column in self.columns if column.key not in {"change", "from_address"}]
        return events.values(*own, from_address=F("address") if whole else Value(None, CharField()))


def _filtered(events: EventQuerySet, params: listing.Params) -> EventQuerySet:
    given = params.filters
    if given["q"]:
        events = events.matching(given["q"])
    if given["as"]:
        # Few events have one: an index holds those alone.
        events = events.exclude(as_label="").filter(as_label__istartswith=given["as"])
    if given["room"]:
        events = events.filter(kind__startswith=f"{given['room']}.")
    if given["denials"] is not None:
        events = events.filter(kind__in=DENIALS) if given["denials"] else events.exclude(kind__in=DENIALS)
    if given["since"]:
        events = events.filter(at__gte=_day_begins(given["since"]))
    if given["until"]:
        events = events.filter(at__lt=_day_begins(given["until"] + timedelta(days=1)))
    return events


class HeadList(listing.Listing):
    """The signed ends of the chain, newest first: kept elsewhere, they prove what stands here."""

    key = "audit-heads"
    title = _("Signed heads")
    permission = Permission.AUDIT_VIEW
    empty_reason = _("Nothing has been sealed yet.")
    columns = (
        Column("seq", _("Place"), "number"),
        Column("at", _("Sealed"), "instant"),
        Column("events", _("Events"), "number"),
        Column("hash", _("Hash"), "code"),
        Column("key", _("Key"), "code", show=lambda row: str(row["key"])[:8]),
        Column("public", _("Public key"), "code", on_page=False),
        Column("signature", _("Signature"), "code", on_page=False),
    )
    filters = (
        Filter("since", _("Since"), "day", lookup="at__date__gte"),
        Filter("until", _("Until"), "day", lookup="at__date__lte"),
    )
    orders = {"seq": ("seq",)}
    default_order = "-seq"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All heads, for those who see the whole audit: they tell how much happens."""
        heads = Head.objects.all() if user.scopes_for(Permission.AUDIT_VIEW).everything else Head.objects.none()
        public = SigningKey.objects.filter(pk=OuterRef("key_id")).values("public")
        return heads.values("seq", "at", "events", "hash", "signature", key=F("key_id"), public=Subquery(public))


class CheckList(listing.Listing):
    """Readings of the chain, newest first."""

    key = "audit-checks"
    title = _("Verifications")
    permission = Permission.AUDIT_VIEW
    empty_reason = _("The chain has not been verified yet.")
    columns = (
        Column("asked_at", _("Asked"), "instant"),
        Column("asked_by", _("Asked by")),
        Column("finished_at", _("Ended"), "instant", absent=_("not yet")),
        Column("events", _("Events read"), "number"),
        Column("heads", _("Heads checked"), "number"),
        Column("found", _("Found"), "json", show=lambda row: found_text(row["found"]), absent=_("nothing wrong")),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"asked_at": ("asked_at", "id")}
    default_order = "-asked_at"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All of them, for those who see the whole audit."""
        whole = user.scopes_for(Permission.AUDIT_VIEW).everything
        checks = Check.objects.all() if whole else Check.objects.none()
        return checks.values("id", "asked_at", "asked_by", "finished_at", "events", "heads", "found")


def found_text(found: dict[str, Any] | None) -> str:
    """Return where the chain breaks and how, in a sentence."""
    if not found:
        return ""
    span = {"first": found["first"], "last": found["last"], "month": found["month"], "text": found["text"]}
    if found["first"] != found["last"]:
        return str(_("Places %(first)s to %(last)s, %(month)s: %(text)s") % span)
    return str(_("Place %(first)s, %(month)s: %(text)s") % span)
