"""Everything a person or a job can be allowed to do."""

from enum import StrEnum


class Permission(StrEnum):
    """`noun.verb`. The text is stored on no row: bindings store role keys, code names these members."""

    CLUSTER_VIEW = "cluster.view"
    CLUSTER_EDIT = "cluster.edit"
    CLUSTER_WRITE = "cluster.write"
    INVENTORY_VIEW = "inventory.view"
    TEAM_VIEW = "team.view"
    TEAM_EDIT = "team.edit"
    PROJECT_VIEW = "project.view"
    PROJECT_EDIT = "project.edit"
    PROJECT_ASSIGN = "project.assign"
    NAMESPACE_CREATE = "namespace.create"
    NAMESPACE_DELETE = "namespace.delete"
    QUOTA_EDIT = "quota.edit"
    COST_VIEW = "cost.view"
    PRICE_VIEW = "price.view"
    PRICE_EDIT = "price.edit"
    JOB_VIEW = "job.view"
    JOB_MANAGE = "job.manage"
    USER_VIEW = "user.view"
    USER_EDIT = "user.edit"
    USER_RESET = "user.reset"
    MEMBER_VIEW = "member.view"
    BINDING_EDIT = "binding.edit"
    ROLE_EDIT = "role.edit"
    ROBOT_EDIT = "robot.edit"
    ACCESS_EXPLAIN = "access.explain"
    ACCESS_VIEW_AS = "access.view_as"
    PROVIDER_VIEW = "provider.view"
    PROVIDER_EDIT = "provider.edit"
    SESSION_MANAGE = "session.manage"
    OUTBOX_VIEW = "outbox.view"
    OUTBOX_EDIT = "outbox.edit"
    AUDIT_VIEW = "audit.view"
    DEMO_EDIT = "demo.edit"


# What no token and no robot may do, and what a person does only shortly after signing in: whoever can change these
# can become somebody else.
PERSONAL = frozenset(
    {
        Permission.BINDING_EDIT,
        Permission.ROLE_EDIT,
        Permission.ROBOT_EDIT,
        Permission.USER_EDIT,
        Permission.USER_RESET,
        Permission.PROVIDER_EDIT,
        Permission.SESSION_MANAGE,
        Permission.ACCESS_VIEW_AS,
        Permission.CLUSTER_WRITE,
        Permission.NAMESPACE_DELETE,
    }
)
