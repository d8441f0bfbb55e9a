"""What a process has used so far, as the kernel counts it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# Where no figure is judged.
TOY, TOY_ROUNDS = 200, 3
TICKS = os.sysconf("SC_CLK_TCK")


def peak_memory() -> int:
    """The largest resident set of this process in bytes.

    From VmHWM: `getrusage` would count the process that this one was started from as well.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def cpu_of(process: int) -> float:
    """User and system time of another process in seconds, in steps of 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rounds(inputs: Mapping[str, Any], many: int) -> int:
    """How often something is repeated: a few times at toy size."""
    return many if inputs["size"] > TOY else TOY_ROUNDS


def late(walls: list[float]) -> float:
    """The 95th percentile."""
    return sorted(walls)[len(walls) * 95 // 100]


class Clock:
    """Time inside `with`, added up: CPU of this process (user and system), wall, and CPU of a database backend."""

    def __init__(self, backend: int = 0) -> None:
        self._backend = backend
        self.cpu = self.wall = self.database = 0.0

    def __enter__(self) -> Self:
        self._read(-1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._read(1)

    def _read(self, sign: int) -> None:
        self.cpu += sign * time.process_time()
        self.wall += sign * time.perf_counter()
        if self._backend:
            self.database += sign * cpu_of(self._backend)
