"""The roles: a table in code. Bindings store the key, so keys stand for ever."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission as P
from portal.access.scopes import ScopeKind as S


@dataclass(frozen=True)
class Role:
    """A named set of permissions, and the kinds of scope it can be given on."""

    key: str
    name: str | Promise
    description: str | Promise
    scopes: frozenset[S]
    permissions: frozenset[P]


_EVERYTHING, _CLUSTER, _TEAM, _PROJECT = (frozenset({kind}) for kind in (S.EVERYTHING, S.CLUSTER, S.TEAM, S.PROJECT))
_READ_PROJECT = frozenset({P.PROJECT_VIEW, P.TEAM_VIEW, P.INVENTORY_VIEW, P.MEMBER_VIEW})
_OWN = frozenset(
    {
        P.PROJECT_EDIT,
        P.NAMESPACE_CREATE,
        P.NAMESPACE_DELETE,
        P.COST_VIEW,
        P.BINDING_EDIT,
        P.ROBOT_EDIT,
        P.ACCESS_EXPLAIN,
        P.AUDIT_VIEW,
    }
)
_COST = frozenset({P.COST_VIEW, P.PROJECT_VIEW, P.TEAM_VIEW})

_ALL = (
    Role(
        "admin",
        _("Administrator"),
        _("Clusters, projects, people, jobs and the audit. Sees no cost without Finance."),
        _EVERYTHING,
        frozenset(P) - {P.COST_VIEW, P.PRICE_VIEW, P.PRICE_EDIT},
    ),
    Role(
        "auditor",
        _("Auditor"),
        _("Reads the audit, people, bindings and jobs. Changes nothing."),
        _EVERYTHING,
        frozenset(
            {
                P.AUDIT_VIEW,
                P.USER_VIEW,
                P.MEMBER_VIEW,
                P.ACCESS_EXPLAIN,
                P.PROVIDER_VIEW,
                P.OUTBOX_VIEW,
                P.JOB_VIEW,
                P.CLUSTER_VIEW,
                P.PROJECT_VIEW,
                P.TEAM_VIEW,
            }
        ),
    ),
    Role(
        "finance",
        _("Finance"),
        _("All cost and prices. Sees no workloads."),
        _EVERYTHING,
        _COST | {P.PRICE_VIEW, P.PRICE_EDIT},
    ),
    Role(
        "policy_admin",
        _("Policy administrator"),
        _("Policies, once they are there."),
        _EVERYTHING,
        frozenset(),
    ),
    Role(
        "catalog_admin",
        _("Catalog administrator"),
        _("Chart sources, once they are there."),
        _EVERYTHING,
        frozenset(),
    ),
    Role(
        "cluster_owner",
        _("Cluster owner"),
        _("One cluster: its state, its contents, attaching and detaching."),
        _CLUSTER,
        frozenset({P.CLUSTER_VIEW, P.CLUSTER_EDIT, P.CLUSTER_WRITE, P.INVENTORY_VIEW}),
    ),
    Role(
        "cluster_viewer",
        _("Cluster viewer"),
        _("Reads one cluster."),
        _CLUSTER,
        frozenset({P.CLUSTER_VIEW, P.INVENTORY_VIEW}),
    ),
    Role(
        "team_owner",
        _("Team owner"),
        _("A team, its projects, their members, namespaces and cost."),
        _TEAM,
        _READ_PROJECT | _OWN | {P.TEAM_EDIT, P.QUOTA_EDIT},
    ),
    Role(
        "project_owner",
        _("Project owner"),
        _("A project: its members, namespaces, workloads, settings and cost."),
        _PROJECT,
        _READ_PROJECT | _OWN,
    ),
    Role(
        "project_member",
        _("Project member"),
        _("Works in a project."),
        _PROJECT,
        _READ_PROJECT | {P.COST_VIEW},
    ),
    Role(
        "project_viewer",
        _("Project viewer"),
        _("Reads a project, without its cost."),
        _PROJECT,
        _READ_PROJECT,
    ),
    Role(
        "deployer",
        _("Deployer"),
        _("Installs apps into a project, once they are there."),
        _PROJECT,
        frozenset(),
    ),
    Role("cost_viewer", _("Cost viewer"), _("Reads the cost of a project or a team."), _PROJECT | _TEAM, _COST),
)
ROLES: dict[str, Role] = {role.key: role for role in _ALL}


def granting(permission: P) -> list[str]:
    """Return the keys of the roles that hold the permission."""
    return [role.key for role in _ALL if permission in role.permissions]
