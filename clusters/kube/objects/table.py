"""The kinds Paddock reads, written out. A new one is one line here, beside its module."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

import msgspec

from clusters.kube.objects import (
    autoscaler,
    custom_resource,
    disruption_budget,
    ingress,
    limit_range,
    namespace,
    network_policy,
    node,
    occurrence,
    pod,
    quota,
    rbac,
    service,
    service_account,
    storage_class,
    volume,
    volume_claim,
    workload,
)
from clusters.kube.objects.metadata import Item

Row = msgspec.Struct


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is Paddock's key for the stream; `table` the inventory table it fills (six kinds share workload).

    `extract` turns an item into the row of the kind's module; its hints name the struct an object is decoded into
    (`Item`, or one with fields beside spec and status) and the row. It raises `metadata.Odd` for an object whose
    parts do not fit, which is to be set aside and counted. Without the right to read what is `essential` a cluster
    is not attached; any other kind is "not visible" and the rest goes on. `page_limit` bounds the pages of objects
    that are large; `with_body` says whether the whole object is kept for a detail page.
    """

    name: str
    kubernetes_kind: str
    table: str
    path: str
    namespaced: bool
    extract: Callable[[Any], Row]
    essential: bool = False
    page_limit: int = 5_000
    with_body: bool = True

    @property
    def group(self) -> str:
        """ "" for the core group."""
        parts = self.path.split("/")
        return parts[2] if parts[1] == "apis" else ""

    @property
    def resource(self) -> str:
        return self.path.rsplit("/", 1)[1]

    @property
    def item(self) -> type[Item]:
        """The struct an object is decoded into."""
        found: type[Item] = _hints(self.extract)["item"]
        return found

    @property
    def row(self) -> type[Row]:
        """The struct `extract` returns."""
        found: type[Row] = _hints(self.extract)["return"]
        return found


@cache
def _hints(extract: Callable[[Any], Row]) -> dict[str, Any]:
    return get_type_hints(extract)


_RBAC = "/apis/rbac.authorization.k8s.io/v1"

KINDS: tuple[Kind, ...] = (
    Kind("namespace", "Namespace", "namespace", "/api/v1/namespaces", False, namespace.extract, True),
    Kind("node", "Node", "node", "/api/v1/nodes", False, node.extract, True),
    Kind("pod", "Pod", "pod", "/api/v1/pods", True, pod.extract, True),
    Kind("deployment", "Deployment", "workload", "/apis/apps/v1/deployments", True, workload.extract_deployment, True),
    Kind(
        "stateful_set",
        "StatefulSet",
        "workload",
        "/apis/apps/v1/statefulsets",
        True,
        workload.extract_stateful_set,
        True,
    ),
    Kind("daemon_set", "DaemonSet", "workload", "/apis/apps/v1/daemonsets", True, workload.extract_daemon_set, True),
    Kind(
        "replica_set", "ReplicaSet", "workload", "/apis/apps/v1/replicasets", True, workload.extract_replica_set, True
    ),
    Kind("job", "Job", "workload", "/apis/batch/v1/jobs", True, workload.extract_job, True),
    Kind("cron_job", "CronJob", "workload", "/apis/batch/v1/cronjobs", True, workload.extract_cron_job, True),
    Kind("service", "Service", "service", "/api/v1/services", True, service.extract, True),
    Kind(
        "volume_claim",
        "PersistentVolumeClaim",
        "volume_claim",
        "/api/v1/persistentvolumeclaims",
        True,
        volume_claim.extract,
        True,
    ),
    Kind("volume", "PersistentVolume", "volume", "/api/v1/persistentvolumes", False, volume.extract, True),
    Kind("quota", "ResourceQuota", "quota", "/api/v1/resourcequotas", True, quota.extract, True),
    Kind("role_binding", "RoleBinding", "kube_role_binding", f"{_RBAC}/rolebindings", True, rbac.extract_binding),
    Kind(
        "cluster_role_binding",
        "ClusterRoleBinding",
        "kube_cluster_binding",
        f"{_RBAC}/clusterrolebindings",
        False,
        rbac.extract_binding,
    ),
    Kind("role", "Role", "kube_role", f"{_RBAC}/roles", True, rbac.extract_role),
    Kind("cluster_role", "ClusterRole", "kube_cluster_role", f"{_RBAC}/clusterroles", False, rbac.extract_cluster_role),
    Kind(
        "service_account", "ServiceAccount", "service_account", "/api/v1/serviceaccounts", True, service_account.extract
    ),
    Kind("limit_range", "LimitRange", "limit_range", "/api/v1/limitranges", True, limit_range.extract),
    Kind(
        "network_policy",
        "NetworkPolicy",
        "network_policy",
        "/apis/networking.k8s.io/v1/networkpolicies",
        True,
        network_policy.extract,
    ),
    Kind("ingress", "Ingress", "ingress", "/apis/networking.k8s.io/v1/ingresses", True, ingress.extract),
    Kind(
        "disruption_budget",
        "PodDisruptionBudget",
        "disruption_budget",
        "/apis/policy/v1/poddisruptionbudgets",
        True,
        disruption_budget.extract,
    ),
    Kind(
        "autoscaler",
        "HorizontalPodAutoscaler",
        "autoscaler",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        True,
        autoscaler.extract,
    ),
    Kind(
        "storage_class",
        "StorageClass",
        "storage_class",
        "/apis/storage.k8s.io/v1/storageclasses",
        False,
        storage_class.extract,
    ),
    Kind(
        "custom_resource",
        "CustomResourceDefinition",
        "custom_resource",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        False,
        custom_resource.extract,
        page_limit=50,
        with_body=False,
    ),
    Kind("occurrence", "Event", "occurrence", "/api/v1/events", True, occurrence.extract, with_body=False),
)
BY_NAME = {kind.name: kind for kind in KINDS}
NAMESPACE, NODE, POD = BY_NAME["namespace"], BY_NAME["node"], BY_NAME["pod"]
OCCURRENCE = BY_NAME["occurrence"]
