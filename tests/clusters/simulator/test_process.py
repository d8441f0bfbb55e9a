"""The process: what it keeps over a restart, how it ends, and whom it obeys."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.simulator.conftest import reader
from tests.contracts import objects
from tests.contracts.client import Client
from tests.fakes.simulator import ROOT, ControlError, Simulator, write_world

Own = Callable[..., Simulator]
Simulated = Callable[..., str]
Connect = Callable[[str], Client]

PODS = "/api/v1/pods"


def _world(tmp_path: Path, **fields: Any) -> Path:
    pods = [objects.pod("default", name) for name in ("a", "b")]
    return write_world(tmp_path / "world.json", [{"slug": "north", "objects": {"pods": pods}, **fields}])


def _ended(pid: int) -> bool:
    """Within five seconds; a process whose parent has died is reaped by the system."""
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_restart_keeps_identity_address_and_unchanged_objects(own: Own, tmp_path: Path) -> None:
    world = _world(tmp_path)
    first = own("--world", world)
    config, before = first.kubeconfig("north"), reader(first, "north").get(PODS).json
    identity = reader(first, "north").get("/api/v1/namespaces/kube-system").json
    first.close()
    second = own("--world", world)
    assert second.kubeconfig("north") == config
    client = reader(second, "north")
    assert client.get("/api/v1/namespaces/kube-system").json == identity
    after = client.get(PODS).json
    assert after["items"] == before["items"]
    # Positions from before are gone, as after a long absence, and never lie in the future.
    old = before["metadata"]["resourceVersion"]
    assert int(after["metadata"]["resourceVersion"]) > int(old)
    (event,) = client.watch(PODS, resourceVersion=old, timeoutSeconds=1)
    assert event["object"]["code"] == 410


def test_a_changed_world_shows_changed_objects(own: Own, tmp_path: Path) -> None:
    first = own("--world", _world(tmp_path))
    before = reader(first, "north").get(f"{PODS}").json["items"]
    first.close()
    changed = [objects.pod("default", "a", labels={"app": "web"}), objects.pod("default", "b")]
    after = reader(own("--world", _world(tmp_path, objects={"pods": changed})), "north").get(PODS).json["items"]
    versions = [[item["metadata"]["resourceVersion"] for item in items] for items in (before, after)]
    assert versions[0][0] != versions[1][0]
    assert versions[0][1] == versions[1][1]


def test_a_loaded_cluster_comes_back_and_a_removed_one_does_not(own: Own) -> None:
    first = own()
    first.load("east", distribution="k3s", objects={"pods": [objects.pod("default", "a")]})
    first.load("west")
    first.remove("west")
    first.close()
    second = own()
    assert [cluster["slug"] for cluster in second.clusters()] == ["east"]
    assert reader(second, "east").get("/version").json["gitVersion"].endswith("+k3s1")
    assert not second.folder("west").exists()


def test_it_ends_when_its_standard_input_is_closed(own: Own) -> None:
    running = own()
    running.close()
    assert _ended(running.pid)
    assert not (running.state / "control.json").exists()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'clusters.simulator', '--state', sys.argv[1],"
        " '--lifeline', 'parent'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert _ended(child)


def test_two_may_not_share_a_folder(own: Own) -> None:
    own()
    with pytest.raises(RuntimeError, match="ended at its start with 1"):
        own()


def test_a_busy_port_is_exchanged(own: Own, tmp_path: Path) -> None:
    world = _world(tmp_path)
    first = own("--world", world)
    shutil.copytree(first.folder("north"), tmp_path / "other" / "clusters" / "north")
    second = own("--world", world, state=tmp_path / "other")
    assert first.clusters()[0]["server"] != second.clusters()[0]["server"]
    assert reader(second, "north").get("/version").status == 200


def test_keys_and_secrets_are_for_their_owner_alone(own: Own) -> None:
    running = own()
    running.load("north")
    paths = [running.state / "control.json", *running.folder("north").glob("*")]
    open_to_others = {path.name for path in paths if path.stat().st_mode & 0o077}
    assert open_to_others == {"ca.crt", "tls.crt"}


def test_control_asks_for_its_secret(own: Own) -> None:
    running = own()
    address = json.loads((running.state / "control.json").read_bytes())["address"]
    for headers in ({}, {"Authorization": "Bearer guess"}):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=10)
        connection.request("GET", "/clusters", headers=headers)
        assert connection.getresponse().status == 401
        connection.close()


def test_clusters_share_nothing(simulated: Simulated, connect: Connect) -> None:
    first, second = (connect(simulated(slug=name)) for name in ("north", "south"))
    stranger = Client(first.address, first.authority, second.token)
    assert stranger.get(PODS).status == 401
    uids = {client.get("/api/v1/namespaces/kube-system").json["metadata"]["uid"] for client in (first, second)}
    assert len(uids) == 2


def test_replacing_a_cluster_keeps_its_address(simulator: Simulator, simulated: Simulated, connect: Connect) -> None:
    slug = simulated(kube_system_uid="one", token="kept", objects={"pods": [objects.pod("default", "a")]})
    client = connect(slug)
    simulator.load(slug, kube_system_uid="two", token="kept")
    assert client.get("/api/v1/namespaces/kube-system").json["metadata"]["uid"] == "two"
    assert client.get(PODS).json["items"] == []


@pytest.mark.parametrize(
    ("world", "path"),
    [
        ({"distribution": "abacus"}, "bad.distribution"),
        ({"colour": "red"}, "bad.colour"),
        ({"objects": {"widgets": []}}, "bad.objects.widgets"),
        ({"objects": {"pods": [{"metadata": {"namespace": "a"}}]}}, r"bad.objects.pods\[0\].metadata.name"),
        ({"objects": {"pods": [{"metadata": {"name": "a"}}]}}, r"bad.objects.pods\[0\].metadata.namespace"),
        ({"objects": {"nodes": [{"metadata": {"name": "a", "namespace": "b"}}]}}, r"bad.objects.nodes\[0\]"),
        ({"denied": [{"verbs": ["get"]}]}, r"bad.denied\[0\]"),
    ],
)
def test_a_wrong_world_is_refused_by_path(simulator: Simulator, world: dict[str, Any], path: str) -> None:
    with pytest.raises(ControlError, match=f"^{path}"):
        simulator.load("bad", **world)
    assert "bad" not in {cluster["slug"] for cluster in simulator.clusters()}
