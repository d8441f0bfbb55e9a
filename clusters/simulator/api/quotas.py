"""ResourceQuota: what objects use, and the refusal of what would be too much."""

from collections.abc import Iterable
from typing import Any

from clusters.simulator.api import kinds, quantities, statuses

Body = dict[str, Any]
Amounts = dict[str, str]

COMPUTE = ("cpu", "memory", "ephemeral-storage")
# Of these a pod must name a value as soon as a quota counts them.
DEMANDED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_CLASS = ".storageclass.storage.k8s.io/"
_PLAIN = frozenset(
    {"pods", "configmaps", "secrets", "services", "persistentvolumeclaims", "resourcequotas", "replicationcontrollers"}
)


def usage(kind: kinds.Kind, body: Body) -> Amounts:
    """What one object adds to the quotas of its namespace."""
    if kind.key == "pods":
        return _pod(body) if body.get("status", {}).get("phase") not in ("Succeeded", "Failed") else {}
    found = {f"count/{kind.key}": "1"} | ({kind.key: "1"} if kind.key in _PLAIN else {})
    if kind.key == "persistentvolumeclaims":
        return found | _claim(body)
    if kind.key == "services":
        return found | _service(body)
    return found


def _pod(body: Body) -> Amounts:
    """Init containers run one after the other, so that only the largest of them counts, if it is larger."""
    spec = body.get("spec") or {}
    found = {"pods": "1", "count/pods": "1"}
    for part in ("requests", "limits"):
        total = _sum(_resources(each, part) for each in spec.get("containers") or [])
        for first in spec.get("initContainers") or []:
            for name, value in _resources(first, part).items():
                if quantities.parse(value) > quantities.parse(total.get(name, "0")):
                    total[name] = value
        found |= {f"{part}.{name}": value for name, value in total.items()}
        if part == "requests":
            found |= {name: value for name, value in total.items() if name in COMPUTE}
    return found


def _resources(container: Body, part: str) -> Amounts:
    return {name: str(value) for name, value in ((container.get("resources") or {}).get(part) or {}).items()}


def _claim(body: Body) -> Amounts:
    spec = body.get("spec") or {}
    size = str((spec.get("resources") or {}).get("requests", {}).get("storage", "0"))
    found = {"requests.storage": size}
    if name := spec.get("storageClassName"):
        found |= {f"{name}{_CLASS}requests.storage": size, f"{name}{_CLASS}persistentvolumeclaims": "1"}
    return found


def _service(body: Body) -> Amounts:
    spec = body.get("spec") or {}
    kind, ports = spec.get("type", "ClusterIP"), str(len(spec.get("ports") or []))
    found = {"services.loadbalancers": "1"} if kind == "LoadBalancer" else {}
    return found | ({"services.nodeports": ports} if kind in ("LoadBalancer", "NodePort") else {})


def _sum(many: Iterable[Amounts]) -> Amounts:
    found: dict[str, list[str]] = {}
    for amounts in many:
        for name, value in amounts.items():
            found.setdefault(name, []).append(value)
    return {name: quantities.add(values) for name, values in found.items()}


def status(quota: Body, objects: Iterable[tuple[kinds.Kind, Body]]) -> Body:
    """The status that a counted quota has; `objects` are all of its namespace."""
    hard = {name: _canonical(value) for name, value in (quota.get("spec", {}).get("hard") or {}).items()}
    total = _sum(usage(kind, body) for kind, body in objects if _in_scope(quota, kind, body))
    return {"hard": hard, "used": {name: total.get(name, "0") for name in hard}}


def _canonical(value: object) -> str:
    return quantities.add([value])


def _in_scope(quota: Body, kind: kinds.Kind, body: Body) -> bool:
    scopes = quota.get("spec", {}).get("scopes") or []
    if not scopes:
        return True
    if kind.key != "pods":
        return False
    spec = body.get("spec") or {}
    named = any(each.get("resources") for each in spec.get("containers") or [])
    ends = spec.get("activeDeadlineSeconds") is not None
    holds = {"BestEffort": not named, "NotBestEffort": named, "Terminating": ends, "NotTerminating": not ends}
    return all(holds.get(scope, True) for scope in scopes)


def check(kind: kinds.Kind, body: Body, quota: Body, objects: Iterable[tuple[kinds.Kind, Body]]) -> None:
    """Raises StatusError 403 when the quota does not allow the new object. `objects` hold those before it."""
    if not _in_scope(quota, kind, body):
        return
    now = status(quota, objects)
    hard, used = now["hard"], now["used"]
    name = quota["metadata"]["name"]
    if kind.key == "pods":
        _check_named(body, name, hard)
    asked = {key: value for key, value in usage(kind, body).items() if key in hard}
    over = sorted(
        key
        for key, value in asked.items()
        if quantities.parse(value)
        and quantities.parse(value) + quantities.parse(used[key]) > quantities.parse(hard[key])
    )
    if over:
        parts = [_listed(amounts, over) for amounts in (asked, used, hard)]
        why = f"exceeded quota: {name}, requested: {parts[0]}, used: {parts[1]}, limited: {parts[2]}"
        raise _refused(kind, body, why)


def _listed(amounts: Amounts, keys: list[str]) -> str:
    return ",".join(f"{key}={_canonical(amounts[key])}" for key in keys)


def _check_named(pod: Body, name: str, hard: Amounts) -> None:
    missing: dict[str, list[str]] = {}
    for container in (pod.get("spec") or {}).get("containers") or []:
        for key in DEMANDED & hard.keys():
            part, _, resource = key.rpartition(".")
            if resource not in _resources(container, part or "requests"):
                missing.setdefault(key, []).append(container["name"])
    if missing:
        texts = [f"{key} for: {','.join(missing[key])}" for key in sorted(missing)]
        raise _refused(kinds.POD, pod, f"failed quota: {name}: must specify {'; '.join(texts)}")


def _refused(kind: kinds.Kind, body: Body, why: str) -> statuses.StatusError:
    return statuses.forbidden(kind, str(body["metadata"]["name"]), why)
