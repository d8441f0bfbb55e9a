"""Processes that end with their parent, and that are told apart from others by their start time.

A process number alone says nothing after a crash or a reboot: the number may have been given to
another process. ``Identity`` therefore holds the start time of the kernel's table beside it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.local import account

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Identity:
    """One process of this boot: its number, and its start in clock ticks since boot."""

    pid: int
    started_ticks: int

    def alive(self) -> bool:
        return identity_of(self.pid) == self


def identity_of(pid: int) -> Identity | None:
    """None when no such process lives; one that has ended and waits for its parent counts as gone."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return Identity(pid=pid, started_ticks=int(fields[19]))


def folder_of(pid: int) -> str:
    """The working folder of a process; empty when it is gone or not ours to see."""
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/cwd").readlink())
    return ""


def program_of(pid: int) -> str:
    """The base name of the running program; empty when it is gone or not ours to see."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/exe").readlink().name
    return ""


def spawn(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    environment: Mapping[str, str],
    cwd: Path,
    death_signal: signal.Signals = signal.SIGTERM,
    as_account: account.Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own that gets ``death_signal`` when this process dies.

    The kernel watches the thread that calls this: call it from one that lives as long as the process.
    """
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside threads; what runs before the exec is two system calls.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_bound_to(os.getpid(), death_signal),
            **account.popen_arguments(as_account),
        )


def _bound_to(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    number = int(death_signal)

    def bind() -> None:
        # Runs after the change of user, which would clear the setting.
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return bind


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal and wait its seconds, until the process has ended; at last kill its group."""
    for number, seconds in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
    kill_group(process.pid)
    process.wait()


def kill_group(leader: int) -> None:
    """Kill what is left of the group a child was the leader of."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def end_stranger(found: Identity, *steps: tuple[signal.Signals, float]) -> bool:
    """End a process that is not a child of this one. False when it still lives after the last step."""
    for number, seconds in steps:
        if not found.alive():
            return True
        tell(found, number)
        wait_until(lambda: not found.alive(), seconds=seconds)
    return not found.alive()


def tell(found: Identity, number: signal.Signals) -> None:
    """Send a signal, unless the process has just gone or become another user's."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(found.pid, number)


def with_environment(name: str, value: str) -> set[Identity]:
    """Every other living process of this user that was started with this environment variable."""
    wanted = f"{name}={value}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                identity = identity_of(int(entry.name))
                found |= {identity} if identity else set()
    return found


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Ask again and again until the condition holds. False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log file, empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 16_384))
            text = log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
