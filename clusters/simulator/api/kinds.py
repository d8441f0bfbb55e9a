"""The kinds a simulated cluster serves, and its discovery documents."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]

METRICS = "metrics.k8s.io"
TEMPLATES = "templates.gatekeeper.sh"
CONSTRAINTS = "constraints.gatekeeper.sh"
AUTHORIZATION = "authorization.k8s.io"

READ_VERBS = ("get", "list", "watch")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
COMMON_FIELDS = ("metadata.name", "metadata.namespace")
REVIEWS = {
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
    "selfsubjectrulesreviews": "SelfSubjectRulesReview",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """`fields`: field selectors beyond name and namespace. List items of a `custom` kind name their kind."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    custom: bool = False

    @property
    def key(self) -> str:
        """As kubectl writes it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)

EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")),
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
RBAC, NETWORK = "rbac.authorization.k8s.io", "networking.k8s.io"

BUILT_IN = (
    Kind("", "v1", "namespaces", "Namespace", False, ("ns",), ("status.phase",)),
    Kind("", "v1", "nodes", "Node", False, ("no",), ("spec.unschedulable",)),
    Kind("", "v1", "pods", "Pod", True, ("po",), POD_FIELDS),
    Kind("", "v1", "services", "Service", True, ("svc",), ("spec.clusterIP", "spec.type")),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",)),
    Kind("", "v1", "persistentvolumes", "PersistentVolume", False, ("pv",)),
    Kind("", "v1", "resourcequotas", "ResourceQuota", True, ("quota",)),
    Kind("apps", "v1", "deployments", "Deployment", True, ("deploy",)),
    Kind("apps", "v1", "statefulsets", "StatefulSet", True, ("sts",)),
    Kind("apps", "v1", "daemonsets", "DaemonSet", True, ("ds",)),
    Kind("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",), ("status.replicas",)),
    Kind("batch", "v1", "jobs", "Job", True, (), ("status.successful",)),
    Kind("batch", "v1", "cronjobs", "CronJob", True, ("cj",)),
    Kind(RBAC, "v1", "rolebindings", "RoleBinding"),
    Kind(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", False),
    Kind(RBAC, "v1", "roles", "Role"),
    Kind(RBAC, "v1", "clusterroles", "ClusterRole", False),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    Kind("", "v1", "limitranges", "LimitRange", True, ("limits",)),
    Kind("", "v1", "events", "Event", True, ("ev",), EVENT_FIELDS),
    Kind(NETWORK, "v1", "networkpolicies", "NetworkPolicy", True, ("netpol",)),
    Kind(NETWORK, "v1", "ingresses", "Ingress", True, ("ing",)),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", True, ("pdb",)),
    Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, ("hpa",)),
    Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", False, ("sc",)),
    Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False, ("crd", "crds")),
)
# Served and written, but no part of what a reader of the estate is given.
UNREAD = (
    Kind("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
    Kind("", "v1", "secrets", "Secret", True, (), ("type",)),
)
POD = next(kind for kind in BUILT_IN if kind.key == "pods")
SERVICE_ACCOUNT = next(kind for kind in BUILT_IN if kind.key == "serviceaccounts")

OPTIONAL = {
    METRICS: (
        Kind(METRICS, "v1beta1", "nodes", "NodeMetrics", False, verbs=("get", "list")),
        Kind(METRICS, "v1beta1", "pods", "PodMetrics", True, verbs=("get", "list")),
    ),
    TEMPLATES: (Kind(TEMPLATES, "v1", "constrainttemplates", "ConstraintTemplate", False, custom=True),),
}


def constraint_kind(template: Body) -> Kind:
    """The constraint kind a ConstraintTemplate brings into the cluster."""
    name = str(template["spec"]["crd"]["spec"]["names"]["kind"])
    return Kind(CONSTRAINTS, "v1beta1", name.lower(), name, False, custom=True)


class Catalogue:
    """Every kind and group of one cluster; a group without kinds still stands in discovery, as `name/v1`."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._kinds: dict[str, Kind] = {kind.key: kind for kind in (*BUILT_IN, *UNREAD)}
        self._bare: set[str] = set()
        for group in groups:
            for kind in OPTIONAL.get(group, ()):
                self.add(kind)
            if group not in OPTIONAL:
                self._bare.add(group)

    def add(self, kind: Kind) -> None:
        self._kinds[kind.key] = kind

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def by_key(self, key: str) -> Kind | None:
        return self._kinds.get(key)

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        kind = self._kinds.get(f"{plural}.{group}" if group else plural)
        return kind if kind and kind.version == version else None

    def versions(self) -> dict[str, str]:
        """The one version of each named group."""
        found = {kind.group: kind.version for kind in self._kinds.values() if kind.group}
        return found | {group: "v1" for group in sorted(self._bare | {AUTHORIZATION}) if group not in found}

    def has_group(self, group: str) -> bool:
        return not group or group in self.versions()

    def has_version(self, group: str, version: str) -> bool:
        return version == (self.versions().get(group) if group else "v1")

    def group_list(self) -> Body:
        groups = [_group(name, version) for name, version in self.versions().items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def group(self, name: str) -> Body | None:
        version = self.versions().get(name)
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, version) if version else None

    def resource_list(self, group: str, version: str) -> Body:
        resources = [_resource(kind) for kind in self._kinds.values() if kind.group == group]
        if group == AUTHORIZATION:
            resources += [_review(plural, name) for plural, name in REVIEWS.items()]
        group_version = f"{group}/{version}" if group else version
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": group_version,
            "resources": resources,
        }


def api_versions() -> Body:
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443"}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def _group(name: str, version: str) -> Body:
    one = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [one], "preferredVersion": one}


def _resource(kind: Kind) -> Body:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    } | ({"shortNames": list(kind.short)} if kind.short else {})


def _review(plural: str, name: str) -> Body:
    return {
        "name": plural,
        "singularName": name.lower(),
        "namespaced": False,
        "kind": name,
        "verbs": ["create"],
    }
