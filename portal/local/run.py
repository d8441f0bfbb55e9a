"""``make run``: from a checkout to a running portal, each step with its time.

Two halves. ``prepare`` needs the standard library alone and ends by starting this program again with the
interpreter of ``.venv``; ``serve`` is that second life: it starts the servers and stays as their supervisor.
"""

import contextlib
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Never

from portal.core import data_folder
from portal.local import (
    assets,
    console,
    environment,
    errors,
    folders,
    ldap_extra,
    locks,
    packages,
    processes,
    programs,
    steps,
    supervisor,
)

_READY_SECONDS = 60.0
_WATCH_SECONDS = 0.5
_PATIENCE_SECONDS = 5.0
_OLD_LOGS = 3


class Stopped(KeyboardInterrupt):
    """Ctrl-C, or a request to end from outside."""


def port_of(environ: Mapping[str, str]) -> int:
    text = environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise errors.LocalError(f"PORT is {text!r}: use a number from 1 to 65535.")
    return int(text)


def require_free(port: int) -> None:
    """Raise before anything slow is done when somebody else listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((programs.HOST, port))
        except PermissionError:
            raise errors.LocalError(f"Port {port} needs root. Take another one: make run PORT=8000") from None
        except OSError:
            raise errors.LocalError(
                f"Port {port} is in use by another program. Take another one: make run PORT={port + 1}"
            ) from None


def prepare(environ: Mapping[str, str]) -> Never:
    """Environment and packages; does not return when all is well."""
    port = port_of(environ)
    with _only_run(data_folder.location(environ)):
        require_free(port)
        console.say("Paddock is starting.")
        with console.step("environment") as notes:
            folder = environment.prepare(environ)
            notes.append(str(folder))
        install_packages(packages.RUNTIME, folder)
        install_ldap(folder)
    python = str(packages.python())
    again = {**environ, "PADDOCK_DATA_DIR": str(folder)}
    os.execve(python, [python, "-m", "portal.local", "serve"], again)  # noqa: S606 - our own interpreter


def serve(environ: Mapping[str, str]) -> None:
    """Start everything, print the address, and stay until a signal comes."""
    folder = data_folder.location(environ)
    begun = time.monotonic()
    with _only_run(folder), _guarded(folder):
        _end_by_signal()
        run = Run(folder, environ)
        try:
            run.start()
            console.say(f"\nPaddock is ready ({time.monotonic() - begun:.1f} s after the packages).")
            console.say(f"\n  {run.address}\n")
            console.say(run.administrator)
            console.say(f"\nStop with Ctrl-C. Logs: {run.logs}")
            while True:
                time.sleep(_WATCH_SECONDS)
                run.supervisor.watch()
        finally:
            _ignore_signals()
            console.say("\nPaddock is stopping.")
            run.supervisor.stop()


class Run:
    """One start: its folder, its port, and the environment its programs get."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        self.port = port_of(environ)
        self.logs = environment.logs(folder)
        self.administrator = ""
        self.supervisor = supervisor.Supervisor(record_file(folder), {"address": self.address})
        defaults = {
            "PADDOCK_ALLOW_LOOPBACK": "1",
            "PADDOCK_DEBUG": "0",
            "PADDOCK_HTTPS": "0",
            "PADDOCK_REQUIRE_SECOND_FACTOR": "0",
            "PADDOCK_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
            "PYTHONUNBUFFERED": "1",
        }
        fixed = {"PADDOCK_DATA_DIR": str(folder), "PORT": str(self.port)}
        self.program_environ = supervisor.marked({**defaults, **environ, **fixed}, folders.fingerprint(folder))
        self.programs = programs.Programs(folder, self.logs, self.port, self.program_environ)

    @property
    def address(self) -> str:
        return f"http://{programs.HOST}:{self.port}/"

    def start(self) -> None:
        """The steps in order; what they start is known to the supervisor at once."""
        ended = clean_up(self.folder)
        if ended:
            console.say(f"  (a crashed run had left {ended} processes; they are ended now)")
        require_free(self.port)
        self.supervisor.record()
        for name in programs.NAMES:
            rotate(self.logs / f"{name}.log")
        install_assets(self.folder)
        self._collect_static()
        self._embedded("PostgreSQL", "DATABASE_URL", environment.database(self.folder))
        self._embedded("Valkey", "REDIS_URL", environment.broker(self.folder))
        with console.step("migrate"):
            self._manage("migrate", "--noinput")
        if self._demo_wanted():
            self._simulator()
            with console.step("demo") as notes:
                notes.append(self._manage("load_demo").strip().rpartition("\n")[2])
        with console.step("web"):
            self.supervisor.add("web", self.programs.web())
            # While the web processes load; the worker and beat would take the same cores from them.
            self.administrator = self._administrator()
            self._wait_for(self._answers, self.logs / "web.log")
        with console.step("worker"):
            self.supervisor.add("worker", self.programs.worker())
        with console.step("beat"):
            self.supervisor.add("beat", self.programs.beat())

    def _embedded(self, name: str, variable: str, server: supervisor.Child) -> None:
        with console.step(name) as notes:
            if environment.replaced(self.environ, variable):
                notes.append(f"yours, by {variable}")
            else:
                rotate(server.log)
                self.supervisor.add(name, server)

    def _simulator(self) -> None:
        with console.step("simulator"):
            control = self.programs.control
            folders.private(control.parent.parent)
            folders.private(control.parent)
            control.unlink(missing_ok=True)
            self.supervisor.add("simulator", self.programs.simulator())
            self._wait_for(control.exists, self.logs / "simulator.log")

    def _demo_wanted(self) -> bool:
        given = {**data_folder.read_env(self.folder), **self.environ}.get("PADDOCK_DEMO", "")
        return given.strip().lower() not in {"0", "false", "no", "off"}

    def _administrator(self) -> str:
        """Who can sign in first, with the one-time password while it is unused; it stays in no log."""
        try:
            return self._manage("first_administrator").strip()
        finally:
            (self.logs / "first_administrator.log").unlink(missing_ok=True)

    def _manage(self, *words: str) -> str:
        return steps.run(
            [packages.python(), "manage.py", *words],
            cwd=data_folder.CHECKOUT,
            log=self.logs / f"{words[0]}.log",
            environment=self.program_environ,
        )

    def _collect_static(self) -> None:
        """Static files are compressed, which takes seconds, so only when one has changed."""
        stamp = data_folder.CHECKOUT / "staticfiles" / ".collected"
        found = _static_digest()
        # Two data folders may share one checkout.
        with locks.held(data_folder.CHECKOUT / "portal" / "static", wait=True):
            if stamp.exists() and stamp.read_text(encoding="ascii") == found:
                return
            with console.step("static files"):
                self._manage("collectstatic", "--noinput")
                stamp.write_text(found, encoding="ascii")

    def _wait_for(self, ready: Callable[[], bool], log: Path) -> None:
        up = processes.wait_until(lambda: ready() or bool(self.supervisor.ended()), seconds=_READY_SECONDS)
        ended = self.supervisor.ended()
        if ended:
            log = self.logs / f"{ended[0]}.log"
        if ended or not up:
            raise errors.StepFailed(f"It does not answer. The end of {log}:\n{processes.last_lines(log)}")

    def _answers(self) -> bool:
        line = http.client.HTTPConnection(programs.HOST, self.port, timeout=5)
        try:
            line.request("GET", "/healthz/")
            return line.getresponse().status > 0
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()


def install_packages(lock_name: str, folder: Path) -> None:
    """The step that fills ``.venv``."""
    hint = "" if packages.installed(lock_name) else "downloading, once: about a minute"
    with console.step("packages", hint=hint) as notes:
        new = packages.install(lock_name, log_dir=environment.logs(folder))
        notes.append("installed" if new else "as they were")


def install_ldap(folder: Path, *, insist: bool = False) -> None:
    """The step that builds the LDAP extra where that is possible; without it everything else runs."""
    logs = environment.logs(folder)
    hint = "" if ldap_extra.installed(logs) else "building, once: some seconds"
    with console.step("LDAP", hint=hint) as notes:
        outcome = ldap_extra.install(log_dir=logs, insist=insist)
        if outcome == ldap_extra.MISSING:
            outcome += f", everything else runs. To turn it on: apt install {ldap_extra.APT_PACKAGES}; make setup"
        notes.append(outcome)


def install_assets(folder: Path) -> None:
    """The step that fills ``portal/static/vendor``."""
    hint = "" if assets.installed() else "downloading, once: some seconds with npm at hand, else a minute"
    with console.step("assets", hint=hint) as notes:
        new = assets.install(log_dir=environment.logs(folder))
        notes.append("installed" if new else "as they were")


def record_file(folder: Path) -> Path:
    return folder / "run.json"


def clean_up(folder: Path) -> int:
    """End what a dead supervisor left in this data folder, whose lock the caller holds; how many there were."""
    ended = supervisor.end_leftovers(record_file(folder), folders.fingerprint(folder))
    return ended + int(environment.database(folder).end_leftover())


def guard(environ: Mapping[str, str]) -> None:
    """Wait for the supervisor's death, however it comes, and then end what it left.

    The kernel's signal reaches its children alone, and one of them may be too busy to obey.
    """
    folder = data_folder.location(environ)
    sys.stdin.buffer.read()
    with locks.held(_lock_file(folder), wait=False) as mine:
        # Else it ends in good order, or the next start has the lock and cleans up itself.
        if mine:
            clean_up(folder)


@contextlib.contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """A process beside this one that holds the other end of a pipe."""
    command = [sys.executable, "-m", "portal.local", "guard"]
    environ = {**os.environ, "PADDOCK_DATA_DIR": str(folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, start_new_session=True):
        yield


@contextlib.contextmanager
def _only_run(folder: Path) -> Iterator[None]:
    """One start in a data folder at a time; the second one is told where the first is."""
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folders.private(folder, open_to_servers=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with locks.held(_lock_file(folder), wait=False) as mine:
            if mine:
                yield
                return
            found = supervisor.read_record(record_file(folder))
            alive = supervisor.owner(found) is not None
            # A dead one's guard holds the lock for as long as it cleans up.
            if alive or time.monotonic() > deadline:
                place = found.get("address", "an address it has not told yet")
                raise errors.AlreadyRunning(f"Paddock is already running at {place} (process {found.get('pid', '?')}).")
        time.sleep(_WATCH_SECONDS)


def _lock_file(folder: Path) -> Path:
    return folder / "run.lock"


def _end_by_signal() -> None:
    def stop(number: int, frame: types.FrameType | None) -> Never:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def rotate(log: Path) -> None:
    """The log of the last start becomes ``.1``, and so on; the oldest goes."""
    for number in range(_OLD_LOGS, 0, -1):
        older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number}"))


def _static_digest() -> str:
    """Of the names, sizes and times of our static files, and of the packages that bring their own."""
    root = data_folder.CHECKOUT / "portal" / "static"
    files = sorted(path for path in root.rglob("*") if path.is_file())
    found = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    lock = (data_folder.CHECKOUT / packages.RUNTIME).read_bytes()
    return hashlib.sha256(repr(found).encode() + lock).hexdigest()
