"""Lists of people and bindings."""

from typing import Any

from django.db.models import Case, Count, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from portal.access import roles, scopes
from portal.accounts.models import Binding, User
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone

ACTIVE: dict[str, tuple[Tone, Text]] = {"active": ("ok", _("Active")), "inactive": ("unknown", _("Deactivated"))}
HOLDS: dict[str, tuple[Tone, Text]] = {"holds": ("ok", _("Holds")), "expired": ("unknown", _("Ended"))}


def role_choices(_user: scopes.Person) -> list[tuple[str, str]]:
    """Return the roles by key."""
    return [(role.key, str(role.name)) for role in roles.ROLES.values()]


def role_name(row: dict[str, Any]) -> str:
    """Return the role's name for people; the key is what API and CSV carry."""
    return str(roles.ROLES[row["role"]].name) if row["role"] in roles.ROLES else row["role"]


class PeopleList(listing.Listing):
    """Everybody with an account."""

    key = "people"
    title = _("People")
    columns = (
        Column("username", _("User name"), "code", href=listing.link("accounts:person", "username")),
        Column("display_name", _("Name")),
        Column("state", _("State"), "state", states=ACTIVE),
        Column("roles", _("Roles"), "number"),
        Column("last_login", _("Last sign-in"), "age", absent=_("never")),
        Column("created_at", _("Added"), "age"),
        Column("id", _("Id"), on_page=False),
    )
    filters = (Filter("username", _("User name"), "text", lookup="username_folded__startswith"),)
    orders = {"username": ("username", "id"), "created_at": ("created_at", "id")}

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Everybody: whoever may see people sees all of them."""
        in_force = Q(bindings__isnull=False) & (Q(bindings__expires_at=None) | Q(bindings__expires_at__gt=params.at))
        return User.objects.annotate(
            held=Count("bindings", filter=in_force),
            state=Case(When(is_active=True, then=Value("active")), default=Value("inactive")),
        ).values("id", "username", "display_name", "state", "last_login", "created_at", roles=F("held"))


class BindingList(listing.Listing):
    """Who holds which role where."""

    key = "bindings"
    title = _("Bindings")
    columns = (
        Column("username", _("Person"), "code", href=listing.link("accounts:person", "username")),
        Column("group_name", _("Group")),
        Column("role", _("Role"), show=role_name),
        Column("scope_kind", _("On")),
        Column("scope", _("Which")),
        Column("state", _("State"), "state", states=HOLDS),
        Column("expires_at", _("Ends"), "instant", absent=_("does not end")),
        Column("reason", _("Reason")),
        Column("created_by", _("Given by")),
        Column("created_at", _("Since"), "age"),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("username", _("Person"), "text", lookup="user__username_folded__startswith"),
        Filter("role", _("Role"), choices=role_choices, lookup="role"),
        Filter("scope", _("Which"), "text", lookup="scope_label__startswith"),
    )
    orders = {"created_at": ("created_at", "id"), "username": ("username", "id")}
    default_order = "-created_at"

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All bindings, ended ones too; inside a person's page only theirs."""
        found = Binding.objects.all()
        if "username" in self.scope:
            found = found.filter(user__username=self.scope["username"])
        return found.annotate(
            state=Case(When(expires_at__lte=params.at, then=Value("expired")), default=Value("holds"))
        ).values(
            "id",
            "role",
            "scope_kind",
            "state",
            "expires_at",
            "reason",
            "created_by",
            "created_at",
            username=F("user__username"),
            group_name=F("group__name"),
            scope=F("scope_label"),
        )
