"""Lists of people, bindings and roles."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Case, CharField, Count, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from portal.access import roles, scopes, words
from portal.access.permissions import Permission
from portal.accounts.bindings import memberships, own_roles, searching, standing
from portal.accounts.models import Binding, CustomRole, Identity, Provider, RightUse, User
from portal.accounts.models.people import PERSON, ROBOT
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone

ACTIVE: dict[str, tuple[Tone, Text]] = {"active": ("ok", _("Active")), "inactive": ("unknown", _("Deactivated"))}
LOCAL = "local"
# How Django stores that there is none: no such account signs in here.
_NO_PASSWORD = Q(password="") | Q(password__startswith="!")  # noqa: S106 - a mark, not a password
_SEARCHED = "search_folded(user_account.username || ' ' || user_account.display_name)"


def role_choices(_user: scopes.Person) -> list[tuple[str, str]]:
    """Return the roles by key."""
    return [(role.key, str(role.name)) for role in own_roles.every()]


def role_name(row: dict[str, Any]) -> str:
    """Return the role's name for people; the key is what API and CSV carry. `custom_name` is an own role's name."""
    known = roles.ROLES.get(row["role"])
    return str(known.name) if known else row.get("custom_name") or row["role"]


def custom_name() -> Subquery:
    """Return the name of an installation's own role, for a query of bindings."""
    return Subquery(CustomRole.objects.filter(key=OuterRef("role")).values("name")[:1])


def source_choices(_user: scopes.Person) -> list[tuple[str, str]]:
    """Return where accounts come from."""
    return [(LOCAL, str(_("local"))), *Provider.objects.order_by("name").values_list("key", "name")]


def state_choices(_user: scopes.Person) -> list[tuple[str, Text]]:
    """Return how people stand."""
    return [("active", _("active")), ("inactive", _("deactivated")), ("never", _("never signed in"))]


def _sources(row: dict[str, Any]) -> str:
    found: list[str] = row["sources"]
    return ", ".join([*([_now("local")] if row["is_local"] else []), *found]) or "–"


class PeopleList(listing.Listing):
    """Everybody with an account."""

    key = "people"
    title = _("People")
    columns = (
        Column("username", _("User name"), "code", href=listing.link("accounts:person", "username")),
        Column("display_name", _("Name")),
        Column("source", _("Source"), show=_sources, in_export=False),
        Column("sources", _("Providers"), "text", on_page=False),
        Column("state", _("State"), "state", states=ACTIVE),
        Column("roles", _("Roles"), "number", absent=_("none")),
        Column("last_login", _("Last sign-in"), "age", absent=_("never")),
        Column("created_at", _("Added"), "age"),
        Column("kind", _("Kind"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("username", _("Name"), "text", help=_("Any part of it.")),
        Filter("source", _("Source"), choices=source_choices),
        Filter("state", _("State"), choices=state_choices),
        Filter("robots", _("Robots"), "flag", default="0"),
    )
    orders = {
        "username": ("username", "id"),
        "created_at": ("created_at", "id"),
        "last_login": ("last_login", "id"),
    }

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Everybody: whoever may see people sees all of them. Robots are a list of their own."""
        found = User.objects.filter(kind=ROBOT if params.filters["robots"] else PERSON)
        found = _named(found, params.filters["username"])
        found = _from_source(found, params.filters["source"])
        match params.filters["state"]:
            case "never":
                found = found.filter(last_login=None)
            case "active" | "inactive" as wanted:
                found = found.filter(is_active=wanted == "active")
        held = Binding.objects.in_force(params.at).filter(user=OuterRef("pk")).order_by().values("user")
        providers = Identity.objects.filter(user=OuterRef("pk")).order_by("provider__name")
        return found.annotate(
            held=Subquery(held.annotate(n=Count("id")).values("n")),
            sources=ArraySubquery(providers.values("provider__name").distinct()),
            is_local=Case(When(_NO_PASSWORD, then=Value(False)), default=Value(True), output_field=BooleanField()),
            state=Case(When(is_active=True, then=Value("active")), default=Value("inactive")),
        ).values(
            "id",
            "username",
            "display_name",
            "state",
            "last_login",
            "created_at",
            "kind",
            "sources",
            "is_local",
            roles=F("held"),
        )


def _named(people: Any, text: str | None) -> Any:
    wanted = searching.folded(text or "")
    if not wanted:
        return people
    pieces = searching.parameters(wanted, robots=[], most=0)["pieces"]
    held = RawSQL(f"strpos({_SEARCHED}, %s) > 0", (wanted,), BooleanField())  # noqa: S611 - a constant
    if len(wanted) < searching.SHORTEST:
        return people.filter(held)
    indexed = RawSQL(f"search_pieces({_SEARCHED}) @> %s", (pieces,), BooleanField())  # noqa: S611 - a constant
    return people.filter(indexed, held)


def _from_source(people: Any, source: str | None) -> Any:
    if source == LOCAL:
        return people.exclude(_NO_PASSWORD)
    return (
        people.filter(Exists(Identity.objects.filter(user=OuterRef("pk"), provider__key=source))) if source else people
    )


def kind_choices(_user: scopes.Person) -> list[tuple[str, Text]]:
    """Return what a role can be on."""
    return [(kind.value, words.SCOPES[kind]) for kind in scopes.ScopeKind]


def standing_choices(_user: scopes.Person) -> list[tuple[str, Text]]:
    """Return how bindings stand."""
    return [
        ("holds", _("holds")),
        ("soon", _("ends within a week")),
        ("ended", _("ended")),
        ("unused", _("never used")),
    ]


def _scope_word(row: dict[str, Any]) -> str:
    return str(words.SCOPES[scopes.ScopeKind(row["scope_kind"])])


def _holder_page(row: dict[str, Any]) -> str:
    return reverse("accounts:person", args=[row["username"]]) if row["username"] else ""


class BindingList(listing.Listing):
    """Who holds which role where. In `scope`: `username` or `role` narrow it, `pick` lets rows be chosen."""

    key = "bindings"
    title = _("Bindings")
    permission = Permission.MEMBER_VIEW
    pick_name = "pick"
    columns = (
        Column("holder", _("Holder"), "code", href=_holder_page, in_export=False),
        Column("username", _("Person"), "code", on_page=False),
        Column("group_name", _("Group"), on_page=False),
        Column("provider", _("Group of"), absent=_("a person")),
        Column("role", _("Role"), show=role_name, href=listing.link("accounts:binding", "id")),
        Column("scope_kind", _("On"), show=_scope_word),
        Column("scope", _("Which")),
        Column("state", _("State"), "state", states=standing.states()),
        Column("expires_at", _("Ends"), "instant", absent=_("does not end")),
        Column("reason", _("Reason")),
        Column("created_by", _("Given by")),
        Column("created_at", _("Since"), "age"),
        Column("scope_id", _("Scope's id"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("holder", _("Holder"), "text", help=_("Part of a person's or group's name.")),
        Filter("role", _("Role"), choices=role_choices, lookup="role"),
        Filter("on", _("On"), choices=kind_choices, lookup="scope_kind"),
        Filter("scope", _("Which"), "text", lookup="scope_label__icontains"),
        Filter("state", _("State"), choices=standing_choices),
    )
    orders = {
        "created_at": ("created_at", "id"),
        "holder": ("holder", "id"),
        "expires_at": ("expires_at", "id"),
    }
    default_order = "-created_at"

    def __init__(self, **scope: Any) -> None:
        super().__init__(**scope)
        if scope.get("pick"):
            self.select_key = "id"  # type: ignore[misc] # who looks decides whether rows can be chosen

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """The bindings one may see; those that ended 90 days ago are gone from here."""
        everybody = user.scopes_for(Permission.USER_VIEW).everything
        found: Any = Binding.objects.all() if everybody else memberships.visible(user)
        kept = params.at - timedelta(days=memberships.ENDED_SHOWN_DAYS)
        found = found.exclude(expires_at__lt=kept)
        if "username" in self.scope:
            found = found.filter(user__username=self.scope["username"])
        if "role" in self.scope:
            found = found.filter(role=self.scope["role"])
        if text := params.filters["holder"]:
            wanted = searching.folded(text)
            found = found.filter(Q(user__username_folded__contains=wanted) | Q(group__name__icontains=text))
        found = _standing(found, params.filters["state"], params.at)
        return found.annotate(
            holder=Coalesce("user__username", "group__name", output_field=CharField()),
            state=state_case(params.at),
            custom_name=custom_name(),
        ).values(
            "id",
            "role",
            "scope_kind",
            "scope_id",
            "state",
            "expires_at",
            "reason",
            "created_by",
            "created_at",
            "holder",
            "custom_name",
            username=F("user__username"),
            group_name=F("group__name"),
            provider=F("group__provider__name"),
            scope=F("scope_label"),
        )


def state_case(at: Any) -> Case:
    """Return `standing.state_of` as an expression."""
    soon = [
        When(expires_at__lt=at + timedelta(days=days + 1), then=Value(f"ends_in_{days}"))
        for days in range(standing.SOON_DAYS)
    ]
    suspended = When(group__provider__enabled=False, then=Value("suspended"))
    return Case(When(expires_at__lte=at, then=Value("ended")), suspended, *soon, default=Value("holds"))


def _standing(found: Any, state: str | None, at: Any) -> Any:
    match state:
        case "holds":
            return found.in_force(at)
        case "ended":
            return found.filter(expires_at__lte=at)
        case "soon":
            return found.filter(expires_at__gt=at, expires_at__lt=at + timedelta(days=standing.SOON_DAYS))
        case "unused":
            return found.in_force(at).exclude(_used())
        case _:
            return found


def _used() -> Q:
    """Bindings whose holder, or a member of whose group, used a right of the role since it was given."""
    used = Q(pk__in=[])
    for role in own_roles.every():
        asked = RightUse.objects.filter(permission__in=[one.value for one in role.permissions])
        since = asked.filter(last_on__gte=OuterRef("created_at__date"))
        own = since.filter(user=OuterRef("user"))
        through = since.filter(user__identities__memberships__group=OuterRef("group"))
        used |= Q(role=role.key) & (Exists(own) | Exists(through))
    return used
