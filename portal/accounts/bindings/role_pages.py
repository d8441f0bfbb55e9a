"""What pages about roles show: finished values for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access import words
from portal.access.permissions import PERSONAL, Permission
from portal.access.roles import Role
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import impact, own_roles, role_rules
from portal.accounts.bindings.role_forms import RoleForm
from portal.accounts.bindings.role_services import Change
from portal.accounts.models import Binding, CustomRole
from portal.accounts.models.bindings import CUSTOM
from portal.core import formats, parts


@dataclass(frozen=True)
class Head:
    """A column of the matrix: a role, how often it is given, and whether it can be changed."""

    name: str
    url: str
    given: int
    is_own: bool


@dataclass(frozen=True)
class MatrixRow:
    """A permission and, role by role, whether it is in it."""

    key: str
    word: str
    personal: bool
    cells: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Matrix:
    """Permissions by roles."""

    heads: Sequence[Head]
    rows: Sequence[MatrixRow]


def matrix(at: datetime) -> Matrix:
    """Return all permissions by all roles."""
    every = own_roles.every()
    given: dict[str, int] = {}
    for key in Binding.objects.in_force(at).values_list("role", flat=True).iterator():
        given[key] = given.get(key, 0) + 1
    heads = [
        Head(
            str(role.name),
            reverse("accounts:role", args=[role.key]),
            given.get(role.key, 0),
            role.key.startswith(CUSTOM),
        )
        for role in every
    ]
    rows = [
        MatrixRow(
            one.value, words.word(one), one in PERSONAL, [(str(role.name), one in role.permissions) for role in every]
        )
        for one in Permission
    ]
    return Matrix(heads, rows)


def facts(role: Role, own: CustomRole | None) -> list[parts.Fact]:
    """Return what is to be known of a role."""
    found = [
        parts.Fact(_("Key"), role.key, mono=True),
        parts.Fact(
            _("Can be given on"), ", ".join(str(words.SCOPES[kind]) for kind in ScopeKind if kind in role.scopes)
        ),
        parts.Fact(_("Lets people"), words.listed(role.permissions) or None, absent=_("nothing yet")),
        parts.Fact(_("In clusters"), become(_becomes(role)) or None, absent=_("nothing")),
    ]
    if own is not None:
        made = _("%(when)s by %(who)s") % {"when": formats.instant(own.created_at), "who": own.created_by}
        found.append(parts.Fact(_("Added"), made))
    return found


def lines(change: Change) -> list[parts.Fact]:
    """Return what a change does, in words."""
    found = [
        parts.Fact(_("Adds"), words.listed(change.added) or None, absent=_("nothing")),
        parts.Fact(_("Takes away"), words.listed(change.removed) or None, absent=_("nothing")),
        parts.Fact(_("Touches"), touched(change)),
    ]
    now, before = become(change.in_clusters), become(change.was_in_clusters)
    text = _("%(now)s (before: %(before)s)") % {"now": now or _("nothing"), "before": before or _("nothing")}
    found.append(parts.Fact(_("In clusters"), text if now != before else now or None, absent=_("nothing")))
    return found


def touched(change: Change) -> str:
    """Say `41 people (2 groups among them) in 12 clusters, 3 projects, 1,234.00 USD last month`."""
    if not change.bindings:
        return _("nobody: the role is not given to anybody")
    who = ngettext("%(n)s person", "%(n)s people", change.people) % {"n": formats.number(change.people)}
    if change.groups:
        through = ngettext("%(n)s group", "%(n)s groups", change.groups) % {"n": formats.number(change.groups)}
        who = _("%(who)s (through %(groups)s too)") % {"who": who, "groups": through}
    place = change.estate
    text = _("%(who)s in %(clusters)s, %(projects)s") % {
        "who": who,
        "clusters": impact.clusters(place.clusters),
        "projects": impact.projects(place.projects),
    }
    if change.money is None:
        return _("%s; their cost is not shown to you") % text
    if change.money.amount is None:
        return _("%s; without cost last month") % text
    return _("%(text)s, %(amount)s last month") % {
        "text": text,
        "amount": formats.money(change.money.amount, change.money.currency),
    }


def become(found: Sequence[role_rules.InClusters]) -> str:
    """Say `becomes project viewer (paddock-view)`."""
    return ", ".join(
        _("becomes %(role)s (%(name)s)") % {"role": str(one.role.name).lower(), "name": one.name} for one in found
    )


def sent(form: RoleForm) -> list[tuple[str, str]]:
    """Return the form's values one by one, for the hidden fields of the preview."""
    data = form.cleaned_data
    single = [("name", data["name"]), ("description", data["description"])]
    return [*single, *(("kinds", one) for one in data["kinds"]), *(("permissions", one) for one in data["permissions"])]


def _becomes(role: Role) -> list[role_rules.InClusters]:
    """What a role is in clusters; one of the table is what the table says and nothing else."""
    if role.key.startswith(CUSTOM):
        return role_rules.in_clusters(role.permissions, role.scopes)
    name = {**role_rules.NAMESPACE_ROLES, **role_rules.CLUSTER_ROLES}.get(role.key)
    return [role_rules.InClusters(role, name)] if name else []
