"""Many at once: drains side by side, held watches, and the replay of many pods."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clusters.simulator.conftest import reader
from tests.contracts.client import Client
from tests.fakes.simulator import Simulator

Own = Callable[..., Simulator]
Simulated = Callable[..., str]
Connect = Callable[[str], Client]

KINDS = (
    *("/api/v1/" + kind for kind in ("namespaces", "nodes", "pods", "services", "persistentvolumeclaims")),
    *("/api/v1/" + kind for kind in ("persistentvolumes", "resourcequotas")),
    *("/apis/apps/v1/" + kind for kind in ("deployments", "statefulsets", "daemonsets", "replicasets")),
    *("/apis/batch/v1/" + kind for kind in ("jobs", "cronjobs")),
)
HELD = 200


def test_thirteen_quiet_kinds_side_by_side(simulated: Simulated, connect: Connect) -> None:
    client = connect(simulated())
    version = client.get("/api/v1/nodes").json["metadata"]["resourceVersion"]

    def drain(path: str) -> list[object]:
        return [*client.watch(path, resourceVersion=version, timeoutSeconds=1)]

    started = time.monotonic()
    with ThreadPoolExecutor(len(KINDS)) as pool:
        assert list(pool.map(drain, KINDS)) == [[]] * len(KINDS)
    assert time.monotonic() - started < 10


def test_held_watches_all_see_a_change(simulator: Simulator, simulated: Simulated, connect: Connect) -> None:
    """Each is told of the change."""
    slug = simulated()
    client = connect(slug)
    version = client.get("/api/v1/nodes").json["metadata"]["resourceVersion"]
    ready, told = threading.Barrier(HELD + 1), []

    def hold(_: int) -> None:
        with client.watching("/api/v1/nodes", resourceVersion=version, timeoutSeconds=60) as events:
            ready.wait(60)
            told.append(next(events)["object"]["metadata"]["name"])

    with ThreadPoolExecutor(HELD) as pool:
        running = [pool.submit(hold, number) for number in range(HELD)]
        ready.wait(60)
        simulator.put(slug, "nodes", {"metadata": {"name": "node-1"}})
        for done in running:
            done.result()
    assert told == ["node-1"] * HELD


@pytest.fixture
def replay(own: Own) -> Simulator:
    return own("replay", "--pods", 1000, "--page", 300, "--changed", "1%")


def _pods(client: Client) -> tuple[str, dict[str, str]]:
    """The version of the list, and each uid with its resourceVersion."""
    found: dict[str, str] = {}
    token, version = "", ""
    while not version or token:
        listed = client.get("/api/v1/pods", limit=500, **({"continue": token} if token else {})).json
        assert len(listed["items"]) <= 300
        found |= {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in listed["items"]}
        token, version = listed["metadata"].get("continue", ""), listed["metadata"]["resourceVersion"]
    return version, found


def test_replay_serves_pods_of_a_real_size_and_changes_some(replay: Simulator) -> None:
    client = reader(replay, "replay")
    version, before = _pods(client)
    assert len(before) == 1000
    pod = client.get("/api/v1/pods", limit=1).json["items"][0]
    assert 7_000 <= len(json.dumps(pod, separators=(",", ":"))) <= 10_000
    assert pod["metadata"]["managedFields"]
    assert "@" not in json.dumps(pod["metadata"]["labels"]) + pod["spec"]["nodeName"] + pod["metadata"]["name"]
    assert _pods(client) == (version, before)

    assert replay.advance() == 10
    _, after = _pods(client)
    changed = {uid for uid in before if before[uid] != after[uid]}
    assert len(changed) == 10
    events = client.watch("/api/v1/pods", resourceVersion=version, timeoutSeconds=1)
    assert {event["object"]["metadata"]["uid"] for event in events} == changed
    assert {event["type"] for event in events} == {"MODIFIED"}
    assert replay.advance(0.05) == 50


def test_the_same_seed_gives_the_same_pods(own: Own, replay: Simulator) -> None:
    state = replay.state.with_name("second")
    second = own("replay", "--pods", 1000, "--page", 300, state=state)
    first_items, second_items = (
        reader(running, "replay").get("/api/v1/pods", limit=50).json["items"] for running in (replay, second)
    )
    assert first_items == second_items
