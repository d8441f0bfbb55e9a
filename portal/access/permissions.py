"""Everything a person or a job can be allowed to do."""

from enum import StrEnum


class Permission(StrEnum):
    """`noun.verb`. The text is stored on no row: bindings store role keys, code names these members."""

    CLUSTER_VIEW = "cluster.view"
    CLUSTER_EDIT = "cluster.edit"
    INVENTORY_VIEW = "inventory.view"
    TEAM_VIEW = "team.view"
    TEAM_EDIT = "team.edit"
    PROJECT_VIEW = "project.view"
    PROJECT_EDIT = "project.edit"
    PROJECT_ASSIGN = "project.assign"
    COST_VIEW = "cost.view"
    PRICE_VIEW = "price.view"
    PRICE_EDIT = "price.edit"
    JOB_VIEW = "job.view"
    JOB_MANAGE = "job.manage"
    USER_VIEW = "user.view"
    USER_EDIT = "user.edit"
    BINDING_EDIT = "binding.edit"
    AUDIT_VIEW = "audit.view"
    DEMO_EDIT = "demo.edit"
