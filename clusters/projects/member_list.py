"""Who has which role on a project or team: directly, by an outside group, or from above."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, cast

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clusters.projects import selectors
from clusters.projects.models import Project, Team
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import granting, memberships, own_roles, role_bindings, role_rules, standing
from portal.accounts.models import Binding, User
from portal.accounts.models.people import ROBOT
from portal.core import formats, listing
from portal.core.listing import Column, Filter

HERE, ABOVE = "here", "above"
KINDS: dict[str, tuple[Any, str | Promise]] = {
    "person": ("plain", _("Person")),
    "robot": ("plain", _("Robot")),
    "group": ("plain", _("Group")),
    "hidden": ("unknown", _("Not shown to you")),
}


def scope_of(thing: Project | Team) -> role_bindings.Scope:
    """Return a project or team as a place where roles are given."""
    kind = ScopeKind.PROJECT if isinstance(thing, Project) else ScopeKind.TEAM
    return role_bindings.Scope(kind, thing.pk, thing.name)


def role_choices(_user: Person) -> list[tuple[str, str]]:
    """Return the roles by key."""
    return [(role.key, str(role.name)) for role in own_roles.every()]


def place_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return whether a role is given here or comes from above."""
    return [(HERE, _("here")), (ABOVE, _("from above"))]


def _about(row: dict[str, Any]) -> str:
    return str(row["about"])


class MemberList(listing.Listing):
    """Members of the thing in `scope` (`on`, a project or team the person may see).

    What is given on the owning team or on everything holds here too: it is shown as inherited, with names where the
    person may see members there and as a count of people where not.
    """

    key = "members"
    title = _("Members")
    permission = Permission.MEMBER_VIEW
    empty_reason = _("Nobody has a role here in particular; roles on everything count too.")
    pick_name = "pick"
    columns: ClassVar[Any] = (
        Column("name", _("Member"), href=lambda row: row["page"], absent=_("not shown to you")),
        Column("kind", _("Kind"), "state", states=KINDS, on_page=False),
        Column("about", _("About"), show=_about),
        Column("role", _("Role"), show=lambda row: row["role_name"], href=lambda row: row["edit"]),
        Column("where", _("From"), absent=_("here")),
        Column("state", _("State"), "state", states=standing.states()),
        Column("expires_at", _("Ends"), "instant", absent=_("does not end")),
        Column("reason", _("Reason")),
        Column("created_by", _("Given by")),
        Column("created_at", _("Since"), "instant", absent=_("not shown"), on_page=False),
        Column("people", _("People"), "number", on_page=False),
        Column("groups_as_of", _("Group read"), "instant", absent=_("no group"), on_page=False),
        Column("id", _("Id"), absent=_("not shown"), on_page=False),
    )
    filters = (
        Filter("name", _("Name"), "text"),
        Filter("role", _("Role"), choices=role_choices, lookup="role"),
        Filter("from", _("From"), choices=place_choices, lookup="place"),
    )
    orders = {
        "name": ("rank", "name", "key"),
        "role": ("role", "name", "key"),
        "expires_at": ("expires_at", "key"),
        "created_at": ("created_at", "key"),
    }

    def __init__(self, **scope: Any) -> None:
        super().__init__(**scope)
        if scope.get("may_edit"):
            self.select_key = "pick"  # type: ignore[misc] # who looks decides whether rows can be chosen

    def rows(self, user: Person, params: listing.Params) -> Any:
        """In memory: what holds on one project or team is at most hundreds of bindings."""
        on: Project | Team = self.scope["on"]
        found = self._bindings(on, params)
        shown, hidden = _parted(found, user, on)
        rows = [*self._rows(shown, user, params), *_counted(hidden, params)]
        wanted = (params.filters["name"] or "").casefold()
        return [row for row in rows if wanted in (row["name"] or "").casefold()]

    def _bindings(self, on: Project | Team, params: listing.Params) -> list[Binding]:
        here = scope_of(on)
        at, kept = params.at, params.at - timedelta(days=memberships.ENDED_SHOWN_DAYS)
        own = Q(scope_kind=here.kind, scope_id=here.id) & (Q(expires_at=None) | Q(expires_at__gt=kept))
        above = Q(scope_kind=ScopeKind.EVERYTHING)
        if isinstance(on, Project):
            owner = selectors.team_of(on)
            above |= Q(scope_kind=ScopeKind.TEAM, scope_id=owner.pk if owner else None)
        there = Q(user__is_active=True) | Q(group__isnull=False, group__gone_at=None)
        means = role_rules.meaningful_on(here.kind)
        useful = [role.key for role in own_roles.every() if role.permissions & means]
        rows = Binding.objects.filter(own | (above & (Q(expires_at=None) | Q(expires_at__gt=at)) & Q(role__in=useful)))
        return list(rows.filter(there).select_related("user", "group__provider").order_by("created_at", "pk"))

    def _rows(self, found: list[Binding], user: Person, params: listing.Params) -> Iterable[dict[str, Any]]:
        groups = {one.group_id for one in found if one.group_id}
        counts, read = memberships.members(groups, params.at), memberships.groups_as_of(groups)
        names = {role.key: str(role.name) for role in own_roles.every()}
        here = scope_of(self.scope["on"])
        sees_people = user.may(Permission.USER_VIEW)
        for one in found:
            is_here = (one.scope_kind, one.scope_id) == (here.kind, here.id)
            people = counts.get(one.group_id, 0) if one.group_id else 1
            yield {
                "key": str(one.pk),
                "rank": 0 if is_here else 1,
                "place": HERE if is_here else ABOVE,
                "name": one.holder,
                "page": reverse("accounts:person", args=[one.user.username]) if one.user and sees_people else "",
                "kind": one.user.kind if one.user else "group",
                "about": _words(one, people, read.get(one.group_id) if one.group_id else None, params.at),
                "role": one.role,
                "role_name": names.get(one.role, one.role),
                "edit": reverse("accounts:binding", args=[one.pk]),
                "where": None if is_here else _place(one),
                "state": standing.state_of(one.expires_at, params.at, is_suspended=one.is_suspended),
                "expires_at": one.expires_at,
                "reason": one.reason,
                "created_by": one.created_by,
                "created_at": one.created_at,
                "people": people,
                "groups_as_of": read.get(one.group_id) if one.group_id else None,
                "id": one.pk,
                "pick": str(one.pk) if is_here and self.scope.get("may_edit") else "",
            }


def may_edit(user: Person, on: Project | Team) -> bool:
    """Tell whether the person may give and take away roles there."""
    return granting.may_edit(cast(User, user), scope_of(on))


def _parted(found: list[Binding], user: Person, on: Project | Team) -> tuple[list[Binding], list[Binding]]:
    """Bindings whose names the person may see, and the others."""
    seen = user.scopes_for(Permission.MEMBER_VIEW)
    shown: list[Binding] = []
    hidden: list[Binding] = []
    for one in found:
        kind = one.scope_kind
        is_open = (
            seen.everything
            or (kind == ScopeKind.TEAM and one.scope_id in seen.teams)
            or (kind == ScopeKind.PROJECT and one.scope_id == on.pk)
        )
        (shown if is_open else hidden).append(one)
    return shown, hidden


def _counted(hidden: list[Binding], params: listing.Params) -> Iterable[dict[str, Any]]:
    """One row per role and place: how many people have it, without names."""
    names = {role.key: str(role.name) for role in own_roles.every()}
    places = {(one.role, one.scope_kind): one for one in hidden}
    for (role, kind), first in sorted(places.items(), key=lambda item: item[0]):
        same = [one for one in hidden if (one.role, one.scope_kind) == (role, kind)]
        people = len(memberships.people(same, params.at))
        yield {
            "key": f"~{kind}:{role}",
            "rank": 2,
            "place": ABOVE,
            "name": None,
            "page": "",
            "kind": "hidden",
            "about": _people(people),
            "role": role,
            "role_name": names.get(role, role),
            "edit": "",
            "where": _place(first),
            "state": "holds",
            "expires_at": None,
            "reason": "",
            "created_by": "",
            "created_at": None,
            "people": people,
            "groups_as_of": None,
            "id": None,
            "pick": "",
        }


def _words(binding: Binding, people: int, read: Any, at: Any) -> str:
    if binding.group is None:
        name = binding.user.display_name if binding.user else ""
        is_robot = binding.user is not None and binding.user.kind == ROBOT
        return " · ".join(filter(None, [_now("robot") if is_robot else "", name]))
    age = _now("read %s") % formats.ago(read, at) if read else _now("never read")
    return f"{binding.group.provider.name} · {_people(people)} · {age}"


def _people(count: int) -> str:
    return ngettext("%(n)s person", "%(n)s people", count) % {"n": formats.number(count)}


def _place(binding: Binding) -> str:
    if binding.scope_kind == ScopeKind.EVERYTHING:
        return _now("everything")
    return _now("team %s") % binding.scope_label
