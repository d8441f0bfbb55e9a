"""Where rights come from: the one reading of bindings, behind the gate and behind every explanation of access."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import (
    Aggregate,
    BinaryField,
    Case,
    CharField,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Greatest

from portal.access import roles
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.models.bindings import CUSTOM, Binding, CustomRole
from portal.accounts.models.providers import ACTIVE, Identity

_COLUMNS = ("id", "role", "scope_kind", "scope_id", "scope_label", "expires_at")
# Stand for person and instant where a statement is built to be kept: no row has either.
_SOMEBODY, _SOMETIME = UUID(int=0), datetime(1, 1, 1, tzinfo=UTC)


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
    own, by_groups = _in_force(user_id, at)
    rows = list(
        own.values_list(
            *_COLUMNS,
            Value(None, UUIDField()),
            Value("", CharField()),
            Value("", CharField()),
            Value(None, UUIDField()),
        ).union(
            by_groups.values_list(
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


@dataclass(frozen=True, slots=True)
class Places:
    """Where one role is held: what of `Held` the gate asks, and nothing to show to anybody."""

    permissions: frozenset[Permission]
    scope_kind: ScopeKind
    scope_ids: frozenset[UUID | None]


def places_of(user_id: UUID, *, at: datetime) -> list[Places]:
    """Return the same bindings as `held_by`, folded by role and kind of scope by the database."""
    statement, parameters = _places_statement()
    filled = [user_id if one == _SOMEBODY else at if one == _SOMETIME else one for one in parameters]
    with connection.cursor() as cursor:
        cursor.execute(statement, filled)
        rows = cursor.fetchall()
    known = permissions_of(row[0] for row in rows)
    return [Places(known[row[0]], ScopeKind(row[1]), _unpacked(row[2])) for row in rows if row[0] in known]


def folded(held: Iterable[Held]) -> list[Places]:
    """Return what was read in full as the gate asks it."""
    return [Places(one.permissions, one.scope_kind, frozenset([one.scope_id])) for one in held]


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
    """Return the condition that what is known of an identity's groups still counts. `identity` is a look-up prefix.

    It is as old as the later of two: what was read for this account (its last sign-in), and the last whole reading of
    its provider. An account that was never read itself has no share in the latter.
    """
    age = ExpressionWrapper(
        F(f"{identity}provider__max_age_seconds") * Value(timedelta(seconds=1), DurationField()), DurationField()
    )
    oldest = ExpressionWrapper(Value(at, DateTimeField()) - age, DateTimeField())
    young = Q(**{f"{identity}groups_as_of__gt": oldest}) | Q(
        **{f"{identity}groups_as_of__isnull": False, f"{identity}provider__groups_read_at__gt": oldest}
    )
    return Q(**{f"{identity}state": ACTIVE, f"{identity}provider__enabled": True}) & young


def groups_as_of(identity: str = "") -> Case:
    """Return `Identity.groups_known_at` for lists: the instant that `fresh` judges. `identity` is a look-up prefix."""
    own = F(f"{identity}groups_as_of")
    both = Greatest(own, F(f"{identity}provider__groups_read_at"))
    shared = Q(**{f"{identity}state": ACTIVE, f"{identity}groups_as_of__isnull": False})
    return Case(When(shared, then=both), default=own, output_field=DateTimeField())


def _in_force(user_id: UUID, at: datetime) -> tuple[QuerySet[Binding, Any], QuerySet[Binding, Any]]:
    """The one definition of what is held: the person's own bindings, and those of their groups."""
    member = "group__memberships__identity__"
    own: QuerySet[Binding, Any] = Binding.objects.in_force(at).filter(user_id=user_id)
    by_groups: QuerySet[Binding, Any] = Binding.objects.in_force(at).filter(
        fresh(at, member), group__gone_at=None, **{f"{member}user_id": user_id}
    )
    return own, by_groups


class _Packed(Aggregate):
    """Identifiers one after the other, sixteen bytes each; NULL where all of them are."""

    template = "string_agg(uuid_send(%(expressions)s), ''::bytea)"
    output_field = BinaryField()


@cache
def _places_statement() -> tuple[str, tuple[Any, ...]]:
    """The statement of `places_of`, built once: building it takes as long as answering it."""
    own, by_groups = (
        found.order_by().values_list("role", "scope_kind").annotate(packed=_Packed("scope_id"))
        for found in _in_force(_SOMEBODY, _SOMETIME)
    )
    statement, parameters = own.union(by_groups, all=True).query.sql_with_params()
    return statement, tuple(parameters)


def _unpacked(packed: Any) -> frozenset[UUID | None]:
    if packed is None:
        return frozenset([None])
    octets = bytes(packed)
    return frozenset(_identifier(octets[start : start + 16]) for start in range(0, len(octets), 16))


@lru_cache(maxsize=1 << 14)
def _identifier(octets: bytes) -> UUID:
    """Kept because making one takes longer than anything else here; it says nothing of who holds what."""
    return UUID(bytes=octets)
