"""No process of a bed outlives the one that started it, and no port is handed out twice."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import build, fixtures, places, ports, processes
from tests.testbed.api import wait_until

SLEEPER = ["/bin/sleep", "600"]
OWNER = """
import sys
from pathlib import Path
from tests.testbed import processes
run = processes.RunFolder(Path(sys.argv[1]))
child = run.start("sleeper", ["/bin/sleep", "600"])
print(child.pid, run.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that no bed of ours started."""
    with subprocess.Popen(SLEEPER) as process:
        yield process
        process.kill()


def ended(pid: int) -> bool:
    return wait_until(lambda: processes.began(pid) is None, within=10, what=f"process {pid} has ended")


def left_behind(runs: Path, *entries: dict[str, object]) -> Path:
    """The folder of a run that crashed: nobody holds its lock."""
    folder = runs / "crashed"
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (folder / processes.CHILDREN).write_text(lines + '{"pid": 1, "beg')
    return folder


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()
        wait_until(lambda: _command_of(int(pid)) == SLEEPER, within=10, what="the child runs its program")
        owner.kill()
    assert ended(int(pid))
    assert Path(folder).exists()
    processes.RunFolder(tmp_path).close()
    assert not Path(folder).exists()


def test_the_next_start_ends_what_a_crash_left(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    began = processes.began(sleeper.pid)
    folder = left_behind(tmp_path, {"pid": sleeper.pid, "began": began, "name": "etcd"})
    processes.RunFolder(tmp_path).close()
    assert sleeper.wait(timeout=10) == -signal.SIGKILL
    assert not folder.exists()


def test_a_process_id_used_again_by_another_is_spared(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    began = processes.began(sleeper.pid)
    assert began is not None
    folder = left_behind(tmp_path, {"pid": sleeper.pid, "began": began - 1, "name": "etcd"})
    processes.RunFolder(tmp_path).close()
    assert sleeper.poll() is None
    assert not folder.exists()


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    first = processes.RunFolder(tmp_path)
    child = first.start("sleeper", SLEEPER)
    second = processes.RunFolder(tmp_path)
    assert child.alive()
    assert first.path.exists()
    second.close()
    first.close()
    assert ended(child.pid)
    assert not first.path.exists()


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    run = processes.RunFolder(tmp_path)
    child = run.start("server", ["/bin/sh", "-c", "echo the port is taken >&2; exit 1"])
    with pytest.raises(processes.NotStarted, match="server has ended.*\n.*the port is taken"):
        child.wait_until(lambda: False, within=10)
    run.close()


def test_ports_are_leased_once(tmp_path: Path) -> None:
    one, other = ports.Ports(tmp_path), ports.Ports(tmp_path)
    leased = [holder.lease() for _ in range(20) for holder in (one, other)]
    assert len(set(leased)) == 40
    one.release()
    other.release()


def test_a_port_somebody_listens_on_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(ports, "FIRST", server.getsockname()[1])
        monkeypatch.setattr(ports, "SPAN", 1)
        with pytest.raises(RuntimeError, match="no free port"):
            ports.Ports(tmp_path).lease()


@pytest.mark.bed
@pytest.mark.xdist_group("testbed")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_bed_by_hand_leaves_no_process(end: signal.Signals) -> None:
    fixtures.demand(*build.BARE)
    command = [sys.executable, "-m", "tests.testbed", "run", "--bare", "--clusters=1"]
    root = places.HERE.parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as bed:
        assert bed.stdout is not None
        lines = iter(bed.stdout.readline, "")
        kubeconfig = next(Path(line.strip().partition("=")[2]) for line in lines if line.startswith("KUBECONFIG="))
        run = kubeconfig.parent.parent
        children = [json.loads(line) for line in (run / processes.CHILDREN).read_text().splitlines()]
        assert [child["name"] for child in children] == ["etcd", "cluster-1.kube-apiserver"]
        os.kill(bed.pid, end)
        assert bed.wait(timeout=30) == (0 if end == signal.SIGINT else -end)
    assert all(ended(child["pid"]) for child in children)
    processes.RunFolder().close()
    assert not run.exists()


def _command_of(pid: int) -> list[str]:
    return (Path("/proc") / str(pid) / "cmdline").read_text().split("\0")[:-1]
