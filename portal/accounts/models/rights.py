"""Where rights come from: the one reading of bindings, behind the gate and behind every explanation of access."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import (
    CharField,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    UUIDField,
    Value,
)

from portal.access import roles
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.models.bindings import CUSTOM, Binding, CustomRole
from portal.accounts.models.providers import ACTIVE, Identity

_COLUMNS = ("id", "role", "scope_kind", "scope_id", "scope_label", "expires_at")


@dataclass(frozen=True, slots=True)
class Held:
    """One binding that works for a person now, with the way it reaches them."""

    binding_id: UUID
    role: str
    permissions: frozenset[Permission]
    scope_kind: ScopeKind
    scope_id: UUID | None
    scope_label: str
    expires_at: datetime | None
    group_id: UUID | None = None
    group_name: str = ""
    provider_key: str = ""
    identity_id: UUID | None = None


def held_by(user_id: UUID, *, at: datetime) -> list[Held]:
    """Return every binding in force for the person, their own and those of their groups.

    A group counts while it stands, while its provider is enabled and the account active there, and while what is
    known of the person's groups is young enough (`Provider.max_age_seconds`).
    """
    own = Binding.objects.in_force(at).filter(user_id=user_id)
    rows = list(
        own.values_list(
            *_COLUMNS,
            Value(None, UUIDField()),
            Value("", CharField()),
            Value("", CharField()),
            Value(None, UUIDField()),
        ).union(
            _by_groups(user_id, at).values_list(
                *_COLUMNS,
                "group_id",
                "group__name",
                "group__provider__key",
                "group__memberships__identity_id",
            ),
            all=True,
        )
    )
    known = permissions_of(row[1] for row in rows)
    return [Held(row[0], row[1], known[row[1]], ScopeKind(row[2]), *row[3:]) for row in rows if row[1] in known]


def permissions_of(keys: Iterable[str]) -> Mapping[str, frozenset[Permission]]:
    """Return what each role gives, of the table in code and of the installation's own; unknown keys are left out."""
    wanted = set(keys)
    found = {key: roles.ROLES[key].permissions for key in wanted if key in roles.ROLES}
    own = {key for key in wanted if key.startswith(CUSTOM)}
    if own:
        found |= {role.key: role.known_permissions() for role in CustomRole.objects.filter(key__in=own)}
    return found


def can_sign_in(user_id: UUID) -> bool:
    """Tell whether some account of an enabled provider is this person's."""
    return Identity.objects.filter(user_id=user_id, state=ACTIVE, provider__enabled=True).exists()


def fresh(at: datetime, identity: str = "") -> Q:
    """Return the condition that what is known of an identity's groups still counts. `identity` is a look-up prefix."""
    age = ExpressionWrapper(
        F(f"{identity}provider__max_age_seconds") * Value(timedelta(seconds=1), DurationField()), DurationField()
    )
    oldest = ExpressionWrapper(Value(at, DateTimeField()) - age, DateTimeField())
    return Q(
        **{
            f"{identity}state": ACTIVE,
            f"{identity}provider__enabled": True,
            f"{identity}groups_as_of__gt": oldest,
        }
    )


def _by_groups(user_id: UUID, at: datetime) -> QuerySet[Binding, Any]:
    member = "group__memberships__identity__"
    found: QuerySet[Binding, Any] = Binding.objects.in_force(at).filter(
        fresh(at, member), group__gone_at=None, **{f"{member}user_id": user_id}
    )
    return found
