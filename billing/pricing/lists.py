"""The lists of the room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, Q, Value, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing.metering import selectors as metering
from billing.pricing import selectors
from billing.pricing.models import Asset, PriceBook, Rate, Unit
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import listing
from portal.core.listing import Column, Filter

STATES = {
    "current": ("ok", _("In force")),
    "coming": ("busy", _("Begins later")),
    "ended": ("plain", _("Ended")),
}
ASSETS: dict[str, Any] = dict(Asset.choices)
UNIT_WORDS: dict[str, Any] = {Unit.HOUR.value: _("hour"), Unit.MONTH.value: _("month")}
# What one unit of an asset is; the unit of a price is one of these per hour or month.
PER = {
    "node": _("node"),
    "core": _("core"),
    "memory": _("GiB"),
    "gpu": _("GPU"),
    "volume": _("GiB"),
    "load_balancer": _("rule"),
    "fee": _("cluster"),
}


def asset_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return what rates are for."""
    return list(Asset.choices)


def state_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return the states of a rate."""
    return [(state, word) for state, (_tone, word) in STATES.items()]


def book_choices(user: Person) -> list[tuple[str, str]]:
    """Return the books one may see."""
    return list(PriceBook.objects.visible_to(user).order_by("name").values_list("slug", "name"))


# Beside each book for whoever may change prices: one click less than through its page.
_IMPORT = Column(
    "import",
    _("Change"),
    show=lambda _row: str(_("Import prices")),
    href=listing.link("pricing:import", "slug"),
    in_export=False,
)


class BookList(listing.Listing):
    """Price books; with `may_edit` in the scope each leads to its import."""

    key = "price-books"
    title = _("Prices")
    about = _("Price books with dated rates. A cluster is priced by one book; what no rate fits stays unpriced.")
    permission = Permission.PRICE_VIEW
    empty_reason = _("There are no prices yet, so nothing that is measured has an amount.")
    columns: Sequence[Column] = (  # type: ignore[misc] # per person
        Column("name", _("Name"), href=listing.link("pricing:book", "slug")),
        Column("clusters", _("Serves"), "number", show=lambda row: str(serves_text(row))),
        Column("currency", _("Currency")),
        Column("rates_now", _("Rates in force"), "number"),
        Column("rates_in_all", _("Rates, ended ones too"), "number"),
        Column("version", _("Version"), "number"),
        Column("created_at", _("Created"), "age"),
        Column("is_demo", _("Demo"), "flag"),
        Column("all_clusters", _("For all clusters"), "flag", on_page=False),
        Column("slug", _("Slug"), "code", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"name": ("name", "id"), "created_at": ("created_at", "id")}

    def __init__(self, **scope: Any) -> None:
        super().__init__(**scope)
        if scope.get("may_edit"):
            self.columns = (*self.columns, _IMPORT)

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Books one may see, with their counts."""
        now = Count("rates", filter=Q(rates__period__contains=params.at), distinct=True)
        plain = ("id", "slug", "name", "currency", "version", "created_at", "is_demo", "all_clusters")
        return PriceBook.objects.visible_to(user).values(
            *plain,
            rates_now=now,
            rates_in_all=Count("rates", distinct=True),
            clusters=Count("serves", distinct=True),
        )

    def empty_action(self, user: Person) -> listing.Link | None:
        """Open one."""
        if not user.scopes_for(Permission.PRICE_EDIT).everything:
            return None
        return listing.Link(_("Add price book"), reverse("pricing:new"))


def serves_text(row: dict[str, Any]) -> Any:
    """Return whom a book serves, in words."""
    if row["all_clusters"]:
        return _("all demo clusters") if row["is_demo"] else _("all clusters without a book of their own")
    return ngettext("%d cluster", "%d clusters", row["clusters"]) % row["clusters"]


def rate_state(at: datetime) -> Case:
    """Return the state of a rate as an expression."""
    return Case(
        When(period__endswith__lte=at, then=Value("ended")),
        When(period__startswith__gt=at, then=Value("coming")),
        default=Value("current"),
    )


def unit_text(row: dict[str, Any]) -> str:
    """Return what a price is for: `GiB-month`."""
    return f"{PER[row['asset']]}-{UNIT_WORDS[row['unit']]}"


def fits_text(row: dict[str, Any]) -> str:
    """Return the filled columns of a rate or a thing."""
    columns = ("instance_type", "storage_class", "region", "class", "provider_id")
    return " · ".join(row[column] for column in columns if row[column])


class RateList(listing.Listing):
    """Rates, of one book (`slug` in the scope) or of all one may see."""

    key = "rates"
    title = _("Rates")
    permission = Permission.PRICE_VIEW
    empty_reason = _("This book has no rate yet.")
    columns = (
        Column("price_book", _("Price book"), on_page=False),
        Column("asset", _("Asset"), show=lambda row: str(ASSETS[row["asset"]])),
        Column("instance_type", _("For"), show=lambda row: fits_text(row) or str(_("everything"))),
        Column("region", _("Region"), on_page=False),
        Column("class", _("Class"), on_page=False),
        Column("storage_class", _("Storage class"), on_page=False),
        Column("provider_id", _("Machine or fee"), on_page=False),
        Column("price", _("Price"), "money", unit_key="currency", show=lambda row: f"{row['price'].normalize():f}"),
        Column("unit", _("Per"), show=unit_text),
        Column("currency", _("Currency"), on_page=False),
        Column("from", _("From"), "instant"),
        Column("to", _("To"), "instant", absent=_("goes on")),
        Column("state", _("State"), "state", states=STATES),
        Column("version", _("Version"), "number"),
        Column("created_by", _("Imported by")),
        Column("created_at", _("Imported"), "age", on_page=False),
        Column("id", _("Id"), "number", on_page=False),
    )
    filters = (
        Filter("state", _("State"), choices=state_choices, lookup="state"),
        Filter("asset", _("Asset"), choices=asset_choices, lookup="asset"),
        Filter("instance_type", _("Instance type"), "text", lookup="instance_type__istartswith"),
        Filter("region", _("Region"), "text", lookup="region"),
        Filter("book", _("Price book"), choices=book_choices, lookup="price_book", hidden=True),
    )
    orders = {
        "asset": ("asset", "instance_type", "region", "id"),
        "price": ("price", "id"),
        "from": ("from", "id"),
        "version": ("version", "id"),
    }

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Rates of the books one may see."""
        found = Rate.objects.filter(book__in=PriceBook.objects.visible_to(user))
        if "slug" in self.scope:
            found = found.filter(book__slug=self.scope["slug"])
        plain = ("id", "asset", "instance_type", "region", "storage_class", "provider_id")
        return found.values(
            *plain,
            "price",
            "unit",
            "version",
            "created_by",
            "created_at",
            **{
                "price_book": F("book__slug"),
                "class": F("capacity_class"),
                "currency": F("book__currency"),
                "from": F("period__startswith"),
                "to": F("period__endswith"),
                "state": rate_state(params.at),
            },
        )

    def empty_action(self, user: Person) -> listing.Link | None:
        """Import some."""
        if "slug" not in self.scope or not user.scopes_for(Permission.PRICE_EDIT).everything:
            return None
        return listing.Link(_("Import prices"), reverse("pricing:import", args=[self.scope["slug"]]))


class UnpricedList(listing.Listing):
    """What was measured in the open month without a price."""

    key = "unpriced"
    title = _("Unpriced")
    about = _("What was there in the open month without a price. It has no amount until a rate fits.")
    permission = Permission.PRICE_VIEW
    empty_reason = _("Everything that was measured in the open month has a price.")
    columns = (
        Column("cluster", _("Cluster")),
        Column("asset", _("Asset"), show=lambda row: str(ASSETS[row["asset"]])),
        Column("missing", _("No price for"), show=lambda row: missing_text(row["missing"].split())),
        Column("instance_type", _("Thing"), show=fits_text),
        Column("region", _("Region"), on_page=False),
        Column("class", _("Class"), on_page=False),
        Column("storage_class", _("Storage class"), on_page=False),
        Column("provider_id", _("Machine"), on_page=False),
        Column("count", _("Things"), "number", total=True),
        Column("seconds", _("Time without a price"), "duration", total=True),
        Column("from", _("From"), "instant"),
        Column("to", _("To"), "instant"),
        Column("cluster_id", _("Cluster id"), on_page=False),
        Column("price_key_id", _("Price key"), "number", on_page=False),
        Column("id", _("Row"), on_page=False),
    )
    filters = (Filter("asset", _("Asset"), choices=asset_choices, lookup="asset"),)
    orders = {"seconds": ("seconds", "id"), "cluster": ("cluster", "id"), "from": ("from", "id")}
    default_order = "-seconds"

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Gaps of the clusters one may see prices of."""
        names = _clusters(user)
        start = selectors.open_month(params.at)
        return [unpriced_row(one, names) for one in selectors.unpriced(list(names), start=start, at=params.at)]

    def health(self, user: Person, params: listing.Params) -> listing.Health:
        """As old as what is known of the cluster that is known least."""
        known = metering.counted(list(_clusters(user)), params.at).values()
        return listing.Health(data_at=min((instant for instant in known if instant is not None), default=None))


def _clusters(user: Person) -> dict[UUID, str]:
    scopes = user.scopes_for(Permission.PRICE_VIEW)
    return selectors.clusters_seen(None if scopes.everything else scopes.clusters)


def unpriced_row(one: selectors.Unpriced, names: dict[UUID, str]) -> dict[str, Any]:
    """Return a gap as a row."""
    return {
        "id": f"{one.cluster_id} {one.price_key_id} {one.thing.provider_id} {one.start.isoformat()}",
        "cluster": names[one.cluster_id],
        "cluster_id": str(one.cluster_id),
        "price_key_id": one.price_key_id,
        "asset": one.thing.asset,
        "missing": " ".join(one.missing),
        "instance_type": one.thing.instance_type,
        "region": one.thing.region,
        "class": one.thing.capacity_class,
        "storage_class": one.thing.storage_class,
        "provider_id": one.thing.provider_id,
        "count": one.count,
        "seconds": one.seconds,
        "from": one.start,
        "to": one.end,
    }


def missing_text(missing: list[str]) -> str:
    """Return what has no price, in words."""
    return ", ".join(str(ASSETS[asset]) for asset in missing)
