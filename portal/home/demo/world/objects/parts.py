"""What objects of every kind are put together from."""

from datetime import datetime
from typing import Any

from portal.home.demo.catalogue.shapes import App, Space
from portal.home.demo.world.lives import Owner

Body = dict[str, Any]

MIB = 1024**2
GIB = 1024**3
# Images of the platform are mirrored; those of teams come from their own folder.
_REGISTRY = "registry.example.com"
_API_VERSIONS = {"Job": "batch/v1", "CronJob": "batch/v1", "Node": "v1"}


def stamp(instant: datetime) -> str:
    """Return an instant as the API writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, uid: str, created: datetime, *, namespace: str = "", **more: Any) -> Body:
    """Return metadata; empty parts are left out."""
    found: Body = {"name": name, "uid": uid, "creationTimestamp": stamp(created)}
    if namespace:
        found["namespace"] = namespace
    return found | {key: value for key, value in more.items() if value}


def owned(owner: Owner) -> list[Body]:
    """Return the reference to a controller."""
    return [
        {
            "apiVersion": _API_VERSIONS.get(owner.kind, "apps/v1"),
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def labels(space: Space, app: App) -> dict[str, str]:
    """Return the labels every object of an application carries."""
    found = {"app.kubernetes.io/name": app.name}
    part = app.part_of or (space.project if space.project else "")
    return found | ({"app.kubernetes.io/part-of": part} if part else {})


def image(space: Space, app: App, version: int) -> str:
    """Return the image of a version."""
    folder = space.project or "mirror"
    return f"{_REGISTRY}/{folder}/{app.image or app.name}:{2 + len(app.name) % 3}.{version + 4}.{len(app.name)}"


def container(space: Space, app: App, version: int) -> Body:
    """Return the main container with its requests; the memory limit is what it asks for, CPU may burst."""
    amounts: Body = {"cpu": f"{app.cpu}m", "memory": f"{app.memory}Mi"}
    limits: Body = {"memory": f"{app.memory}Mi"}
    if app.gpu:
        amounts["nvidia.com/gpu"] = limits["nvidia.com/gpu"] = str(app.gpu)
    return {
        "name": app.name,
        "image": image(space, app, version),
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": amounts, "limits": limits},
    }


def condition(kind: str, status: str, since: datetime, reason: str = "", message: str = "") -> Body:
    """Return one condition of a status."""
    found = {"type": kind, "status": status, "lastTransitionTime": stamp(since)}
    return found | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})
