"""Kills the process it runs in at a random statement of its database, just before it or just after it.

Most of a job's time goes by waiting for a cluster; what a death can spoil lies between two statements.
"""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# A first reading takes a few hundred statements, a quiet pass about sixty, a fold about twenty.
LONGEST_LIFE = 120
TALLY = "PADDOCK_TEST_KILLS"

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class Fuse:
    """Counts the statements of one process; a forked child begins anew."""

    def __init__(self) -> None:
        self._pid = 0
        self._left = 0
        self._before = False

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            chance = random.Random(f"{os.environ['SEED']}/{tally()}/{self._pid}")
            self._left, self._before = chance.randint(1, LONGEST_LIFE), chance.random() < 0.5
        self._left -= 1
        if self._left == 0 and self._before:
            _die()
        answer = execute(sql, params, many, context)
        if self._left == 0:
            _die()
        return answer


FUSE = Fuse()


def arm(*, connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Set the fuse on a new connection."""
    if FUSE not in connection.execute_wrappers:
        connection.execute_wrappers.append(FUSE)


def tally() -> int:
    """How many processes have died so far."""
    return os.stat(os.environ[TALLY]).st_size  # noqa: PTH116 - a few hundred times a second


def _die() -> None:
    with Path(os.environ[TALLY]).open("ab") as deaths:
        deaths.write(b".")
    os.kill(os.getpid(), signal.SIGKILL)
