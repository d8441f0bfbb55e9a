"""LimitRange: the defaults it gives to containers, and the bounds it holds them to."""

from collections.abc import Iterator
from typing import Any

from clusters.simulator.api import quantities, statuses

Body = dict[str, Any]

ANNOTATION = "kubernetes.io/limit-ranger"


def complete(body: Body) -> None:
    """What a server fills into a new LimitRange: maxima are default limits, those and minima default requests."""
    for limit in body.get("spec", {}).get("limits") or []:
        if limit.get("type") != "Container":
            continue
        default = dict(limit.get("max") or {}) | (limit.get("default") or {})
        request = dict(limit.get("min") or {}) | default | (limit.get("defaultRequest") or {})
        limit |= {name: value for name, value in (("default", default), ("defaultRequest", request)) if value}


def requests_from_limits(pod: Body) -> None:
    """A container that names a limit alone requests as much."""
    for container in _containers(pod):
        resources = container.setdefault("resources", {})
        if resources.get("limits"):
            resources["requests"] = dict(resources["limits"]) | (resources.get("requests") or {})


def give_defaults(pod: Body, ranges: list[Body]) -> None:
    """Fills in what containers do not name, and tells so in an annotation."""
    told = []
    for item in _items(ranges, "Container"):
        for container in _containers(pod):
            for part, source in (("requests", "defaultRequest"), ("limits", "default")):
                resources = container.setdefault("resources", {})
                missing = {k: v for k, v in (item.get(source) or {}).items() if k not in (resources.get(part) or {})}
                if missing:
                    resources[part] = (resources.get(part) or {}) | missing
                    named = ", ".join(sorted(missing))
                    told.append(f"{named} {part.removesuffix('s')} for container {container.get('name')}")
    if told:
        annotations = dict(pod["metadata"].get("annotations") or {})
        pod["metadata"]["annotations"] = annotations | {ANNOTATION: f"LimitRanger plugin set: {'; '.join(told)}"}


def check(plural: str, body: Body, ranges: list[Body]) -> None:
    """Raises StatusError 403 for a pod or a claim outside its bounds."""
    if plural == "pods":
        found = [*_pod_faults(body, ranges)]
    elif plural == "persistentvolumeclaims":
        asked = body.get("spec", {}).get("resources", {}).get("requests") or {}
        found = [*_faults(_items(ranges, "PersistentVolumeClaim"), "PersistentVolumeClaim", asked, asked, "request")]
    else:
        return
    if found:
        name = body["metadata"]["name"]
        why = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        message = f'{plural} "{name}" is forbidden: {why}'
        raise statuses.StatusError(403, message, details={"name": name, "kind": plural})


def _pod_faults(pod: Body, ranges: list[Body]) -> Iterator[str]:
    for container in _containers(pod):
        resources = container.get("resources") or {}
        asked, limits = resources.get("requests") or {}, resources.get("limits") or {}
        yield from _faults(_items(ranges, "Container"), "Container", asked, limits, "limit")
    sums: dict[str, Body] = {"requests": {}, "limits": {}}
    for part, total in sums.items():
        for container in _containers(pod):
            for name, value in ((container.get("resources") or {}).get(part) or {}).items():
                total[name] = quantities.add([total.get(name, "0"), value])
    yield from _faults(_items(ranges, "Pod"), "Pod", sums["requests"], sums["limits"], "limit")


def _faults(items: list[Body], kind: str, asked: Body, limits: Body, word: str) -> Iterator[str]:
    """`word`: what a maximum is compared with."""
    for item in items:
        for name, bound in sorted((item.get("min") or {}).items()):
            if name not in asked:
                yield f"minimum {name} usage per {kind} is {bound}.  No request is specified"
            elif quantities.parse(asked[name]) < quantities.parse(bound):
                yield f"minimum {name} usage per {kind} is {bound}, but request is {asked[name]}"
        for name, bound in sorted((item.get("max") or {}).items()):
            if name not in limits:
                yield f"maximum {name} usage per {kind} is {bound}.  No {word} is specified"
            elif quantities.parse(limits[name]) > quantities.parse(bound):
                yield f"maximum {name} usage per {kind} is {bound}, but {word} is {limits[name]}"


def _items(ranges: list[Body], kind: str) -> list[Body]:
    return [item for each in ranges for item in each.get("spec", {}).get("limits") or [] if item.get("type") == kind]


def _containers(pod: Body) -> list[Body]:
    spec = pod.get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
