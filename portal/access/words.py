"""What each permission lets people do, in words that follow "may"."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission as P
from portal.access.scopes import ScopeKind

WORDS: dict[P, str | Promise] = {
    P.CLUSTER_VIEW: _("see clusters"),
    P.CLUSTER_EDIT: _("attach and detach clusters"),
    P.CLUSTER_WRITE: _("choose what Paddock may write in clusters, and take over or remove what it finds there"),
    P.INVENTORY_VIEW: _("see workloads"),
    P.TEAM_VIEW: _("see teams"),
    P.TEAM_EDIT: _("change teams"),
    P.PROJECT_VIEW: _("see projects"),
    P.PROJECT_EDIT: _("change projects"),
    P.PROJECT_ASSIGN: _("put namespaces into projects"),
    P.NAMESPACE_CREATE: _("create namespaces"),
    P.NAMESPACE_DELETE: _("delete namespaces"),
    P.QUOTA_EDIT: _("set quotas and decide on requests for more"),
    P.COST_VIEW: _("see costs"),
    P.PRICE_VIEW: _("see prices"),
    P.PRICE_EDIT: _("change prices"),
    P.JOB_VIEW: _("see jobs"),
    P.JOB_MANAGE: _("retry and cancel jobs"),
    P.USER_VIEW: _("see people"),
    P.USER_EDIT: _("add and deactivate people"),
    P.USER_RESET: _("reset passwords"),
    P.MEMBER_VIEW: _("see members"),
    P.BINDING_EDIT: _("give and take away roles"),
    P.ROLE_EDIT: _("change roles"),
    P.ROBOT_EDIT: _("manage robots"),
    P.ACCESS_EXPLAIN: _("explain access"),
    P.ACCESS_VIEW_AS: _("view the portal as others"),
    P.PROVIDER_VIEW: _("see sign-in providers"),
    P.PROVIDER_EDIT: _("change sign-in providers"),
    P.SESSION_MANAGE: _("end sessions of others"),
    P.OUTBOX_VIEW: _("see the outbox"),
    P.OUTBOX_EDIT: _("send messages again"),
    P.AUDIT_VIEW: _("read the audit"),
    P.DEMO_EDIT: _("remove the demo"),
}
SCOPES: dict[ScopeKind, str | Promise] = {
    ScopeKind.EVERYTHING: _("everything"),
    ScopeKind.TEAM: _("a team"),
    ScopeKind.PROJECT: _("a project"),
    ScopeKind.CLUSTER: _("a cluster"),
}


def word(permission: P) -> str:
    """Return the words of a permission, its key where none are written yet."""
    return str(WORDS.get(permission, permission.value))


def listed(permissions: Iterable[P]) -> str:
    """Return the words of several, in the order of the table of permissions."""
    wanted = set(permissions)
    return ", ".join(word(one) for one in P if one in wanted)
