"""Objects that a real server accepts as they are and that the simulator shows as a real server would."""

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]


def namespace(name: str) -> Body:
    labels = {"kubernetes.io/metadata.name": name}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
        "status": {"phase": "Active"},
    }


def pod(namespace: str, name: str, *, labels: Mapping[str, str | None] | None = None, node: str = "") -> Body:
    """Pending, as a pod without kubelet stays; labels that are None are left out."""
    kept = {key: value for key, value in (labels or {}).items() if value is not None}
    spec: Body = {"containers": [{"name": "main", "image": "registry.example.test/main:1"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": kept},
        "spec": spec | ({"nodeName": node} if node else {}),
        "status": {"phase": "Pending"},
    }


def deployment(namespace: str, name: str) -> Body:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod(namespace, name)["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
