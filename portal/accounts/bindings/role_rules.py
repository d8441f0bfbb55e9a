"""Rules about sets of permissions: where one means something, and what a role becomes in clusters. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.access import roles
from portal.access.permissions import Permission
from portal.access.roles import Role
from portal.access.scopes import ScopeKind

# Role in Paddock -> what its people are in each namespace, largest first. Other roles are nothing in clusters.
NAMESPACE_ROLES = {
    "team_owner": "paddock-edit",
    "project_owner": "paddock-edit",
    "project_member": "paddock-edit",
    "project_viewer": "paddock-view",
}
# The same for the groups that a cluster's manifest binds, one pair for each cluster.
CLUSTER_ROLES = {"cluster_owner": "paddock:cluster:…:owner", "cluster_viewer": "paddock:cluster:…:viewer"}


@dataclass(frozen=True)
class InClusters:
    """The built-in role that a role counts as in clusters, and the Kubernetes name that goes with it."""

    role: Role
    name: str


def meaningful_on(kind: ScopeKind) -> frozenset[Permission]:
    """Return the permissions that can be given on a kind of scope: those that a role of the table has there."""
    if kind == ScopeKind.EVERYTHING:
        return frozenset(Permission)
    return frozenset(one for role in roles.ROLES.values() if kind in role.scopes for one in role.permissions)


def misplaced(permissions: Iterable[Permission], kinds: Iterable[ScopeKind]) -> dict[ScopeKind, list[Permission]]:
    """Return, by kind of scope, the permissions that mean nothing there."""
    wanted = frozenset(permissions)
    found = {kind: wanted - meaningful_on(kind) for kind in kinds}
    return {kind: [one for one in Permission if one in wrong] for kind, wrong in found.items() if wrong}


def in_clusters(permissions: Iterable[Permission], kinds: Iterable[ScopeKind]) -> list[InClusters]:
    """Return what the permissions become in clusters: the largest role they wholly contain, by kind of scope.

    Roles on everything, and those that contain none of them, become nothing.
    """
    held, places = frozenset(permissions), frozenset(kinds)
    found = []
    for table, places_of_table in (
        (NAMESPACE_ROLES, {ScopeKind.TEAM, ScopeKind.PROJECT}),
        (CLUSTER_ROLES, {ScopeKind.CLUSTER}),
    ):
        if not places & places_of_table:
            continue
        whole = [key for key in table if roles.ROLES[key].permissions <= held]
        if whole:
            found.append(InClusters(roles.ROLES[whole[0]], table[whole[0]]))
    return found
