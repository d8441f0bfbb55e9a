"""Whether a person may do something to a thing, and the chain that says so: account, group, binding, role."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Value
from django.utils.translation import gettext as _

from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import ScopeKind, Scopes
from portal.accounts.bindings import own_roles
from portal.accounts.models import Binding, User
from portal.accounts.models.people import ROBOT
from portal.accounts.models.rights import fresh
from portal.accounts.selectors import standing


@dataclass(frozen=True)
class Thing:
    """What may be asked about: where it lies. A project lies in its team, a namespace in all three."""

    label: str
    team: UUID | None = None
    project: UUID | None = None
    cluster: UUID | None = None

    def inside(self, held: Scopes) -> bool:
        """Tell whether it lies in the scopes."""
        return held.covers(**self._named()) if self._named() else held.everything

    def binding_filter(self) -> Q:
        """Return the condition on bindings whose scope holds it."""
        found = Q(scope_kind=ScopeKind.EVERYTHING)
        for kind, key in self._named().items():
            found |= Q(scope_kind=kind, scope_id=key)
        return found

    def _named(self) -> dict[str, UUID]:
        named = {"team": self.team, "project": self.project, "cluster": self.cluster}
        return {kind: key for kind, key in named.items() if key is not None}


EVERYTHING = Thing("")


@dataclass(frozen=True)
class Chain:
    """One way a right reaches a person. `named` is false where the asker may not know group and binding."""

    username: str
    account: str
    group: str
    role: str
    scope: str
    ends: datetime | None
    binding_id: UUID
    named: bool = True

    @property
    def role_name(self) -> str:
        """The role in words, its key where it is gone."""
        return own_roles.name_of(self.role)


@dataclass(frozen=True)
class Verdict:
    """Allowed or not; the chains that allow it, or the reasons why not and what would help."""

    allowed: bool
    chains: Sequence[Chain]
    reasons: Sequence[str]
    giving: Sequence[str]


def why(user: User, permission: Permission, thing: Thing, *, asker: Scopes, at: datetime) -> Verdict:
    """Explain one person's right. `asker` is where whoever asks may know of groups and bindings."""
    chains = [
        Chain(
            user.username,
            held.provider_key or _("local"),
            held.group_name,
            held.role,
            held.scope_label or held.scope_kind.value,
            held.expires_at,
            held.binding_id,
            _may_know(asker, held.scope_kind, held.scope_id, thing),
        )
        for held in user.rights()
        if permission in held.permissions and _holds(held.scope_kind, held.scope_id, thing)
    ]
    if user.kind == ROBOT and permission in PERSONAL:
        chains = []
    giving = [str(role.name) for role in own_roles.every() if permission in role.permissions]
    reasons = [] if chains else _reasons(user, permission, thing, asker, at)
    return Verdict(bool(chains), chains, reasons, giving)


def who_may(permission: Permission, thing: Thing, *, asker: Scopes, at: datetime) -> list[dict[str, Any]]:
    """Return everybody who may do something to a thing, one row for each chain, ordered by name."""
    keys = [role.key for role in own_roles.every() if permission in role.permissions]
    bindings = Binding.objects.in_force(at).filter(thing.binding_filter(), role__in=keys)
    people = standing(User.objects.all())
    if permission in PERSONAL:
        people = people.exclude(kind=ROBOT)
    own: Iterable[Any] = bindings.filter(user__in=people).values(
        "scope_kind",
        "scope_id",
        "scope_label",
        "role",
        "expires_at",
        binding_id=F("id"),
        username=F("user__username"),
        display_name=F("user__display_name"),
        group_name=Value(""),
        provider=Value(""),
    )
    member = "group__memberships__identity__"
    through: Iterable[Any] = bindings.filter(
        fresh(at, member), group__gone_at=None, **{f"{member}user__in": people}
    ).values(
        "scope_kind",
        "scope_id",
        "scope_label",
        "role",
        "expires_at",
        binding_id=F("id"),
        username=F(f"{member}user__username"),
        display_name=F(f"{member}user__display_name"),
        group_name=F("group__name"),
        provider=F("group__provider__key"),
    )
    return [_row(row, asker, thing) for row in sorted([*own, *through], key=_order)]


def _order(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["username"], row["role"], str(row["binding_id"])


def _row(row: dict[str, Any], asker: Scopes, thing: Thing) -> dict[str, Any]:
    named = _may_know(asker, ScopeKind(row.pop("scope_kind")), row.pop("scope_id"), thing)
    label = row.pop("scope_label")
    shown = {"role_name": own_roles.name_of(row["role"]), "scope": label or _("everything")}
    if not named:
        hidden = {"role": "", "role_name": _("a role outside"), "scope": _("outside"), "expires_at": None}
        return row | shown | hidden | {"group_name": "", "provider": "", "binding_id": None}
    return row | shown


def _holds(kind: ScopeKind, key: UUID | None, thing: Thing) -> bool:
    named = {ScopeKind.TEAM: thing.team, ScopeKind.PROJECT: thing.project, ScopeKind.CLUSTER: thing.cluster}
    return kind == ScopeKind.EVERYTHING or (key is not None and named[kind] == key)


def _may_know(asker: Scopes, kind: ScopeKind, key: UUID | None, thing: Thing) -> bool:
    if asker.everything or kind == ScopeKind.EVERYTHING:
        return asker.everything
    # A project's binding is known to whoever may ask about its team.
    team = thing.team if kind in {ScopeKind.TEAM, ScopeKind.PROJECT} else None
    return asker.covers(
        team=team,
        project=key if kind == ScopeKind.PROJECT else None,
        cluster=key if kind == ScopeKind.CLUSTER else None,
    )


def _reasons(user: User, permission: Permission, thing: Thing, asker: Scopes, at: datetime) -> list[str]:
    """Say why not, most telling first."""
    if not user.is_active:
        return [_("The account is deactivated.")]
    if not user.in_force():
        return [_("Nobody can sign in to this account: its provider is disabled, or it is gone or disabled there.")]
    found = []
    keys = [role.key for role in own_roles.every() if permission in role.permissions]
    near = Binding.objects.filter(thing.binding_filter(), role__in=keys)
    if user.kind == ROBOT and permission in PERSONAL:
        found.append(_("No robot may do this."))
    for binding in near.in_force(at).filter(
        ~fresh(at, "group__memberships__identity__"), group__memberships__identity__user=user
    ):
        name = binding.group.name if binding.group and _knows(asker, binding, thing) else _("a group")
        found.append(
            _("A right through %(group)s is suspended: what is known of the membership is too old.") % {"group": name}
        )
    for binding in near.filter(user=user, expires_at__lte=at):
        if _knows(asker, binding, thing):
            found.append(
                _("%(role)s ended on %(day)s.")
                % {"role": own_roles.name_of(binding.role), "day": f"{binding.expires_at:%Y-%m-%d %H:%M} UTC"}
            )
    held_elsewhere = user.may(permission)
    if held_elsewhere and asker.everything:
        found.append(_("The permission is held, but elsewhere."))
    found.append(_("No role that is held here gives it."))
    return found


def _knows(asker: Scopes, binding: Binding, thing: Thing) -> bool:
    return _may_know(asker, ScopeKind(binding.scope_kind), binding.scope_id, thing)
