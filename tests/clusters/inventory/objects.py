"""Kubernetes objects as a cluster would serve them, small."""

from typing import Any

Body = dict[str, Any]

STARTED = "2026-03-01T10:00:00Z"


def namespace(name: str, **labels: str) -> Body:
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Active"}}


def node(name: str, cpu: str = "4", memory: str = "16Gi", **labels: str) -> Body:
    size = {"cpu": cpu, "memory": memory, "pods": "110"}
    return {
        "metadata": {
            "name": name,
            "labels": {"node.kubernetes.io/instance-type": "m6i.xlarge", "topology.kubernetes.io/region": "eu-1"}
            | labels,
        },
        "spec": {"providerID": f"aws:///eu-1/{name}"},
        "status": {
            "capacity": size,
            "allocatable": size,
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.33.4"},
        },
    }


def pod(
    name: str,
    namespace: str = "shop",
    *,
    node: str = "n1",
    cpu: str = "500m",
    memory: str = "1Gi",
    started: str | None = STARTED,
    finished: str | None = None,
    phase: str = "Running",
    restarts: int = 0,
    owner: tuple[str, str] | None = None,
    deleting: str | None = None,
    labels: dict[str, str] | None = None,
    uid: str = "",
) -> Body:
    if finished:
        state: Body = {"terminated": {"startedAt": started, "finishedAt": finished, "reason": "Completed"}}
    else:
        state = {"running": {"startedAt": started}} if started else {"waiting": {"reason": "ContainerCreating"}}
    metadata: Body = {"name": name, "namespace": namespace, "labels": labels or {}}
    if uid:
        metadata["uid"] = uid
    if owner:
        kind, owner_name = owner
        metadata["ownerReferences"] = [
            {"kind": kind, "name": owner_name, "uid": f"uid-of-{owner_name}", "controller": True}
        ]
    if deleting:
        metadata["deletionTimestamp"] = deleting
    return {
        "metadata": metadata,
        "spec": {
            "nodeName": node,
            "containers": [
                {"name": "main", "image": "web:1", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
            ],
        },
        "status": {
            "phase": phase,
            "containerStatuses": [
                {
                    "name": "main",
                    "restartCount": restarts,
                    "ready": phase == "Running" and bool(started),
                    "state": state,
                }
            ],
        },
    }


def deployment(name: str, namespace: str = "shop", *, replicas: int = 2, ready: int = 2) -> Body:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"name": "main", "image": f"{name}:1"}]}},
        },
        "status": {
            "replicas": replicas,
            "readyReplicas": ready,
            "updatedReplicas": replicas,
            "availableReplicas": ready,
        },
    }


def service(name: str, namespace: str = "shop", type: str = "LoadBalancer") -> Body:  # noqa: A002 - the API's word
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"type": type, "clusterIP": "10.0.0.1"}}


def volume(name: str, size: str = "10Gi", claim: tuple[str, str] | None = None) -> Body:
    spec: Body = {"capacity": {"storage": size}, "storageClassName": "fast"}
    if claim:
        spec["claimRef"] = {"namespace": claim[0], "name": claim[1], "uid": f"uid-of-{claim[1]}"}
    return {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Bound" if claim else "Available"}}


def claim(name: str, namespace: str = "shop", volume: str = "", size: str = "10Gi") -> Body:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "volumeName": volume,
            "storageClassName": "fast",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        },
        "status": {"phase": "Bound", "capacity": {"storage": size}},
    }


def quota(name: str, namespace: str = "shop") -> Body:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hard": {"requests.cpu": "10"}},
        "status": {"hard": {"requests.cpu": "10"}, "used": {"requests.cpu": "1500m"}},
    }


def shop(pods: int = 3) -> dict[str, list[Body]]:
    """One of everything, and some pods."""
    return {
        "namespaces": [namespace("shop", team="red")],
        "nodes": [node("n1"), node("n2")],
        "pods": [pod(f"web-{number}", owner=("ReplicaSet", "web-abc")) for number in range(pods)],
        "deployments_apps": [deployment("web")],
        "services": [service("front"), service("inside", type="ClusterIP")],
        "persistentvolumeclaims": [claim("data", volume="pv-1")],
        "persistentvolumes": [volume("pv-1", claim=("shop", "data"))],
        "resourcequotas": [quota("limits")],
    }
