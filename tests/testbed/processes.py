"""Child processes of the test bed: a log each, recorded, ended by process id, swept after a crash."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.testbed import places

OWNER = "owner.lock"
CHILDREN = "children"


class NotStarted(Exception):
    """A program ended or was not ready in time. The text holds the end of its log."""


class Child:
    """One running program."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Kills at once: everything it keeps is thrown away, and a graceful end waits for open watches."""
        self._process.kill()
        self._process.wait()

    def wait_until(self, ready: Callable[[], bool], *, within: float) -> None:
        """Returns when `ready` answers true; raises NotStarted when the program ends or is late."""
        last = time.monotonic() + within
        while not ready():
            if not self.alive() or time.monotonic() > last:
                what = f"is not ready after {within:.0f} s" if self.alive() else "has ended"
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
                raise NotStarted(f"{self.name} {what}; the end of {self.log}:\n{tail}")
            time.sleep(0.05)


class RunFolder:
    """Data, logs and process ids of one bed. Locked while its owner lives; the next start clears the rest."""

    def __init__(self, runs: Path | None = None) -> None:
        runs = runs or places.cache() / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        with _guard(runs):
            sweep(runs)
            self.path = Path(tempfile.mkdtemp(dir=runs))
            self._lock = (self.path / OWNER).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._children: list[Child] = []

    def start(self, name: str, command: Sequence[str | Path]) -> Child:
        """Starts a program that dies with this process. Its output is added to `<name>.log`."""
        log = self.path / f"{name}.log"
        front = [sys.executable, "-I", "-S", str(places.HERE / "deathbound.py"), str(os.getpid())]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*front, *map(str, command)],
                cwd=self.path,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the owner alone, which ends them in order
            )
        child = Child(name, process, log)
        self._children.append(child)
        with (self.path / CHILDREN).open("a") as record:
            record.write(json.dumps({"pid": child.pid, "began": began(child.pid), "name": name}) + "\n")
        return child

    def close(self) -> None:
        """Ends every child, the newest first, and removes the folder."""
        while self._children:
            self._children.pop().stop()
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def sweep(runs: Path) -> None:
    """Ends the recorded processes of every run whose owner is gone and removes its folder."""
    for folder in [entry for entry in runs.iterdir() if entry.is_dir()]:
        with contextlib.suppress(BlockingIOError), (folder / OWNER).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_recorded(folder / CHILDREN)
            shutil.rmtree(folder, ignore_errors=True)


def began(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when it is gone. Tells reused ids apart."""
    try:
        stat = (Path("/proc") / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name, in brackets, may itself hold spaces and brackets.
    state, *numbers = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(numbers[18])


def _end_recorded(record: Path) -> None:
    lines = record.read_text().splitlines() if record.exists() else []
    for line in lines:
        # A run that was cut off may leave half a line.
        with contextlib.suppress(ValueError, ProcessLookupError):
            known = json.loads(line)
            if known["began"] is not None and began(known["pid"]) == known["began"]:
                os.kill(known["pid"], signal.SIGKILL)


@contextlib.contextmanager
def _guard(runs: Path) -> Iterator[None]:
    """Keeps a sweep from seeing a folder that its owner has made and not locked yet."""
    with (runs / ".guard").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
