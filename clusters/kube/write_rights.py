"""What Paddock may do in a cluster at the tier "projects": as data, and as a manifest a cluster administrator applies.

The account writes what holds a project together and can become nobody: it may bind two roles by name, and holds
neither `escalate` nor `impersonate`, reads no Secret, and writes no role and no binding of the whole cluster. What
people of a project may do is a list of Paddock's own: Kubernetes' `edit` may impersonate service accounts and make
their tokens, and `admin` may write bindings, so that whoever was removed could have stayed.
"""

from dataclasses import dataclass

from clusters.kube import rights

ACCOUNT = "paddock-manage"
ROLE = "paddock-manage"
EDIT, VIEW = "paddock-edit", "paddock-view"
RBAC = "rbac.authorization.k8s.io"
# An apply is a patch, and where nothing is there yet a create as well. What is there, the account that reads knows.
WRITE = ("create", "patch", "delete")
CHANGE = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
READ = ("get", "list", "watch")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of RBAC; `names` empty means all objects."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the rule as a role has it."""
        found: dict[str, object] = {"apiGroups": [self.group], "resources": list(self.resources)}
        return found | ({"resourceNames": list(self.names)} if self.names else {}) | {"verbs": list(self.verbs)}


MANAGE = (
    Rule("", ("namespaces", "limitranges"), WRITE),
    # A quota is read right before it is lowered: each new pod changes what is used.
    Rule("", ("resourcequotas",), ("get", *WRITE)),
    Rule("networking.k8s.io", ("networkpolicies",), WRITE),
    Rule(RBAC, ("rolebindings",), WRITE),
    Rule(RBAC, ("clusterroles",), ("bind",), (EDIT, VIEW)),
)
# No secrets, roles, bindings, tokens of service accounts, nodes.
PEOPLE_EDIT = (
    Rule("", ("pods", "services", "configmaps", "persistentvolumeclaims"), CHANGE),
    Rule("apps", ("deployments", "statefulsets", "daemonsets", "replicasets"), CHANGE),
    Rule("apps", ("deployments/scale", "statefulsets/scale", "replicasets/scale"), ("get", "update", "patch")),
    Rule("batch", ("jobs", "cronjobs"), CHANGE),
    Rule("autoscaling", ("horizontalpodautoscalers",), CHANGE),
    Rule("networking.k8s.io", ("ingresses",), CHANGE),
    Rule("policy", ("poddisruptionbudgets",), CHANGE),
    Rule("", ("pods/exec", "pods/attach", "pods/portforward", "pods/eviction"), ("create",)),
)
PEOPLE_VIEW = (
    Rule("", ("pods", "services", "configmaps", "persistentvolumeclaims"), READ),
    Rule("", ("pods/log",), ("get",)),
    Rule("", ("events", "endpoints", "limitranges", "resourcequotas", "serviceaccounts"), READ),
    Rule("", ("namespaces",), ("get",)),
    Rule("apps", ("deployments", "statefulsets", "daemonsets", "replicasets"), READ),
    Rule("batch", ("jobs", "cronjobs"), READ),
    Rule("autoscaling", ("horizontalpodautoscalers",), READ),
    Rule("networking.k8s.io", ("ingresses", "networkpolicies"), READ),
    Rule("policy", ("poddisruptionbudgets",), READ),
    Rule("discovery.k8s.io", ("endpointslices",), READ),
    Rule("events.k8s.io", ("events",), READ),
    Rule("metrics.k8s.io", ("pods",), ("get", "list")),
)


def manifests() -> str:
    """YAML to apply beside that of the tier "read": the account, its role and binding, the roles of people."""
    documents: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": _metadata(rights.NAMESPACE)},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(ACCOUNT, rights.NAMESPACE)},
        _role(ROLE, MANAGE),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": _metadata(ACCOUNT),
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": rights.NAMESPACE}],
        },
        _role(EDIT, (*PEOPLE_EDIT, *PEOPLE_VIEW)),
        _role(VIEW, PEOPLE_VIEW),
    ]
    return "---\n".join(rights.dumped(document) for document in documents)


def _metadata(name: str, namespace: str = "") -> dict[str, object]:
    found: dict[str, object] = {"name": name, "labels": dict(rights.LABELS)}
    return found | ({"namespace": namespace} if namespace else {})


def _role(name: str, rules: tuple[Rule, ...]) -> dict[str, object]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(name),
        "rules": [rule.as_dict() for rule in rules],
    }
