"""One object of each kind that a real server accepts, with fields beside spec and status where the kind has them."""

from typing import Any

Body = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"


def _body(version: str, kind: str, name: str, namespace: str, **parts: Any) -> Body:
    metadata: Body = {"name": name, "labels": {"made-for": "test"}}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def role_binding(name: str, namespace: str, *, group: str = "shop-people") -> Body:
    return _body(
        f"{RBAC}/v1",
        "RoleBinding",
        name,
        namespace,
        roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
        subjects=[
            {"kind": "Group", "apiGroup": RBAC, "name": group},
            {"kind": "ServiceAccount", "name": "builder", "namespace": namespace or "default"},
        ],
    )


def cluster_role_binding(name: str) -> Body:
    found = role_binding(name, "")
    return found | {"kind": "ClusterRoleBinding"}


RULES = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"], "resourceNames": ["web"]}]


def role(name: str, namespace: str) -> Body:
    return _body(f"{RBAC}/v1", "Role", name, namespace, rules=RULES)


def cluster_role(name: str) -> Body:
    rules = [*RULES, {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]
    return _body(f"{RBAC}/v1", "ClusterRole", name, "", rules=rules)


def service_account(name: str, namespace: str) -> Body:
    return _body(
        "v1",
        "ServiceAccount",
        name,
        namespace,
        automountServiceAccountToken=False,
        imagePullSecrets=[{"name": "registry"}],
    )


def limit_range(name: str, namespace: str) -> Body:
    limit = {
        "type": "Container",
        "default": {"cpu": "500m"},
        "defaultRequest": {"cpu": "100m"},
        "max": {"cpu": "2"},
    }
    return _body("v1", "LimitRange", name, namespace, spec={"limits": [limit]})


def network_policy(name: str, namespace: str) -> Body:
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}],
    }
    spec = {"podSelector": selector, "policyTypes": ["Ingress", "Egress"], "ingress": [{}]}
    return _body("networking.k8s.io/v1", "NetworkPolicy", name, namespace, spec=spec)


def ingress(name: str, namespace: str) -> Body:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
    spec = {
        "ingressClassName": "public",
        "rules": [{"host": "shop.example.org", "http": paths}],
        "tls": [{"hosts": ["shop.example.org"], "secretName": "shop-tls"}],
    }
    return _body("networking.k8s.io/v1", "Ingress", name, namespace, spec=spec)


def disruption_budget(name: str, namespace: str) -> Body:
    spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}}
    return _body("policy/v1", "PodDisruptionBudget", name, namespace, spec=spec)


def autoscaler(name: str, namespace: str) -> Body:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 9,
        "metrics": [metric],
    }
    return _body("autoscaling/v2", "HorizontalPodAutoscaler", name, namespace, spec=spec)


def storage_class(name: str) -> Body:
    found = _body(
        "storage.k8s.io/v1",
        "StorageClass",
        name,
        "",
        provisioner="disk.example.org",
        reclaimPolicy="Retain",
        volumeBindingMode="WaitForFirstConsumer",
        allowVolumeExpansion=True,
    )
    found["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    return found


def custom_resource(plural: str) -> Body:
    """`plural` is its name before the group example.org, and its kind in lower case with an s."""
    kind = plural.removesuffix("s").capitalize()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [
        {"name": "v1", "served": True, "storage": True, "schema": schema},
        {"name": "v1alpha1", "served": False, "storage": False, "schema": schema},
    ]
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    spec = {"group": "example.org", "scope": "Namespaced", "names": names, "versions": versions}
    return _body("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.example.org", "", spec=spec)


def occurrence(name: str, namespace: str, *, count: int = 3, reason: str = "FailedCreate", about: str = "web") -> Body:
    return _body(
        "v1",
        "Event",
        name,
        namespace,
        involvedObject={"kind": "ReplicaSet", "namespace": namespace, "name": about, "uid": f"uid-of-{about}"},
        type="Warning",
        reason=reason,
        message="pods is forbidden: exceeded quota: limits",
        source={"component": "replicaset-controller"},
        count=count,
        firstTimestamp="2026-11-23T10:00:00Z",
        lastTimestamp="2026-11-23T10:05:00Z",
    )


# By resource, what makes one out of a name (and a namespace).
NAMESPACED = {
    "rolebindings.rbac.authorization.k8s.io": role_binding,
    "roles.rbac.authorization.k8s.io": role,
    "serviceaccounts": service_account,
    "limitranges": limit_range,
    "networkpolicies.networking.k8s.io": network_policy,
    "ingresses.networking.k8s.io": ingress,
    "poddisruptionbudgets.policy": disruption_budget,
    "horizontalpodautoscalers.autoscaling": autoscaler,
    "events": occurrence,
}
CLUSTER_WIDE = {
    "clusterrolebindings.rbac.authorization.k8s.io": cluster_role_binding,
    "clusterroles.rbac.authorization.k8s.io": cluster_role,
    "storageclasses.storage.k8s.io": storage_class,
    "customresourcedefinitions.apiextensions.k8s.io": custom_resource,
}
