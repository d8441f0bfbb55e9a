"""The real web server on the tests' database, asked over a raw socket."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from portal.core import data_folder


@dataclass
class Served:
    """One running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, raw: bytes, *, seconds: float = 10.0) -> bytes:
        """Send bytes as they are and read until the server closes."""
        with self.connect(seconds) as line:
            line.sendall(raw)
            return read_all(line)

    def connect(self, seconds: float = 10.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def request(self, first: str, *headers: str, body: bytes = b"") -> bytes:
        """A request with `Host` and `Connection: close`; further headers as written."""
        lines = [f"{first} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.ask("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def workers(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return sorted(int(pid) for pid in listed.split())

    def memory(self) -> int:
        """Resident bytes of all workers."""
        return sum(
            int(line.split()[1]) * 1024
            for pid in self.workers()
            for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            if line.startswith("VmRSS")
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def read_all(line: socket.socket) -> bytes:
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def status(answer: bytes) -> int:
    """0 where the server hung up without an answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


@contextmanager
def copied() -> Iterator[str]:
    """The address of a copy of the tests' database: what a server commits must not reach other tests."""
    name = f"{connection.settings_dict['NAME']}_{secrets.token_hex(4)}"
    source = str(connection.settings_dict["NAME"])
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
    try:
        yield database(name)
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def start(folder: Path, environ: Mapping[str, str] | None = None) -> Served:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / f"web-{port}.log"
    command = [sys.executable, "-m", "gunicorn", "-c", "python:portal.config.server", "--workers", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "portal.config.wsgi:application"],
            cwd=data_folder.CHECKOUT,
            stdout=output,
            stderr=output,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.portal.config.served_settings",
                "DATABASE_URL": database(),
                "PORT": str(port),
                **(environ or {}),
            },
        )
    served = Served(process, port, log)
    deadline = time.monotonic() + 40
    while True:
        try:
            if status(served.request("GET /healthz/")):
                return served
        except OSError:
            time.sleep(0.1)
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(log.read_text(encoding="utf-8")[-3000:])


def database(name: str = "") -> str:
    """The address of the tests' database, or of another one beside it."""
    found = connection.settings_dict
    name = name or str(found["NAME"])
    account = f"{quote(found['USER'])}:{quote(found['PASSWORD'])}@" if found["USER"] else ""
    host = str(found["HOST"])
    if host.startswith("/"):
        return f"postgresql://{account}/{name}?host={quote(host)}&port={found['PORT'] or 5432}"
    return f"postgresql://{account}{host}:{found['PORT'] or 5432}/{name}"
