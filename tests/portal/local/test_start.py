"""`make run` as a whole, on a data folder and a port of its own: started, asked, stopped, started again."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.core import data_folder
from portal.local import folders, postgres, processes, valkey
from tests.portal.local.observing import ask, eventually

pytestmark = pytest.mark.slow
READY_SECONDS = 120.0


@contextmanager
def started(data: Path, port: int, **environ: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start Paddock without its demo, and give its process and what it printed so far."""
    said = data.with_name(f"{data.name}.said")
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.local", "run"],
            cwd=data_folder.CHECKOUT,
            env={"PATH": os.environ["PATH"], "PADDOCK_DATA_DIR": str(data), "PADDOCK_DEMO": "0", "PORT": str(port)}
            | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(lambda: "Stop with Ctrl-C" in said.read_text() or process.poll() is not None, READY_SECONDS)
        assert process.poll() is None, said.read_text()
        yield process, said
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _status(port: int, path: str) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request("GET", path)
        return line.getresponse().status
    finally:
        line.close()


def _alive(data: Path) -> set[processes.Identity]:
    return processes.with_environment("PADDOCK_RUN", folders.fingerprint(data))


def test_it_starts_serves_stops_and_starts_again(place: Path, free_port: int) -> None:
    data = place / "data with spaces"
    with started(data, free_port) as (process, said):
        text = said.read_text()
        for step in ("environment", "packages", "assets", "PostgreSQL", "Valkey", "migrate", "web", "worker", "beat"):
            assert f"  {step}" in text
        assert f"http://127.0.0.1:{free_port}/" in text
        assert "one-time password" in text
        assert _status(free_port, "/healthz/") == 200
        assert _status(free_port, "/sign-in/") == 200
        assert len(_alive(data)) >= 3
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert time.monotonic() - begun < 15
    assert not _alive(data)
    assert not (data / "run.json").exists()
    with started(data, free_port) as (_, said):
        lines = {line.split()[0]: line for line in said.read_text().splitlines() if line.startswith("  ")}
        assert lines["packages"].endswith("as they were")
        assert lines["assets"].endswith("as they were")
        assert "one-time password" in said.read_text()


def test_a_killed_start_leaves_nothing_and_is_followed_by_another(place: Path, free_port: int) -> None:
    data = place / "data"
    with started(data, free_port) as (process, _):
        assert _alive(data)
        process.kill()
        eventually(lambda: not _alive(data))
        eventually(lambda: postgres.Postgres(data / "postgres").running() is None)
    with started(data, free_port):
        assert _status(free_port, "/healthz/") == 200


def test_servers_of_ones_own_replace_the_embedded_ones(place: Path, free_port: int) -> None:
    data = place / "data"
    with postgres.Postgres(place / "pg", durable=False) as database, valkey.Valkey(place / "vk") as broker:
        with started(data, free_port, DATABASE_URL=database.url, REDIS_URL=broker.url) as (_, said):
            assert "yours, by DATABASE_URL" in said.read_text()
            assert "yours, by REDIS_URL" in said.read_text()
            assert not (data / "postgres" / "cluster").exists()
            assert _status(free_port, "/sign-in/") == 200
        assert ask(database.url, "SELECT count(*) > 0 FROM django_migrations") is True
