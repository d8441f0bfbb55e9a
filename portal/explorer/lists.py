"""Lists of answers: who may, what is unused, who looked at me."""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _

from portal.access import scopes
from portal.access.permissions import Permission
from portal.accounts.bindings import own_roles
from portal.accounts.models import Binding, Identity, RightUse, User
from portal.accounts.models.people import PERSON
from portal.audit.models import Event
from portal.core import listing
from portal.core.listing import Column, Filter
from portal.explorer import explaining

UNUSED_AFTER = timedelta(days=90)
NEVER_AFTER = timedelta(days=30)


class WhoMayList(listing.Listing):
    """Everybody who may do one thing to another, and by which chain. Inside of `permission` and `thing`."""

    key = "who-may"
    title = _("Who may")
    columns = (
        Column("username", _("Person"), "code"),
        Column("display_name", _("Name")),
        Column("provider", _("Account at"), absent=_("local")),
        Column("group_name", _("By group"), "code", absent=_("none")),
        Column("role_name", _("Role")),
        Column("scope", _("Given on")),
        Column("expires_at", _("Ends"), "instant", absent=_("does not end")),
        Column("role", _("Role key"), on_page=False),
        Column("binding_id", _("Binding id"), on_page=False),
    )
    orders = {"username": ("username", "binding_id")}
    empty_reason = _("Nobody may.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """As the gate reads it now."""
        return explaining.who_may(
            self.scope["permission"],
            self.scope["thing"],
            asker=user.scopes_for(Permission.ACCESS_EXPLAIN),
            at=params.at,
        )


class UnusedList(listing.Listing):
    """Bindings of which nobody has used any permission for 90 days."""

    key = "unused-bindings"
    title = _("Unused rights")
    about = _("Roles given more than 90 days ago of which no permission was used since.")
    columns = (
        Column("username", _("Person"), "code", href=listing.link("accounts:person", "username"), absent=_("a group")),
        Column("group_name", _("Group"), absent=_("none")),
        Column("role", _("Role"), show=lambda row: own_roles.name_of(row["role"])),
        Column("scope_kind", _("On")),
        Column("scope", _("Which")),
        Column("created_at", _("Since"), "age"),
        Column("created_by", _("Given by")),
        Column("id", _("Id"), on_page=False),
    )
    filters = (Filter("username", _("Person"), "text", lookup="user__username_folded__startswith"),)
    orders = {"created_at": ("created_at", "id")}
    default_order = "created_at"
    empty_reason = _("Every role was used in the last 90 days, or is younger.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All of them."""
        since = params.at - UNUSED_AFTER
        old = Binding.objects.in_force(params.at).filter(created_at__lt=since)
        unused = [Q(role=role.key) & Q(~_used(role.permissions, since)) for role in own_roles.every()]
        return old.filter(reduce(or_, unused)).values(
            "id",
            "role",
            "scope_kind",
            "created_at",
            "created_by",
            username=F("user__username"),
            group_name=F("group__name"),
            scope=F("scope_label"),
        )


class NeverUsedList(listing.Listing):
    """Accounts that nobody has ever used."""

    key = "never-used"
    title = _("Never used accounts")
    about = _("Accounts added more than 30 days ago by which nobody ever signed in.")
    columns = (
        Column("username", _("Person"), "code", href=listing.link("accounts:person", "username")),
        Column("display_name", _("Name")),
        Column("source", _("From")),
        Column("created_at", _("Added"), "age"),
        Column("id", _("Id"), on_page=False),
    )
    orders = {"created_at": ("created_at", "id")}
    default_order = "created_at"
    empty_reason = _("Every account was used, or is younger than 30 days.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """All of them."""
        linked = Exists(Identity.objects.filter(user_id=OuterRef("pk")))
        never = User.objects.filter(
            kind=PERSON, is_active=True, last_login=None, created_at__lt=params.at - NEVER_AFTER
        )
        source = Case(When(linked, then=Value("provider")), default=Value("local"))
        return never.annotate(source=source).values("id", "username", "display_name", "created_at", "source")


class LookList(listing.Listing):
    """Who looked at the portal as the signed-in person."""

    key = "looks"
    title = _("Who looked as you")
    about = _(
        "Administrators can look at the portal as you, to help. They read only, and see what both of you may see."
    )
    columns = (
        Column("at", _("When"), "instant"),
        Column("who", _("Who")),
        Column("reason", _("Reason")),
        Column("id", _("Id"), "number", on_page=False),
    )
    orders = {"at": ("at", "id")}
    default_order = "-at"
    empty_reason = _("Nobody has.")

    def rows(self, user: scopes.Person, params: listing.Params) -> Any:
        """Theirs alone."""
        mine = Event.objects.filter(kind="access.view_as.start", on_type="user", on_id=str(getattr(user, "pk", "")))
        reason = KeyTextTransform("reason", "after", output_field=TextField())
        return mine.annotate(reason=reason, who=F("actor_label")).values("id", "at", "who", "reason")


def _used(permissions: Iterable[Permission], since: Any) -> Exists:
    used = RightUse.objects.filter(
        Q(user_id=OuterRef("user_id")) | Q(user__identities__memberships__group_id=OuterRef("group_id")),
        permission__in=[one.value for one in permissions],
        last_on__gte=since.date(),
    )
    return Exists(used)
