"""Service accounts with a token, bound to a ClusterRole."""

import dataclasses
from collections.abc import Sequence

from tests.testbed import api

TOKEN_SECONDS = 10 * 3600

# What a tool that looks and does not touch needs at most. Secrets are not in it.
READ_ALL: tuple[api.Json, ...] = (
    {
        "apiGroups": [""],
        "resources": [
            "configmaps",
            "events",
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "services",
        ],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": ["apps", "batch", "autoscaling", "storage.k8s.io", "metrics.k8s.io"],
        "resources": ["*"],
        "verbs": ["get", "list", "watch"],
    },
)


@dataclasses.dataclass(frozen=True)
class Account:
    """`user` is the name by which the server knows it, as in access reviews."""

    user: str
    token: str


def create(
    server: api.Api, *, name: str, rules: Sequence[api.Json] = (), role: str = "", namespace: str = "default"
) -> Account:
    """Bound to a new ClusterRole of its own name holding `rules`, or to `role`, or to nothing."""
    where = {"name": name, "namespace": namespace}
    server.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where})
    if rules:
        role = name
        server.create(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": name},
                "rules": list(rules),
            }
        )
    if role:
        server.create(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount"} | where],
            }
        )
    return Account(f"system:serviceaccount:{namespace}:{name}", token(server, name, namespace=namespace))


def token(server: api.Api, name: str, *, namespace: str = "default", seconds: int = TOKEN_SECONDS) -> str:
    """A new token of an account; the server refuses less than 600 seconds."""
    path = api.path_of("ServiceAccount", name, namespace=namespace, subresource="token")
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    return str(server.ask("POST", path, body=asked)["status"]["token"])
