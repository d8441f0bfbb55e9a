"""Ports that stay ours for as long as the bed lives, also while their server is switched off."""

import fcntl
import secrets
import socket
from pathlib import Path
from typing import IO

FIRST = 20_000
SPAN = 10_000  # below 32768, where Linux begins to hand out ports for outgoing connections


class Ports:
    """Leases of this process. Another bed sees the lock file; anything else is seen by trying to bind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[IO[str]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def lease(self) -> int:
        start = secrets.randbelow(SPAN)
        for step in range(SPAN):
            port = FIRST + (start + step) % SPAN
            if self._take(port):
                return port
        raise RuntimeError(f"no free port between {FIRST} and {FIRST + SPAN}")

    def release(self) -> None:
        while self._held:
            self._held.pop().close()

    def _take(self, port: int) -> bool:
        lock = (self._folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            return False
        self._held.append(lock)
        return True
