"""One process that starts the others, starts again what ends by itself, and ends all of them in order.

Every child has a session of its own, so that Ctrl-C reaches the supervisor alone, and gets a signal from the
kernel when the supervisor dies. What outlives even that is found by the next start (``end_leftovers``).
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from portal.local import console, errors, processes

_FIRST_DELAY = 1.0
_LONGEST_DELAY = 60.0
_STEADY_SECONDS = 60.0
_MARK = "PADDOCK_RUN"


class Child(Protocol):
    """What can be supervised: a program, or an embedded server with a start of its own."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...

    log: Path

    def start(self) -> object: ...

    def stop(self) -> None: ...


class Program:
    """A command with a log file. ``end`` is the signals that end it, each with its seconds of patience."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        log: Path,
        environment: Mapping[str, str],
        end: Sequence[tuple[signal.Signals, float]],
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._cwd = cwd
        self.log = log
        self._environment = environment
        self._end = end
        self._death_signal = death_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise errors.LocalError(f"{self._command[0]} is not started.")
        return self._process

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = processes.spawn(
                self._command,
                output=output,
                environment=self._environment,
                cwd=self._cwd,
                death_signal=self._death_signal,
            )

    def stop(self) -> None:
        if self._process is not None:
            processes.end(self._process, *self._end)
            self._process = None


@dataclass
class _Watched:
    name: str
    child: Child
    started_at: float = 0.0
    delay: float = _FIRST_DELAY
    again_at: float | None = None
    identity: processes.Identity | None = None


@dataclass
class Supervisor:
    """Children in the order they were added; ``stop`` ends them in the reverse order."""

    record_file: Path
    about: Mapping[str, str]
    _watched: list[_Watched] = field(default_factory=list)

    def add(self, name: str, child: Child) -> None:
        """Start a child and watch over it from now on."""
        entry = _Watched(name, child)
        self._watched.append(entry)
        self._start(entry)

    def ended(self) -> list[str]:
        """Names of the children that have ended and were not started again yet."""
        return [entry.name for entry in self._watched if entry.child.process.poll() is not None]

    def watch(self) -> list[str]:
        """Look once at every child: say which has ended, start again those whose waiting time is over.

        Returns the names of those that run again.
        """
        now = time.monotonic()
        again = [entry for entry in self._watched if entry.again_at is not None and now >= entry.again_at]
        for entry in self._watched:
            if entry.again_at is None and entry.child.process.poll() is not None:
                self._plan(entry, now)
        return [entry.name for entry in again if self._start_again(entry)]

    def stop(self) -> None:
        """End every child; one that cannot be ended does not keep the others alive."""
        while self._watched:
            entry = self._watched.pop()
            try:
                entry.child.stop()
            except (OSError, errors.LocalError) as error:
                console.say(f"{entry.name}: {error}")
        self.record_file.unlink(missing_ok=True)

    def _start(self, entry: _Watched) -> None:
        entry.child.start()
        entry.started_at = time.monotonic()
        entry.again_at = None
        entry.identity = processes.identity_of(entry.child.process.pid)
        self.record()

    def _start_again(self, entry: _Watched) -> bool:
        try:
            entry.child.stop()
            self._start(entry)
        except (OSError, errors.LocalError) as error:
            console.say(f"{entry.name}: {error}")
            entry.again_at = time.monotonic() + entry.delay
            return False
        console.say(f"{entry.name} runs again.")
        return True

    def _plan(self, entry: _Watched, now: float) -> None:
        """Wait longer each time, from the start again after a minute of quiet."""
        if now - entry.started_at > _STEADY_SECONDS:
            entry.delay = _FIRST_DELAY
        entry.again_at = now + entry.delay
        code = entry.child.process.returncode
        console.say(f"{entry.name} ended with code {code}; starting it again in {entry.delay:.0f} s.")
        console.say(f"The end of {entry.child.log}:\n{processes.last_lines(entry.child.log)}")
        entry.delay = min(entry.delay * 2, _LONGEST_DELAY)

    def record(self) -> None:
        """Write down who runs, for the next start; the file is replaced whole."""
        own = processes.identity_of(os.getpid())
        living = [entry.identity for entry in self._watched if entry.identity is not None]
        content = {
            **self.about,
            "pid": own.pid if own else 0,
            "started_ticks": own.started_ticks if own else 0,
            "children": [[found.pid, found.started_ticks] for found in living],
        }
        draft = self.record_file.with_suffix(".new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.rename(self.record_file)


def read_record(record_file: Path) -> dict[str, object]:
    """What a living or crashed supervisor wrote; empty when there is none."""
    try:
        content = json.loads(record_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def owner(content: Mapping[str, object]) -> processes.Identity | None:
    """The living supervisor that wrote a record."""
    pid, ticks = content.get("pid"), content.get("started_ticks")
    if not isinstance(pid, int) or not isinstance(ticks, int):
        return None
    written = processes.Identity(pid, ticks)
    return written if written.alive() else None


def marked(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """The environment with the mark by which ``end_leftovers`` knows our children's children."""
    return {**environment, _MARK: mark}


def end_leftovers(record_file: Path, mark: str) -> int:
    """End what a dead supervisor left running; only for a caller that holds the lock of the data folder.

    Children are known by number and start time, their children by the mark in their environment.
    """
    children = read_record(record_file).get("children", [])
    recorded = [processes.Identity(pid, ticks) for pid, ticks in children] if isinstance(children, list) else []
    found = {one for one in recorded if one.alive()} | processes.with_environment(_MARK, mark)
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)):
        for one in found:
            if one.alive():
                processes.tell(one, number)
        if processes.wait_until(lambda: not any(one.alive() for one in found), seconds=seconds):
            break
    record_file.unlink(missing_ok=True)
    return len(found)
