"""Nodes."""

from datetime import datetime, timedelta

from portal.home.demo.catalogue.shapes import Site
from portal.home.demo.world.lives import Machine
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import Body, condition, stamp

_SILENT = timedelta(minutes=26)
_CLASSES = {"on_demand": "ON_DEMAND", "spot": "SPOT"}


def of(machine: Machine, site: Site, at: datetime) -> Body:
    """Return a node that is there."""
    pool = machine.pool
    spec: Body = {"providerID": machine.provider_id}
    if pool.control_plane and pool.only:
        spec["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    elif pool.only:
        spec["taints"] = [{"key": "pool", "value": pool.name, "effect": "NoSchedule"}]
    capacity = _amounts(machine, pool.cores * 1000, pool.memory * 1024, site.pod_limit)
    labels, annotations = _labels(machine, site), _annotations(site)
    return {
        "metadata": parts.metadata(machine.name, machine.uid, machine.born, labels=labels, annotations=annotations),
        "spec": spec,
        "status": {
            "capacity": capacity,
            "allocatable": _amounts(machine, machine.cpu, machine.memory, site.pod_limit),
            "conditions": _conditions(machine, at),
            "addresses": [{"type": "InternalIP", "address": machine.address}],
            "nodeInfo": {
                "kubeletVersion": site.version,
                "architecture": pool.architecture,
                "operatingSystem": "linux",
                "osImage": "Linux",
                "containerRuntimeVersion": "containerd://2.0.5",
            },
        },
    }


def _labels(machine: Machine, site: Site) -> dict[str, str]:
    pool = machine.pool
    found = {
        "kubernetes.io/hostname": machine.name,
        "kubernetes.io/arch": pool.architecture,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": site.region,
        "topology.kubernetes.io/zone": machine.zone,
        "pool": pool.name,
    }
    if pool.capacity_class:
        found["eks.amazonaws.com/capacityType"] = _CLASSES[pool.capacity_class]
    if pool.control_plane:
        found["node-role.kubernetes.io/control-plane"] = "true"
    return found


def _annotations(site: Site) -> dict[str, str]:
    marks = {"rke2": {"rke2.io/node-args": "[]"}, "k3s": {"k3s.io/node-args": "[]"}}
    found = dict(marks.get(site.distribution, {}))
    return found | ({"management.cattle.io/pod-limits": "{}"} if site.rancher else {})


def _amounts(machine: Machine, cpu: int, memory: int, pods: int) -> Body:
    found: Body = {"cpu": f"{cpu}m", "memory": f"{memory}Mi", "pods": str(pods)}
    return found | ({"nvidia.com/gpu": str(machine.pool.gpus)} if machine.pool.gpus else {})


def _conditions(machine: Machine, at: datetime) -> list[Body]:
    kinds = ("MemoryPressure", "DiskPressure", "PIDPressure")
    if machine.down:
        silent = at - _SILENT
        text = "Kubelet stopped posting node status."
        unknown = [condition(kind, "Unknown", silent, "NodeStatusUnknown", text) for kind in (*kinds, "Ready")]
        return [each | {"lastHeartbeatTime": stamp(silent)} for each in unknown]
    good = [condition(kind, "False", machine.born) for kind in kinds]
    return [*good, condition("Ready", "True", machine.born + timedelta(seconds=35), "KubeletReady")]
