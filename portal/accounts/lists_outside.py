"""Lists of providers, of their accounts, and of their groups."""

from typing import Any

from django.db.models import Case, Count, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.access.permissions import Permission
from portal.accounts.models import Binding, GroupMembership, Identity, OutsideGroup, Provider, rights
from portal.accounts.models.providers import ACTIVE, DISABLED, GONE
from portal.accounts.providers import rows
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone

PROVIDER: dict[str, tuple[Tone, Text]] = {
    "enabled": ("ok", _("Enabled")),
    "disabled": ("unknown", _("Disabled")),
    "undeclared": ("attention", _("Not declared any more")),
    "held": ("attention", _("Changes held")),
    "failing": ("broken", _("Cannot be read")),
}
ACCOUNT: dict[str, tuple[Tone, Text]] = {
    ACTIVE: ("ok", _("Active")),
    DISABLED: ("attention", _("Disabled there")),
    GONE: ("unknown", _("Gone there")),
}
GROUP: dict[str, tuple[Tone, Text]] = {"stands": ("ok", _("Stands")), "gone": ("unknown", _("Gone"))}
KINDS = {"ldap": "LDAP", "github": "GitHub", "oidc": "OIDC"}


def provider_choices(_user: scopes.Person) -> list[tuple[str, str]]:
    """Return the providers by key."""
    return list(Provider.objects.order_by("name").values_list("key", "name"))


def state_choices(_user: scopes.Person) -> list[tuple[str, Any]]:
    """Return the states of a group."""
    return [(key, word) for key, (_tone, word) in GROUP.items()]


def state_of(known: rows.Known, *, held: bool) -> str:
    """Return the word for a provider's state."""
    if known.declared is None:
        return "undeclared"
    if not known.row.enabled:
        return "disabled"
    if held:
        return "held"
    return "failing" if known.row.refresh_error else "enabled"


class ProviderList(listing.Listing):
    """Where people sign in; a handful of rows."""

    key = "providers"
    title = _("Sign-in providers")
    permission = Permission.PROVIDER_VIEW
    empty_reason = _("The environment declares no provider. People sign in with local accounts.")
    columns = (
        Column("name", _("Name"), href=listing.link("accounts:provider", "key")),
        Column("kind", _("Kind"), show=lambda row: KINDS[row["kind"]]),
        Column("state", _("State"), "state", states=PROVIDER),
        Column("people", _("People"), "number"),
        Column("groups", _("Groups"), "number"),
        Column("refreshed_at", _("Groups read"), "age", absent=_("with each sign-in")),
        Column("refresh_error", _("Error"), show=lambda row: row["refresh_error"][:160]),
        Column("key", _("Key"), "code", on_page=False),
        Column("enabled", _("Enabled"), "flag", on_page=False),
        Column("admits", _("Admits"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"name": ("name", "id")}

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All of them."""
        people = _counted(Identity.objects.filter(user__isnull=False))
        groups = _counted(OutsideGroup.objects.filter(gone_at=None))
        held = set(Provider.objects.filter(hold__confirmed_at=None, hold__isnull=False).values_list("pk", flat=True))
        return [
            {
                "id": known.row.pk,
                "key": known.row.key,
                "name": known.row.name,
                "kind": known.row.kind,
                "state": state_of(known, held=known.row.pk in held),
                "people": people.get(known.row.pk, 0),
                "groups": groups.get(known.row.pk, 0),
                "refreshed_at": known.row.refreshed_at,
                "refresh_error": known.row.refresh_error,
                "enabled": known.row.enabled,
                "admits": known.row.admits,
            }
            for known in rows.every()
        ]


class OutsideGroupList(listing.Listing):
    """Groups of all providers, those that are gone too."""

    key = "outside-groups"
    title = _("Outside groups")
    permission = Permission.USER_VIEW
    empty_reason = _("No groups are known. They are read once a provider is enabled.")
    columns = (
        Column("name", _("Name"), href=listing.link("accounts:group", "id")),
        Column("path", _("Place"), "code"),
        Column("provider_key", _("Provider"), "code"),
        Column("state", _("State"), "state", states=GROUP),
        Column("members", _("Known members"), "number"),
        Column("bound", _("Roles"), "number"),
        Column("seen_at", _("Since"), "age"),
        Column("gone_at", _("Gone"), "instant", on_page=False, absent=_("stands")),
        Column("external_id", _("Id there"), "code", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("name", _("Name"), "text", lookup="name__icontains"),
        Filter("path", _("Place"), "text", lookup="path__icontains"),
        Filter("provider", _("Provider"), choices=provider_choices, lookup="provider__key"),
        Filter("state", _("State"), choices=state_choices, lookup="state"),
    )
    orders = {"name": ("name", "id"), "seen_at": ("seen_at", "id")}

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All groups; counts are of people with an account here."""
        return OutsideGroup.objects.annotate(
            state=Case(When(gone_at=None, then=Value("stands")), default=Value("gone")),
            members=_number(GroupMembership.objects.filter(group=OuterRef("pk"), identity__user__isnull=False)),
            bound=_number(Binding.objects.in_force(params.at).filter(group=OuterRef("pk"))),
        ).values(
            "id",
            "name",
            "path",
            "external_id",
            "state",
            "members",
            "bound",
            "seen_at",
            "gone_at",
            provider_key=F("provider__key"),
        )


_PERSON = (
    Column("account", _("Account"), "code"),
    Column("person", _("Person"), "code", href=listing.link("accounts:person", "person")),
    Column("display_name", _("Name")),
    Column("state", _("State"), "state", states=ACCOUNT),
)


class IdentityList(listing.Listing):
    """The accounts of one provider that are linked to somebody."""

    key = "identities"
    title = _("Accounts")
    permission = Permission.PROVIDER_VIEW
    empty_reason = _("Nobody has signed in with it yet.")
    columns = (
        *_PERSON,
        Column("last_sign_in_at", _("Last sign-in"), "age", absent=_("never")),
        Column("groups_known_at", _("Groups as of"), "age", absent=_("never")),
        Column("id", _("Id"), on_page=False),
    )
    filters = (Filter("account", _("Account"), "text", lookup="username__icontains"),)
    orders = {"account": ("account", "id"), "groups_known_at": ("groups_known_at", "id")}

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Those of the provider that the page is about."""
        found = Identity.objects.filter(provider__key=self.scope["key"], user__isnull=False)
        return found.values(
            "id",
            "display_name",
            "state",
            "last_sign_in_at",
            groups_known_at=rights.groups_as_of(),
            account=F("username"),
            person=F("user__username"),
        )


class GroupMembers(listing.Listing):
    """Who is in a group, of the people who have an account here."""

    key = "group-members"
    title = _("Known members")
    permission = Permission.USER_VIEW
    empty_reason = _("Nobody in this group has signed in here.")
    columns = (
        *_PERSON,
        Column("direct", _("Directly"), "flag"),
        Column("groups_as_of", _("Groups as of"), "age", absent=_("never")),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"account": ("account", "id")}

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Members with an account here."""
        found = GroupMembership.objects.filter(group_id=self.scope["group_id"], identity__user__isnull=False)
        return found.values(
            "id",
            "direct",
            account=F("identity__username"),
            display_name=F("identity__display_name"),
            state=F("identity__state"),
            groups_as_of=rights.groups_as_of("identity__"),
            person=F("identity__user__username"),
        )


def _number(found: Any) -> Any:
    """The size of a set of each row's own, without joining it."""
    counted = found.order_by().annotate(one=Value(1)).values("one").annotate(size=Count("pk")).values("size")
    return Coalesce(Subquery(counted), 0)


def _counted(found: Any) -> dict[Any, int]:
    return dict(found.order_by().values_list("provider_id").annotate(count=Count("pk")))
