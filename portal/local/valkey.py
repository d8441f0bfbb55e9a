"""Valkey out of its wheel, for one machine: ``make run`` and the tests.

    from portal.local import folders, valkey

    with folders.temporary() as folder, valkey.Valkey(folder / "valkey") as server:
        os.environ["REDIS_URL"] = server.url

or ``server.start() -> url`` and ``server.stop()``. The URL has the form ``unix:///SOCKET/valkey.sock?db=0``
(the form of Django's cache); ``celery_url`` turns it into the ``redis+socket://`` form of a Celery broker and
leaves ``redis://`` and ``rediss://`` as they are.

There is no TCP port. What it holds may vanish at any moment: data that cannot be read back is thrown away.
It shuts down when the thread that called ``start`` ends: call it from the main thread.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import types
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit

from portal.local import account, binaries, errors, folders, processes

_START_SECONDS = 20.0
_SOCKET = "valkey.sock"
_END = ((signal.SIGTERM, 5.0),)


def celery_url(redis_url: str) -> str:
    """The same server for Celery: ``redis+socket:///path?virtual_host=0``."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


class Valkey:
    """One server with its own data folder."""

    def __init__(self, data_dir: Path, socket_dir: Path | None = None, *, log: Path | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.log = log or self.data_dir / "log"
        self._given_socket_dir = socket_dir
        self._account = account.for_servers()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> Path:
        """Where the append-only file lies; the servers' account's own."""
        return self.data_dir / "files"

    @property
    def socket_path(self) -> Path:
        return (self._given_socket_dir or folders.socket_dir(self.data_dir)) / _SOCKET

    @property
    def url(self) -> str:
        """Known before the first start."""
        return f"unix://{quote(str(self.socket_path), safe='/')}?db=0"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server, for a supervisor that waits for it."""
        if self._process is None:
            raise errors.ServerFailed("Valkey is not started.")
        return self._process

    def start(self) -> str:
        """Start and return the URL once it answers.

        Raises ``AlreadyRunning`` when a living server uses the socket, else ``ServerFailed`` with the log.
        """
        folders.require_short(self.socket_path.parent)
        folders.private(self.data_dir, open_to_servers=True)
        account.require_reach(self.files, self._account)
        if self._answers():
            raise errors.AlreadyRunning(f"Valkey already runs on {self.socket_path}.")
        self.socket_path.unlink(missing_ok=True)
        if not self._launch():
            # What it holds may vanish: an unreadable file is no reason to stay away.
            shutil.rmtree(self.files)
            if not self._launch():
                raise errors.ServerFailed(f"Valkey did not start:\n{processes.last_lines(self.log)}")
        return self.url

    def stop(self) -> None:
        """End the server; nothing happens when it does not run."""
        if self._process is not None:
            processes.end(self._process, *_END)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self) -> bool:
        folders.server_owned(self.files)
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.files),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        with self.log.open("ab") as log:
            self._process = processes.spawn(
                [
                    binaries.valkey(),
                    *(word for name, value in options.items() for word in (f"--{name}", value)),
                ],
                output=log,
                environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                cwd=self.files,
                as_account=self._account,
            )
        processes.wait_until(self._settled, seconds=_START_SECONDS)
        if self._process.poll() is None and self._answers():
            return True
        self.stop()
        return False

    def _settled(self) -> bool:
        return self.process.poll() is not None or self._answers()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1.0)
            line.connect(str(self.socket_path))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        return False
