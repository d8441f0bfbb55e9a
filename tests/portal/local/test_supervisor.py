"""Children are started again, ended in order, and do not outlive their supervisor."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core import data_folder
from portal.local import environment, folders, processes, supervisor
from tests.portal.local import supervised
from tests.portal.local.observing import eventually, gone, session_of


@pytest.fixture
def data(place: Path) -> Path:
    return environment.prepare({"PADDOCK_DATA_DIR": str(place / "data")})


@pytest.fixture
def running(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor with its children, in a process that the test may kill."""
    command = [sys.executable, "-m", "tests.portal.local.supervised", str(data)]
    with subprocess.Popen(command, cwd=data_folder.CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        eventually(lambda: len(_children(data)["program"]) == 2)
        yield process
        process.kill()


def _children(data: Path) -> dict[str, set[int]]:
    """Every process of the three children, by the order of their start."""
    pids = [pid for pid, _ in json.loads((data / "run.json").read_text(encoding="utf-8"))["children"]]
    # PostgreSQL gives each of its processes a session of its own.
    servers = _descendants(pids[0])
    return {"PostgreSQL": servers, "Valkey": session_of(pids[1]), "program": session_of(pids[2])}


def _descendants(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return {pid} | {below for child in listed for below in _descendants(int(child))}


def test_every_process_ends_with_a_killed_supervisor(running: subprocess.Popen[str], data: Path) -> None:
    children = _children(data)
    assert len(children["PostgreSQL"]) > 3
    assert len(children["program"]) == 2
    leader = min(children["program"])
    running.kill()
    direct = children["PostgreSQL"] | children["Valkey"] | {leader}
    eventually(lambda: gone(*direct))


def test_what_a_killed_supervisor_left_is_ended_by_the_next(running: subprocess.Popen[str], data: Path) -> None:
    grandchild = max(_children(data)["program"])
    running.kill()
    running.wait()
    # The kernel tells children only: this one is for the next start to find.
    eventually(lambda: processes.identity_of(grandchild) is not None)
    assert supervisor.end_leftovers(data / "run.json", folders.fingerprint(data)) >= 1
    assert gone(grandchild)
    assert not (data / "run.json").exists()


def test_a_mark_of_another_folder_is_left_alone(data: Path) -> None:
    stranger = supervised.program(data)
    stranger.start()
    assert supervisor.end_leftovers(data / "run.json", "another-mark") == 0
    assert not gone(stranger.process.pid)
    stranger.stop()


def test_a_number_given_to_another_process_is_left_alone(data: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        record = {"children": [[stranger.pid, 1]]}
        (data / "run.json").write_text(json.dumps(record), encoding="utf-8")
        assert supervisor.end_leftovers(data / "run.json", "no-mark") == 0
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process_within_seconds(
    running: subprocess.Popen[str], data: Path, number: signal.Signals
) -> None:
    everyone = set().union(*_children(data).values())
    begun = time.monotonic()
    running.send_signal(number)
    running.wait(timeout=60)
    assert time.monotonic() - begun < 10
    assert gone(*everyone)
    log = (data / "logs" / "postgres.log").read_text(encoding="utf-8")
    assert "received fast shutdown request" in log
    assert "database system is shut down" in log


def test_a_child_that_dies_is_started_again_and_said_so(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    watched = supervisor.Supervisor(data / "run.json", {})
    watched.add("program", supervised.program(data, "print('its last words'); raise SystemExit(3)"))
    first = watched._watched[0].child.process
    first.wait()
    watched.watch()
    said = capfd.readouterr().out
    assert "program ended with code 3; starting it again in 1 s." in said
    assert "its last words" in said
    eventually(lambda: watched.watch() == ["program"])
    assert watched._watched[0].child.process.pid != first.pid
    assert "program runs again." in capfd.readouterr().out
    watched.stop()


def test_the_waiting_time_doubles(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    watched = supervisor.Supervisor(data / "run.json", {})
    watched.add("program", supervised.program(data, "raise SystemExit(3)"))
    eventually(lambda: watched.watch() == ["program"])
    watched._watched[0].child.process.wait()
    watched.watch()
    assert "starting it again in 2 s." in capfd.readouterr().out
    watched.stop()


def test_children_are_ended_last_started_first(data: Path) -> None:
    ended = data / "ended"
    code = (
        "import pathlib, signal, sys, time\n"
        "def end(number, frame):\n"
        f"    pathlib.Path({str(ended)!r}).open('a').write('NAME ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "pathlib.Path('NAME').touch()\n"
        "time.sleep(600)\n"
    )
    watched = supervisor.Supervisor(data / "run.json", {})
    for name in ("first", "second", "third"):
        watched.add(name, supervised.program(data, code.replace("NAME", name)))
        eventually((data / name).exists)
    watched.stop()
    assert ended.read_text(encoding="utf-8").split() == ["third", "second", "first"]


def test_a_child_that_does_not_listen_is_killed(data: Path) -> None:
    code = "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    code += "pathlib.Path('deaf').touch(); time.sleep(600)"
    watched = supervisor.Supervisor(data / "run.json", {})
    watched.add("deaf", supervised.program(data, code))
    eventually((data / "deaf").exists)
    pid = watched._watched[0].child.process.pid
    watched.stop()
    assert gone(pid)


def test_the_record_names_this_process(data: Path) -> None:
    watched = supervisor.Supervisor(data / "run.json", {"address": "http://127.0.0.1:8000/"})
    watched.record()
    found = supervisor.read_record(data / "run.json")
    assert (found["address"], found["pid"]) == ("http://127.0.0.1:8000/", os.getpid())
