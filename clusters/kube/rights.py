"""What Paddock may do in a cluster at the tier "read": as data, as manifests, and as questions to the cluster."""

import json
from dataclasses import dataclass

import yaml

from clusters.kube.objects.table import KINDS

NAMESPACE = "paddock-system"
ACCOUNT = "paddock-read"
ROLE = "paddock"
LABELS = {"app.kubernetes.io/name": "paddock", "app.kubernetes.io/managed-by": "paddock"}
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

# A list shows all that a get would, so the sync asks for no get but that of kube-system, the cluster's identity.
READ_VERBS = ("list", "watch")
NAMED_VERBS = {"namespace": ("get", "list", "watch")}


@dataclass(frozen=True, slots=True)
class Right:
    """`group` is "" for the core group. Over all namespaces. What is optional only makes a page poorer."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    optional: bool = False

    @property
    def name(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


# One per kind of the inventory, and the use that the metrics API reports. Secrets are not among them.
READ: tuple[Right, ...] = (
    *(
        Right(kind.group, kind.resource, NAMED_VERBS.get(kind.name, READ_VERBS), optional=not kind.essential)
        for kind in KINDS
    ),
    Right("metrics.k8s.io", "nodes", ("get", "list"), optional=True),
    Right("metrics.k8s.io", "pods", ("get", "list"), optional=True),
)


def access_review(right: Right, verb: str) -> bytes:
    """The body of a SelfSubjectAccessReview: to be posted to ACCESS_REVIEWS."""
    attributes = {"group": right.group, "resource": right.resource, "verb": verb}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return json.dumps(review).encode()


def manifests() -> str:
    """YAML to apply: namespace, service account, ClusterRole and its binding. Holds no secret."""
    labels = dict(LABELS)
    documents: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": NAMESPACE, "labels": labels},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": ROLE, "labels": labels},
            "rules": _rules(),
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": ACCOUNT, "labels": labels},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        },
    ]
    return "---\n".join(dumped(document) for document in documents)


def _rules() -> list[dict[str, object]]:
    resources: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for right in READ:
        resources.setdefault((right.group, right.verbs), []).append(right.resource)
    return [
        {"apiGroups": [group], "resources": names, "verbs": list(verbs)} for (group, verbs), names in resources.items()
    ]


class _Plain(yaml.SafeDumper):
    """Repeats what repeats: a reader of the manifest should not have to follow aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def dumped(document: dict[str, object]) -> str:
    """Return one document as YAML."""
    return str(yaml.dump(document, Dumper=_Plain, sort_keys=False, default_flow_style=False))
