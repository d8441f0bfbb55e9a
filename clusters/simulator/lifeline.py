"""Ends this process when the one that started it is gone."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def follow_parent() -> None:
    """SIGTERM from the kernel when the parent's starting thread ends (Linux)."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before the call above.
    if os.getppid() != parent or parent == 1:
        sys.exit(0)


class _Ear(asyncio.Protocol):
    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


async def follow_stdin(ended: Callable[[], None]) -> None:
    """Calls `ended` when standard input, a pipe held by the parent, is closed."""
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Ear(ended), sys.stdin)
