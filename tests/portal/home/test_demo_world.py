"""The demo's world is pure: what it holds, that it is consistent, and that one seed makes one document."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from clusters.kube.quantities import milli, whole
from portal.home.demo import world

Body = dict[str, Any]

MONDAY = datetime(2026, 11, 23, 17, 3, 12, tzinfo=UTC)
# Every weekday, around midnight, the hour of Monday's machines, the change of a month and of a year.
MOMENTS = [
    MONDAY,
    datetime(2026, 11, 22, 13, 0, 0, tzinfo=UTC),
    datetime(2026, 11, 23, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 11, 23, 6, 25, 0, tzinfo=UTC),
    datetime(2026, 12, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2027, 1, 2, 23, 59, 59, tzinfo=UTC),
    *(MONDAY + timedelta(days=day, hours=5 * day) for day in range(9, 16)),
]


@cache
def built(at: datetime) -> Body:
    """Build a world once for all tests."""
    return world.build(seed=world.SEED, at=at)


def objects(document: Body, resource: str) -> list[Body]:
    """Return the objects of all clusters."""
    return [body for cluster in document["clusters"] for body in cluster["objects"].get(resource, [])]


def instant(text: str) -> datetime:
    """Read an instant as the document writes it."""
    return datetime.fromisoformat(text)


def test_one_seed_and_instant_make_one_document() -> None:
    again = world.encode(world.build(seed=world.SEED, at=MONDAY))
    assert again == world.encode(built(MONDAY))
    assert again != world.encode(world.build(seed=world.SEED + 1, at=MONDAY))
    assert json.loads(again)["at"] == "2026-11-23T17:03:12Z"


@pytest.mark.parametrize("at", MOMENTS, ids=lambda at: f"{at:%a %d %H:%M}")
def test_it_has_its_size_at_any_time(at: datetime) -> None:
    document = built(at)
    assert len(document["clusters"]) == 3
    assert len(objects(document, "nodes")) == 60
    assert len(objects(document, "pods")) == 1500


def test_clusters_are_of_different_distributions() -> None:
    versions = [cluster["version"] for cluster in built(MONDAY)["clusters"]]
    assert [mark for mark in ("+rke2", "-eks-", "+k3s") if any(mark in version for version in versions)] == [
        "+rke2",
        "-eks-",
        "+k3s",
    ]


def test_the_states_of_the_present_are_there() -> None:
    document = built(MONDAY)
    pods = objects(document, "pods")
    waiting = Counter(
        status["state"]["waiting"]["reason"]
        for pod in pods
        for status in pod["status"].get("containerStatuses", [])
        if "waiting" in status["state"]
    )
    assert set(waiting) == {"CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating"}
    phases = Counter(pod["status"]["phase"] for pod in pods)
    assert min(phases[phase] for phase in ("Running", "Pending", "Succeeded", "Failed")) > 0
    assert [pod for pod in pods if "nodeName" not in pod["spec"]][0]["status"]["conditions"][0][
        "reason"
    ] == "Unschedulable"
    silent = [node for node in objects(document, "nodes") if node["status"]["conditions"][-1]["status"] == "Unknown"]
    assert len(silent) == 1
    rollouts = [
        one
        for one in objects(document, "deployments.apps")
        if 0 < one["status"]["updatedReplicas"] < one["status"]["replicas"]
    ]
    assert len(rollouts) >= 3
    assert {claim["status"]["phase"] for claim in objects(document, "persistentvolumeclaims")} == {"Bound", "Pending"}
    assert {volume["status"]["phase"] for volume in objects(document, "persistentvolumes")} == {
        "Bound",
        "Available",
        "Released",
    }
    assert sum(service["spec"]["type"] == "LoadBalancer" for service in objects(document, "services")) >= 5
    assert objects(document, "resourcequotas")
    marked = [space for space in objects(document, "namespaces") if space["metadata"].get("annotations")]
    assert any("field.cattle.io/projectId" in space["metadata"]["annotations"] for space in marked)
    assert any(space["status"]["phase"] == "Terminating" for space in objects(document, "namespaces"))


@pytest.mark.parametrize("at", MOMENTS[:3], ids=lambda at: f"{at:%a %d %H:%M}")
def test_everything_named_is_there(at: datetime) -> None:
    for cluster in built(at)["clusters"]:
        found: dict[str, list[Body]] = cluster["objects"]
        uids = {body["metadata"]["uid"] for bodies in found.values() for body in bodies}
        assert len(uids) == sum(len(bodies) for bodies in found.values())
        spaces = {body["metadata"]["name"] for body in found["namespaces"]}
        nodes = {body["metadata"]["name"] for body in found["nodes"]}
        claims = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in found["persistentvolumeclaims"]}
        for bodies in found.values():
            for body in bodies:
                head = body["metadata"]
                assert head.get("namespace", "") in {*spaces, ""}
                assert instant(head["creationTimestamp"]) <= at
                assert {owner["uid"] for owner in head.get("ownerReferences", [])} <= uids, head["name"]
        for pod in found["pods"]:
            assert pod["spec"].get("nodeName") in {*nodes, None}
            wanted = {one["persistentVolumeClaim"]["claimName"] for one in pod["spec"].get("volumes", [])}
            assert {(pod["metadata"]["namespace"], name) for name in wanted} <= claims


def test_no_machine_is_overfull_at_any_time() -> None:
    for cluster, machines, pods in lives(built(MONDAY)):
        changes: dict[str, list[tuple[datetime, int, int, int]]] = defaultdict(list)
        for pod in pods:
            born, gone = machines[pod["node"]][:2]
            assert born <= pod["from"], (cluster, pod["name"])
            assert gone is None or (pod["to"] is not None and pod["to"] <= gone), (cluster, pod["name"])
            changes[pod["node"]].append((pod["from"], 1, pod["cpu"], pod["memory"]))
            if pod["to"] is not None:
                changes[pod["node"]].append((pod["to"], -1, -pod["cpu"], -pod["memory"]))
        for node, moments in changes.items():
            cpu = memory = 0
            for _at, _sign, more_cpu, more_memory in sorted(moments):
                cpu, memory = cpu + more_cpu, memory + more_memory
                assert cpu <= machines[node][2], (cluster, node)
                assert memory <= machines[node][3], (cluster, node)


def lives(document: Body) -> list[tuple[str, dict[str, tuple[datetime, datetime | None, int, int]], list[Body]]]:
    """Return per cluster its machines (by uid: from, to, millicores, bytes) and the pods that ever started."""
    found = []
    for cluster in document["clusters"]:
        names = {node["metadata"]["name"]: node["metadata"]["uid"] for node in cluster["objects"]["nodes"]}
        machines: dict[str, tuple[datetime, datetime | None, int, int]] = {}
        for node in cluster["objects"]["nodes"]:
            free = node["status"]["allocatable"]
            born = instant(node["metadata"]["creationTimestamp"])
            machines[node["metadata"]["uid"]] = (born, None, milli(free["cpu"]), whole(free["memory"]))
        pods = [one for pod in cluster["objects"]["pods"] if (one := present(pod, names)) is not None]
        for record in document["past"][cluster["slug"]]:
            start, end = instant(record["from"]), instant(record["to"]) if record["to"] else None
            if record["kind"] == "node":
                room = (
                    record["cpu_m"] - record["reserved_cpu_m"],
                    record["memory_bytes"] - record["reserved_memory_bytes"],
                )
                machines[record["uid"]] = (start, end, *room)
            elif record["kind"] == "pod" and end is not None:
                sizes = {"cpu": record["cpu_m"], "memory": record["memory_bytes"]}
                pods.append({"name": record["name"], "node": record["node_uid"], "from": start, "to": end, **sizes})
        found.append((cluster["slug"], machines, pods))
    return found


def present(pod: Body, nodes: dict[str, str]) -> Body | None:
    """Return a pod of now with the span in which it took up room, None for one that never started."""
    (status,) = pod["status"].get("containerStatuses", [{"state": {"waiting": {}}}])
    states = [status["state"], status.get("lastState", {})]
    starts = [life["startedAt"] for state in states for key, life in state.items() if key != "waiting"]
    if not starts:
        return None
    ended = status["state"].get("terminated", {}).get("finishedAt")
    asked = pod["spec"]["containers"][0]["resources"]["requests"]
    return {
        "name": pod["metadata"]["name"],
        "node": nodes[pod["spec"]["nodeName"]],
        "from": instant(min(starts)),
        "to": instant(ended) if ended else None,
        "cpu": milli(asked["cpu"]),
        "memory": whole(asked["memory"]),
    }


def test_the_past_tells_five_weeks_and_goes_on_in_the_present() -> None:
    document = built(MONDAY)
    for cluster in document["clusters"]:
        records = document["past"][cluster["slug"]]
        uids = {body["metadata"]["uid"] for bodies in cluster["objects"].values() for body in bodies}
        ends: dict[tuple[str, str], datetime | None] = {}
        for record in records:
            key, start = (record["kind"], record["uid"]), instant(record["from"])
            # The segments of a thing touch; what is still there is told of as far as the present cannot tell it.
            assert key not in ends or ends[key] == start
            ends[key] = instant(record["to"]) if record["to"] else None
        assert {uid for (_kind, uid), end in ends.items() if end is None} <= uids
        assert not {uid for (_kind, uid), end in ends.items() if end is not None} & uids
        last = [end for end in ends.values() if end is not None]
        assert min(last) <= MONDAY - timedelta(days=33)
        assert max(last) <= MONDAY


def test_machines_come_and_go_with_the_working_week() -> None:
    records = built(MONDAY)["past"]["ireland-cloud"]
    spot = [one for one in records if one["kind"] == "node" and one["asset"]["capacity_class"] == "spot"]
    assert len(spot) >= 12
    assert {(instant(one["from"]).weekday(), instant(one["to"]).weekday()) for one in spot} == {(0, 4)}


def test_a_team_grew() -> None:
    document = built(MONDAY)
    ireland = next(one for one in document["clusters"] if one["slug"] == "ireland-cloud")
    pods = [
        (instant(record["from"]), instant(record["to"]) if record["to"] else MONDAY)
        for record in document["past"]["ireland-cloud"]
        if record["kind"] == "pod" and record["owner"] == ["Deployment", "recs-api"]
    ]
    pods += [
        (instant(pod["metadata"]["creationTimestamp"]), MONDAY)
        for pod in ireland["objects"]["pods"]
        if pod["metadata"]["name"].startswith("recs-api-")
    ]
    counts = [sum(start <= MONDAY - timedelta(days=days) < end for start, end in pods) for days in (34, 20, 10, 1)]
    assert counts == sorted(counts)
    assert counts[0] + 10 <= counts[-1]
