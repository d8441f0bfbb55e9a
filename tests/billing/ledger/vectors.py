"""The worked example and the vectors of the cost reference, written as worlds in JSON."""

import json
from typing import Any

from billing.ledger import world
from billing.ledger.allocation import model

GIB = 2**30
DAY = "2025-03-03"
WINDOW = {"from": f"{DAY}T00:00:00Z", "to": "2025-03-04T00:00:00Z"}


def read(written: dict[str, Any]) -> model.World:
    """Read a world as the command does."""
    return world.parse(json.dumps(written))


def at(clock: str) -> str:
    """Return an instant of the day of the vectors."""
    return f"{DAY}T{clock}:00Z"


def segment(namespace: str, cpu: float, memory: float, **more: Any) -> dict[str, Any]:
    """Return a pod named after its namespace; memory in GiB."""
    return {
        "cluster": "c1",
        "uid": f"{namespace}-pod",
        "namespace": namespace,
        "node": "n1",
        "requests": {"cpu": cpu, "memory": int(memory * GIB)},
        **more,
    }


def sample(cpu: float, memory: float, **span: str) -> dict[str, Any]:
    """Return a usage sample; memory in GiB."""
    return {"cpu": cpu, "memory": int(memory * GIB), **span}


def worked_example(grain: str) -> dict[str, Any]:
    """One node of 4 vCPU and 16 GiB for a day: teams alpha, beta and gamma beside kube-system."""
    noon = at("12:30")
    beta = {"from": at("06:30"), "to": at("18:30")}
    return {
        "grain": grain,
        "window": WINDOW,
        "clusters": [{"id": "c1"}],
        "nodes": [{"cluster": "c1", "uid": "n1", "capacity": {"cpu": 4, "memory": 16 * GIB}}],
        "segments": [
            segment("alpha", 1, 2, usage=[sample(0.4, 1.5)]),
            segment(
                "beta",
                0.5,
                1,
                **beta,
                usage=[sample(1.5, 3, **{"to": noon}), sample(0.1, 0.5, **{"from": noon})],
            ),
            segment("gamma", 0, 0, usage=[sample(0.25, 0.5)]),
            segment("kube-system", 0.5, 1),
        ],
        "volumes": [{"cluster": "c1", "uid": "v1", "capacity": 100 * GIB, "claims": [{"namespace": "alpha"}]}],
        "load_balancers": [{"cluster": "c1", "uid": "lb1", "namespace": "alpha"}],
        "fees": [{"cluster": "c1", "amount": "0.10", "unit": "hour"}],
        "prices": [
            {"asset": "node", "price": "0.192", "unit": "hour"},
            {"asset": "volume", "price": "0.00005479452", "unit": "hour"},
            {"asset": "load_balancer", "price": "0.025", "unit": "hour"},
        ],
        "memberships": [{"cluster": "c1", "namespace": one, "project": one} for one in ("alpha", "beta", "gamma")],
        "projects": [{"project": one, "team": one} for one in ("alpha", "beta", "gamma")],
        "rules": [{"cluster": "c1", "idle": "weighted", "sharing": "weighted"}],
    }


# (cluster, namespace) of the twelve containers; the first one has memory 11 instead of 1.
CONTAINERS = [("c1", "ns1")] * 3 + [("c1", "ns2")] * 3 + [("c2", "ns2")] * 3 + [("c2", "ns3")] * 3


def twelve_containers(*, shared: list[str], rule: dict[str, str] | None = None) -> dict[str, Any]:
    """One hour of two clusters in which every unit of anything costs 1.

    cluster1 has idle CPU 5 and memory 15, cluster2 CPU 5 and memory 5. Each namespace name is a team.
    """
    hour = {"from": at("00:00"), "to": at("01:00")}
    sizes = {"c1": {"cpu": 11, "memory": 31 * GIB, "gpu": 6}, "c2": {"cpu": 11, "memory": 11 * GIB, "gpu": 6}}
    pods = [
        {
            "cluster": cluster,
            "uid": f"pod{index}",
            "namespace": namespace,
            "node": "n1",
            "requests": {"cpu": 1, "memory": (11 if index == 0 else 1) * GIB, "gpu": 1},
        }
        for index, (cluster, namespace) in enumerate(CONTAINERS)
    ]
    held = sorted(set(CONTAINERS))
    return {
        "window": hour,
        "clusters": [{"id": "c1"}, {"id": "c2"}],
        "nodes": [{"cluster": one, "uid": "n1", "capacity": size} for one, size in sizes.items()],
        "segments": pods,
        "volumes": [
            {"cluster": cluster, "uid": f"v{index}", "capacity": GIB, "claims": [{"namespace": namespace}]}
            for index, (cluster, namespace) in enumerate(CONTAINERS)
        ],
        "load_balancers": [
            {"cluster": cluster, "uid": f"lb{index}", "namespace": namespace}
            for index, (cluster, namespace) in enumerate(CONTAINERS)
        ],
        "network": [
            {"cluster": cluster, "namespace": namespace, "class": "internet", "bytes": GIB, **hour}
            for cluster, namespace in CONTAINERS
        ],
        "prices": [
            *(
                {"asset": asset, "price": 1, "unit": "hour"}
                for asset in ("core", "memory", "gpu", "volume", "load_balancer")
            ),
            {"asset": "network", "price": 1},
        ],
        "memberships": [
            {"cluster": cluster, "namespace": namespace, "project": namespace} for cluster, namespace in held
        ],
        "projects": [{"project": one, "team": one} for one in ("ns1", "ns2", "ns3")],
        "shared": [{"cluster": cluster, "namespace": namespace} for cluster, namespace in held if namespace in shared],
        "rules": [{"cluster": one, **rule} for one in ("c1", "c2")] if rule else [],
    }


def shared_claim() -> dict[str, Any]:
    """One hour of a claim of 24 that four pods mount: quarters with 2, 1, 2 and 3 mounts."""
    spans = {
        "pod1": ("00:00", "01:00"),
        "pod2": ("00:30", "01:00"),
        "pod3": ("00:45", "01:00"),
        "pod4": ("00:00", "00:15"),
    }
    return {
        "window": {"from": at("00:00"), "to": at("01:00")},
        "clusters": [{"id": "c1"}],
        "segments": [{"cluster": "c1", "uid": pod, "namespace": "ns1"} for pod in spans],
        "volumes": [
            {
                "cluster": "c1",
                "uid": "v1",
                "capacity": GIB,
                "claims": [{"namespace": "ns1"}],
                "mounts": [{"pod": pod, "from": at(start), "to": at(end)} for pod, (start, end) in spans.items()],
            }
        ],
        "prices": [{"asset": "volume", "price": 24, "unit": "hour"}],
    }
