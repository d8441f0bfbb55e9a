"""api/v1 of the room: the rows of the lists."""

from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from clusters.inventory import lists
from clusters.inventory.models import Namespace, Node, Pod, Workload
from portal.access.permissions import Permission
from portal.core.listing import ApiList

LIST = {"list": Permission.INVENTORY_VIEW}


class Workloads(ApiList, GenericViewSet[Workload]):
    """Workloads over all clusters."""

    permissions = LIST
    listing = lists.WorkloadList


class Pods(ApiList, GenericViewSet[Pod]):
    """Pods over all clusters."""

    permissions = LIST
    listing = lists.PodList


class Nodes(ApiList, GenericViewSet[Node]):
    """Nodes over all clusters."""

    permissions = LIST
    listing = lists.NodeList


class Namespaces(ApiList, GenericViewSet[Namespace]):
    """Namespaces over all clusters."""

    permissions = LIST
    listing = lists.NamespaceList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("workloads", Workloads, "workloads"),
    ("pods", Pods, "pods"),
    ("nodes", Nodes, "nodes"),
    ("namespaces", Namespaces, "namespaces"),
]
