"""What a start says before it does anything slow, and the order it keeps."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.core import data_folder
from portal.jobs import kinds
from portal.local import console, errors, locks, programs, run, supervisor


def _start(place: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "portal.local", "run"],
        cwd=data_folder.CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PADDOCK_DATA_DIR": str(place / "data"), **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_busy_port_is_said_at_once_with_the_remedy(place: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = _start(place, PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is in use by another program. Take another one: make run PORT={port + 1}" in done.stderr
    assert "environment" not in done.stdout


def test_a_second_start_is_told_where_the_first_is(place: Path) -> None:
    data = place / "data"
    data.mkdir(mode=0o711)
    first = supervisor.Supervisor(run.record_file(data), {"address": "http://127.0.0.1:8123/"})
    first.record()
    with locks.held(data / "run.lock", wait=False) as mine:
        assert mine
        done = _start(place, PORT="8123")
    assert done.returncode == 1
    assert "Paddock is already running at http://127.0.0.1:8123/" in done.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(errors.LocalError, match="use a number from 1 to 65535"):
        run.port_of({"PORT": port})


def test_the_port_by_default() -> None:
    assert run.port_of({}) == run.port_of({"PORT": ""}) == 8000


def test_old_logs_move_up_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for text in ("first", "second", "third", "fourth", "fifth"):
        log.write_text(text, encoding="utf-8")
        run.rotate(log)
    assert not log.exists()
    kept = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert kept == {"web.log.1": "fifth", "web.log.2": "fourth", "web.log.3": "third"}


def test_the_worker_listens_to_every_queue_there_is() -> None:
    assert tuple(kinds.QUEUES) == programs.QUEUES


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with contextlib.suppress(BrokenPipeError), os.fdopen(writer, "w") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        console.say("nobody hears this")
        with console.step("step") as notes:
            notes.append("nor this")
