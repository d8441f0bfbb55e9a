"""Lists of tokens and robots."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Case, Count, F, Func, Max, Q, TextField, Value, When
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.access.words import SCOPES, listed
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.core.parts import Text, Tone
from portal.tokens.models import Robot, Token
from portal.tokens.shown import ENDS_SOON_DAYS
from portal.tokens.written import PREFIX

UNUSED = timedelta(days=30)
WORDS_SHOWN = 3
SOON = timedelta(days=ENDS_SOON_DAYS)
STATES: dict[str, tuple[Tone, Text]] = {
    "live": ("ok", _("Live")),
    "revoked": ("unknown", _("Revoked")),
    "expired": ("unknown", _("Ended")),
}
ROBOTS: dict[str, tuple[Tone, Text]] = {"standing": ("ok", _("In use")), "retired": ("unknown", _("Retired"))}


def state_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return the states of a token."""
    return [(key, word) for key, (_tone, word) in STATES.items()]


def robot_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return the states of a robot."""
    return [(key, word) for key, (_tone, word) in ROBOTS.items()]


def _scope_words(row: dict[str, Any]) -> str:
    kind = str(SCOPES.get(row["scope_kind"], row["scope_kind"]))
    return f"{kind}: {row['scope_label']}" if row["scope_label"] else kind


def _permission_words(row: dict[str, Any]) -> str:
    held = set(row["rights"].split())
    known = [one for one in Permission if one.value in held]
    if len(known) <= WORDS_SHOWN:
        return listed(known)
    return _("%(some)s and %(n)d more") % {"some": listed(known[:WORDS_SHOWN]), "n": len(known) - WORDS_SHOWN}


class TokenList(listing.Listing):
    """Everybody's tokens, the newest first."""

    key = "tokens"
    title = _("Tokens")
    permission: ClassVar[Permission | None] = Permission.USER_VIEW
    select_key = "id"
    pick_name = "token"
    empty_reason = _("Nobody has made a token yet.")
    columns = (
        Column("name", _("Name")),
        Column("username", _("Owner"), "code", href=listing.link("accounts:person", "username")),
        Column("begins", _("Begins with"), "code"),
        Column("scope_label", _("On"), show=_scope_words),
        Column("rights", _("May"), show=_permission_words),
        Column("state", _("State"), "state", states=STATES),
        Column("last_used_at", _("Last used"), "age", absent=_("never")),
        Column("last_address", _("Last address"), on_page=False),
        Column("expires_at", _("Ends"), "instant"),
        Column("from_networks", _("From"), on_page=False),
        Column("scope_kind", _("Scope"), on_page=False),
        Column("scope_id", _("Scope id"), on_page=False),
        Column("created_by", _("Made by"), on_page=False),
        Column("created_at", _("Made"), "instant", on_page=False),
        Column("revoked_at", _("Revoked"), "instant", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters: ClassVar[tuple[Filter, ...]] = (
        Filter("owner", _("Owner"), "text", lookup="user__username_folded__startswith"),
        Filter("of", _("Person"), "text", lookup="user__username", hidden=True),
        Filter("state", _("State"), choices=state_choices, lookup="state"),
        Filter("unused", _("Unused for 30 days"), "flag"),
        Filter("ending", _("Ends within 14 days"), "flag"),
    )
    orders = {
        "created_at": ("created_at", "id"),
        "expires_at": ("expires_at", "id"),
        "last_used_at": ("last_used_at", "id"),
        "name": ("name", "id"),
    }
    default_order = "-created_at"

    def tokens(self, user: Any) -> Any:
        """Everybody's, for whoever may see everybody."""
        return Token.objects.all() if user.scopes_for(Permission.USER_VIEW).everything else Token.objects.none()

    def rows(self, user: Any, params: listing.Params) -> Any:
        """With their owners."""
        return (
            _asked(self.tokens(user), params)
            .annotate(
                state=Case(
                    When(revoked_at__isnull=False, then=Value("revoked")),
                    When(expires_at__lte=params.at, then=Value("expired")),
                    default=Value("live"),
                ),
                begins=Concat(Value(PREFIX), F("public_id")),
                rights=_joined("permissions", " "),
                from_networks=_joined("networks", " "),
            )
            .values(
                "id",
                "name",
                "begins",
                "scope_kind",
                "scope_id",
                "scope_label",
                "state",
                "last_used_at",
                "last_address",
                "expires_at",
                "created_by",
                "created_at",
                "revoked_at",
                "rights",
                "from_networks",
                username=F("user__username"),
            )
        )


class OwnTokenList(TokenList):
    """One's own tokens."""

    key = "own-tokens"
    permission = None
    filters = TokenList.filters[2:]

    def tokens(self, user: Any) -> Any:
        """Those of whoever asks."""
        return Token.objects.filter(user_id=user.pk)


class RobotTokenList(TokenList):
    """Tokens of the robots one may see."""

    key = "robot-tokens"
    permission = Permission.MEMBER_VIEW

    def tokens(self, user: Any) -> Any:
        """By the robots' homes."""
        return Token.objects.filter(user__robot__in=Robot.objects.visible_to(user))


class RobotList(listing.Listing):
    """The robots of the teams and projects one may see; inside a page of one of these, its own."""

    key = "robots"
    title = _("Robots")
    about = _("Accounts of programs. Each belongs to a team or a project and stays when its maker goes.")
    permission = Permission.MEMBER_VIEW
    empty_reason = _("There is no robot yet. A robot gives a program rights that belong to no person.")
    columns = (
        Column("slug", _("Robot"), "code", href=listing.link("tokens:robot", "slug")),
        Column("name", _("Name")),
        Column("home_label", _("Belongs to"), show=lambda row: f"{SCOPES[row['home_kind']]}: {row['home_label']}"),
        Column("state", _("State"), "state", states=ROBOTS),
        Column("tokens", _("Live tokens"), "number"),
        Column("last_used_at", _("Last used"), "age", absent=_("never")),
        Column("created_by", _("Made by")),
        Column("created_at", _("Since"), "age"),
        Column("description", _("Description"), on_page=False),
        Column("home_kind", _("Home"), on_page=False),
        Column("home_id", _("Home id"), on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("name", _("Name begins with"), "text", lookup="name__istartswith"),
        Filter("state", _("State"), choices=robot_choices, lookup="state"),
    )
    orders = {"slug": ("slug",), "created_at": ("created_at", "id"), "last_used_at": ("last_used_at", "id")}

    def rows(self, user: Any, params: listing.Params) -> Any:
        """With how many tokens are live and when one was used."""
        found = Robot.objects.visible_to(user)
        if "home" in self.scope:
            kind, key = self.scope["home"]
            found = found.filter(home_kind=ScopeKind(kind).value, home_id=key)
        live = Q(user__tokens__revoked_at=None, user__tokens__expires_at__gt=params.at)
        return found.annotate(
            tokens=Count("user__tokens", filter=live),
            last_used_at=Max("user__tokens__last_used_at"),
            state=Case(When(retired_at=None, then=Value("standing")), default=Value("retired")),
        ).values(
            "id",
            "slug",
            "name",
            "description",
            "home_kind",
            "home_id",
            "home_label",
            "state",
            "tokens",
            "last_used_at",
            "created_by",
            "created_at",
        )


def _asked(found: Any, params: listing.Params) -> Any:
    unused, ending = params.filters["unused"], params.filters["ending"]
    if unused is not None:
        idle = Q(last_used_at__lte=params.at - UNUSED) | Q(last_used_at=None, created_at__lte=params.at - UNUSED)
        found = found.filter(idle) if unused else found.exclude(idle)
    if ending is not None:
        soon = Q(revoked_at=None, expires_at__gt=params.at, expires_at__lte=params.at + SOON)
        found = found.filter(soon) if ending else found.exclude(soon)
    return found


def _joined(column: str, by: str) -> Func:
    return Func(F(column), Value(by), function="array_to_string", output_field=TextField())
