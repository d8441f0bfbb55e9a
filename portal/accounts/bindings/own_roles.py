"""All roles: the table in code and the installation's own, in one shape."""

from portal.access import roles, scopes
from portal.access.roles import Role
from portal.accounts.models import CustomRole
from portal.accounts.models.bindings import CUSTOM


def find(key: str) -> Role | None:
    """Return the role with the key, None where there is none."""
    if not key.startswith(CUSTOM):
        return roles.ROLES.get(key)
    own = CustomRole.objects.filter(key=key).first()
    return _as_role(own) if own else None


def name_of(key: str) -> str:
    """Return a role's name, its key where the role is gone."""
    role = find(key)
    return str(role.name) if role else key


def every() -> list[Role]:
    """Return the roles of the table, then the installation's own by name."""
    return [*roles.ROLES.values(), *(_as_role(own) for own in CustomRole.objects.order_by("name"))]


def on(kind: scopes.ScopeKind) -> list[Role]:
    """Return the roles that can be given on a kind of scope."""
    return [role for role in every() if kind in role.scopes]


def _as_role(own: CustomRole) -> Role:
    kinds = frozenset(kind for kind in scopes.ScopeKind if kind.value in own.scope_kinds)
    return Role(own.key, own.name, own.description, kinds, own.known_permissions())
