"""What pages about bindings show: finished values for the templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access import words
from portal.access.permissions import Permission
from portal.access.roles import Role
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import granting, impact, memberships, own_roles, role_bindings, searching
from portal.accounts.models import Binding, OutsideGroup, User
from portal.core import formats, parts


@dataclass(frozen=True)
class Lacking:
    """A role that somebody cannot give, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Losing:
    """One line of what is about to be taken away."""

    id: str
    who: str
    what: str


def lacking(cannot: Sequence[tuple[Role, Sequence[Permission]]]) -> list[Lacking]:
    """Return the roles that are not offered, each with what the person does not hold there."""
    text = _("you do not hold: %s")
    return [Lacking(str(role.name), text % words.listed(missing)) for role, missing in cannot]


def preview(
    scope: role_bindings.Scope, role: Role, holder: User | OutsideGroup | None, *, by: Person, at: datetime
) -> str:
    """Say what giving the role would do: how many people get what, in how many namespaces."""
    people = 1
    if isinstance(holder, OutsideGroup):
        people = memberships.members([holder.pk], at).get(holder.pk, 0)
    place = memberships.reach([Binding(scope_kind=scope.kind.value, scope_id=scope.id)])
    return impact.sentence(role.permissions, people, impact.estate(by, place, at))


def losing(bindings: Sequence[Binding], at: datetime) -> list[Losing]:
    """Return who loses what."""
    groups = memberships.members([one.group_id for one in bindings if one.group_id], at)
    return [Losing(str(one.pk), _who(one, groups), _what(one)) for one in bindings]


def facts(binding: Binding, at: datetime) -> list[parts.Fact]:
    """Return what is to be known of one binding."""
    role = own_roles.find(binding.role)
    found = [
        parts.Fact(_("Holder"), _who(binding, memberships.members([binding.group_id] if binding.group_id else [], at))),
        parts.Fact(_("Role"), str(role.name) if role else binding.role),
        parts.Fact(
            _("Lets them"), words.listed(role.permissions) if role and role.permissions else None, absent=_("nothing")
        ),
        where_fact(binding),
        parts.Fact(
            _("Ends"),
            f"{formats.ago(binding.expires_at, at)} ({formats.instant(binding.expires_at)})"
            if binding.expires_at
            else _("does not end"),
        ),
        parts.Fact(_("Reason"), binding.reason or None, absent=_("none given")),
        parts.Fact(
            _("Given"),
            _("%(when)s by %(who)s") % {"when": formats.instant(binding.created_at), "who": binding.created_by},
        ),
    ]
    if binding.group_id:
        read = memberships.groups_as_of([binding.group_id]).get(binding.group_id)
        found.append(parts.Fact(_("Members as of"), formats.ago(read, at) if read else None, absent=_("never read")))
    return found


def where_fact(binding: Binding) -> parts.Fact:
    """Return where it holds, as a link where there is a page."""
    place = memberships.page_of(binding.scope_kind, binding.scope_id)
    kind = words.SCOPES[ScopeKind(binding.scope_kind)]
    if place is None:
        return parts.Fact(_("On"), f"{kind}: {binding.scope_label}" if binding.scope_label else str(kind))
    return parts.Fact(_("On"), place[0], url=place[1])


def back_to(binding: Binding, person: Person) -> str:
    """Return the page to go to after a change: that of the scope, else the list of bindings."""
    place = memberships.page_of(binding.scope_kind, binding.scope_id)
    if place is not None and binding.scope_kind in {ScopeKind.TEAM, ScopeKind.PROJECT}:
        return place[1]
    return reverse("accounts:bindings") if person.may(Permission.USER_VIEW) else "/"


def givable(user: User, scope: role_bindings.Scope) -> tuple[list[Role], list[Lacking]]:
    """Return the roles the person can give there, and the others with the reason."""
    can, cannot = granting.givable(user, scope)
    return can, lacking(cannot)


def value_of(holder: User | OutsideGroup) -> str:
    """Return what the form carries for somebody who was chosen."""
    kind: searching.Kind = "group" if isinstance(holder, OutsideGroup) else "person"
    return f"{kind}:{holder.pk}"


def _who(binding: Binding, groups: Mapping[UUID, int]) -> str:
    if binding.group is None:
        return binding.holder
    count = groups.get(binding.group.pk, 0)
    people = ngettext("%(n)s person", "%(n)s people", count) % {"n": formats.number(count)}
    return _("%(group)s, group of %(provider)s: %(people)s") % {
        "group": binding.group.name,
        "provider": binding.group.provider.name,
        "people": people,
    }


def _what(binding: Binding) -> str:
    role = own_roles.find(binding.role)
    rights = words.listed(role.permissions) if role else ""
    name = str(role.name) if role else binding.role
    return f"{name}: {rights}" if rights else name
