"""Objects as servers write them."""

from typing import Any


def pod(number: int = 1, **parts: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "metadata": {
            "name": f"web-{number}",
            "namespace": "shop",
            "uid": f"uid-{number}",
            "resourceVersion": str(1000 + number),
            "creationTimestamp": "2026-03-01T10:00:00Z",
            "labels": {"app": "web"},
            "annotations": {"note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": "web", "uid": "rs-1", "controller": True, "apiVersion": "apps/v1"}
            ],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {"name": "web", "image": "web:1", "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}}}
            ],
        },
        "status": {
            "phase": "Running",
            "qosClass": "Burstable",
            "containerStatuses": [
                {
                    "restartCount": 2,
                    "ready": True,
                    "state": {"running": {"startedAt": "2026-03-01T10:00:05Z"}},
                    "lastState": {
                        "terminated": {
                            "startedAt": "2026-03-01T10:00:02Z",
                            "finishedAt": "2026-03-01T10:00:04Z",
                            "reason": "Error",
                        }
                    },
                }
            ],
        },
    }
    return {**made, **parts}


def page(items: list[Any], *, kind: str = "PodList", version: str = "2000", token: str = "") -> dict[str, Any]:
    metadata = {"resourceVersion": version, **({"continue": token} if token else {})}
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items}


def event(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": item}


def bookmark(version: str) -> dict[str, Any]:
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": version}})
