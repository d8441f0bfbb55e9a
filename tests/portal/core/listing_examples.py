"""Lists over the accounts table that exist for the tests of the list mechanism, and their addresses."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import Case, CharField, DecimalField, F, IntegerField, Sum, Value, When
from django.db.models.functions import Cast, Length, Substr
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from rest_framework import permissions, routers, viewsets

from portal.accounts.models import User
from portal.core import listing
from portal.core.listing import ApiList, Column, Filter, Health, ListView, Missing

MONEY: "DecimalField[Any, Any]" = DecimalField(max_digits=24, decimal_places=12)


def make_users(names: Sequence[tuple[str, str]], at: datetime) -> None:
    """Store accounts from (user name, display name); the same instant for all, so that only the id breaks
    ties.
    """
    User.objects.bulk_create(
        User(username=name, username_folded=name, display_name=display, password="!", created_at=at)  # noqa: S106
        for name, display in names
    )


# Display names begin with the currency's letter where there is one; their length makes the amount.
AMOUNT = Case(
    When(display_name="", then=Value(None, output_field=MONEY)),
    default=Cast(Cast(Length("display_name"), MONEY) * Value(Decimal("1.234567890123"), output_field=MONEY), MONEY),
    output_field=MONEY,
)
CURRENCY = Case(When(display_name__startswith="$", then=Value("USD")), default=Value("EUR"), output_field=CharField())


class UserList(listing.Listing):
    """Every kind of value over real rows."""

    key = "test.users"
    title = _("Users")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Name"), "code", href=lambda row: f"/people/{row['name']}/"),
        Column("display", _("Display name")),
        Column("cost", _("Cost"), "money", unit_key="currency", total=True, absent=_("unpriced")),
        Column("length", _("Length"), "bytes", total=True),
        Column("created_at", _("Age"), "age"),
        Column("is_active", _("Active"), "flag"),
        Column("id", _("Id"), on_page=False),
    )
    filters: ClassVar[Sequence[Filter]] = (
        Filter("initial", _("Initial"), choices=lambda _user: [("a", "A"), ("b", "B")], lookup="name__startswith"),
        Filter("display", _("Display name"), "text", lookup="display"),
        Filter("since", _("Since"), "day", lookup="created_at__date__gte"),
        Filter("active", _("Active"), "flag", lookup="is_active"),
        Filter("person", _("Person"), "uuid", lookup="id"),
    )
    orders = {
        "name": ("name", "id"),
        "display": ("display", "id"),
        "cost": ("cost", "id"),
        "created_at": ("created_at", "id"),
    }

    def rows(self, user: Any, params: listing.Params) -> Any:
        """All accounts."""
        return User.objects.values(
            "id",
            "created_at",
            "is_active",
            name=F("username"),
            display=F("display_name"),
            cost=AMOUNT,
            currency=CURRENCY,
            length=Length("username"),
        )

    def health(self, user: Any, params: listing.Params) -> Health:
        """As the test says."""
        return self.scope.get("health", Health())  # type: ignore[no-any-return]


class InMemory(UserList):
    """The same rows as dicts, as raw SQL would give them."""

    key = "test.memory"
    filters = (Filter("display", _("Display name"), "text", lookup="display"),)

    def rows(self, user: Any, params: listing.Params) -> Any:
        """All accounts, read at once."""
        return list(super().rows(user, params))


class GroupedList(listing.Listing):
    """Amounts per initial: keys, filters and totals over aggregates."""

    key = "test.grouped"
    title = _("By initial")
    columns: ClassVar[Sequence[Column]] = (
        Column("initial", _("Initial")),
        Column("cost", _("Cost"), "money", unit_key="currency", total=True, absent=_("unpriced")),
        Column("cpu", _("CPU"), "cpu", total=True),
    )
    filters = (Filter("above", _("Above"), "number", lookup="cost__gt"),)
    orders = {"cost": ("cost", "initial", "currency"), "initial": ("initial", "currency")}

    def rows(self, user: Any, params: listing.Params) -> Any:
        """GROUP BY initial and currency."""
        return User.objects.values(initial=Substr("username", 1, 1), currency=CURRENCY).annotate(
            cost=Sum(AMOUNT), cpu=Sum(Cast(Length("username"), IntegerField()) * 1000)
        )


def down(at: datetime) -> Health:
    """The only source does not answer."""
    return Health(at, 1, [Missing("oslo", at)])


class UserPage(ListView):
    """The list as a page."""

    listing = UserList


class UserApi(ApiList, viewsets.ViewSet):
    """The list as JSON."""

    permission_classes = [permissions.AllowAny]
    listing = UserList


router = routers.SimpleRouter()
router.register("users", UserApi, basename="users")
urlpatterns = [path("users/", UserPage.as_view()), path("api/v1/", include(router.urls))]
