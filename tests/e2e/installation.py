"""Paddock as it runs: web, worker and beat as real processes, on a database and a broker of their own.

    with Folder() as folder, Installation(folder) as paddock:
        paddock.serve()
        paddock.work()
        paddock.manage("first_administrator")

The programs are those of `make run` (`portal.local.programs`). The test itself reads the same database: see `joined`.
"""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import psycopg2
from celery import Celery
from django.db import connection
from django.test import override_settings

from portal.config import celery as product
from portal.core import data_folder
from portal.jobs.models import Job, State
from portal.local import folders, packages, processes, programs, supervisor, valkey
from tests import environment

T = TypeVar("T")
READY_SECONDS = 60.0
SENDER = "tests.e2e.installation.send"
_senders: list[Celery] = []


class NotReady(Exception):
    """A program ended or did not answer; the text holds the end of its log."""


class Templates:
    """What every installation of a run shares: a migrated database to copy, and collected static files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[str] = []

    @cached_property
    def database(self) -> str:
        """The name of a database with all tables and no rows."""
        name = self.create("")
        manage(self.environ_of(name, self.folder), "migrate", "--noinput")
        return name

    @cached_property
    def static(self) -> Path:
        """The folder of the hashed static files."""
        found = self.folder / "static"
        if not (data_folder.CHECKOUT / "portal" / "static" / "vendor" / ".installed").exists():
            raise NotReady("The browser files are not there yet: make assets")
        manage(self.environ_of("none", self.folder), "collectstatic", "--noinput")
        return found

    def create(self, template: str) -> str:
        """Make a database, empty or as a copy; it goes with `drop`."""
        name = f"paddock_test_{secrets.token_hex(4)}"
        self._execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        self._made.append(name)
        return name

    def drop(self) -> None:
        """Remove every database of this run."""
        while self._made:
            self._execute(f'DROP DATABASE IF EXISTS "{self._made.pop()}" WITH (FORCE)')

    def environ_of(self, database: str, data: Path, *, port: int = 0, redis_url: str = "") -> dict[str, str]:
        """The environment of the programs of one installation."""
        return {
            **os.environ,
            **environment.FIXED,
            "DJANGO_SETTINGS_MODULE": "tests.e2e.settings",
            "DATABASE_URL": _with_name(os.environ["DATABASE_URL"], database),
            "REDIS_URL": redis_url,
            "PADDOCK_DATA_DIR": str(data),
            "PADDOCK_TEST_STATIC_ROOT": str(self.folder / "static"),
            "PORT": str(port),
            "PYTHONUNBUFFERED": "1",
        }

    def _execute(self, statement: str) -> None:
        line = psycopg2.connect(os.environ["DATABASE_URL"])
        try:
            line.autocommit = True
            with line.cursor() as cursor:
                cursor.execute(statement)
        finally:
            line.close()


class Installation:
    """One Paddock. Programs start on demand and end with it; they die with the test process, however it ends."""

    def __init__(self, templates: Templates, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self._templates = templates
        self._more = environ or {}
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self._servers = contextlib.ExitStack()
        self.port = _free_port()
        self.database = ""
        self.environ: Mapping[str, str] = {}
        self._running: dict[str, supervisor.Program] = {}
        self._broker = valkey.Valkey(folder / "valkey")

    @property
    def address(self) -> str:
        """Of the web server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def broker_url(self) -> str:
        return self._broker.url

    def serve(self) -> None:
        """Start the web server, unless it runs already, and wait until it answers."""
        if "web" in self._running:
            return
        _ = self._templates.static
        self._start("web", self._programs.web())
        self._await("web", self._answers)

    def work(self, **environ: str) -> None:
        """Start the worker, with more in its environment where that is given. It takes jobs a few seconds later."""
        chosen = programs.Programs(self.folder, self.logs, self.port, {**self.environ, **environ})
        self._start("worker", chosen.worker())

    def tick(self) -> None:
        """Start beat: from now on everything regular happens by itself."""
        self._start("beat", self._programs.beat())

    def load_demo(self) -> None:
        """Start the simulator and bring the demo into it."""
        control = self._programs.control
        folders.private(control.parent.parent)
        folders.private(control.parent)
        self._start("simulator", self._programs.simulator())
        self._await("simulator", control.exists)
        self.manage("load_demo")

    def end(self, name: str) -> None:
        """End "web", "worker" or "beat" in good order."""
        self._running.pop(name).stop()

    def kill(self, name: str) -> None:
        """End a program and all its children at once, without a word."""
        program = self._running.pop(name)
        processes.kill_group(program.process.pid)
        program.process.wait()

    def mend(self) -> None:
        """Start again what has ended by itself, as the supervisor of `make run` does."""
        for program in self._running.values():
            if program.process.poll() is not None:
                program.stop()
                program.start()

    def pid(self, name: str) -> int:
        return self._running[name].process.pid

    def log(self, name: str) -> str:
        """The end of a program's log."""
        return processes.last_lines(self.logs / f"{name}.log", 40)

    def manage(self, *words: str) -> str:
        """Run a command of manage.py; returns what it printed."""
        return manage(self.environ, *words)

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Let this process read and write the installation's database, and tell its worker of jobs."""
        before = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = self.database
        _senders.append(Celery("tests", broker=valkey.celery_url(self.broker_url), set_as_current=False))
        _senders[-1].conf.broker_transport_options = product.app.conf.broker_transport_options
        try:
            with override_settings(JOB_SENDER=SENDER):
                yield
        finally:
            _senders.pop().close()
            connection.close()
            connection.settings_dict["NAME"] = before

    def finished(self, job: Job, *, within: float = 60) -> Job:
        """Wait for the end of a job; raises NotReady with its error unless it succeeded."""

        def ended() -> Job | None:
            found = Job.objects.get(pk=job.pk)
            return found if found.state not in (State.WAITING, State.RUNNING) else None

        try:
            done = wait_for(ended, within=within, what=f"the end of {job}")
        except TimeoutError as late:
            raise NotReady(f"{late}\n{self.log('worker')}") from None
        if done.state != State.SUCCEEDED:
            raise NotReady(f"{job} is {done.state}: {done.error}\n{self.log('worker')}")
        return done

    def __enter__(self) -> Self:
        self.database = self._templates.create(self._templates.database)
        self._broker.start()
        self._servers.callback(self._broker.stop)
        fixed = self._templates.environ_of(self.database, self.folder, port=self.port, redis_url=self._broker.url)
        self.environ = {**fixed, "PADDOCK_BASE_URL": self.address, **self._more}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Everything it keeps is thrown away, and a worker that ends in good order takes its time.
        for name in reversed(list(self._running)):
            self.kill(name)
        self._servers.close()

    @property
    def _programs(self) -> programs.Programs:
        return programs.Programs(self.folder, self.logs, self.port, self.environ)

    def _start(self, name: str, program: supervisor.Program) -> None:
        program.start()
        self._running[name] = program

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        process = self._running[name].process
        up = processes.wait_until(lambda: ready() or process.poll() is not None, seconds=READY_SECONDS)
        if not up or process.poll() is not None:
            raise NotReady(f"{name} does not answer; the end of its log:\n{self.log(name)}")

    def _answers(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", "/healthz/")
            return line.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()


def send(job_id: UUID, queue: str) -> None:
    """Hand a job's id to the broker of the installation this process has joined (`settings.JOB_SENDER`)."""
    app = _senders[-1]
    try:
        app.send_task("portal.config.celery.run_job", args=(str(job_id),), queue=queue, retry=False)
    except app.connection_for_write().connection_errors as error:
        raise OSError(str(error)) from error


def manage(environ: Mapping[str, str], *words: str) -> str:
    """Run a command of manage.py in this environment. Raises NotReady with its output when it fails."""
    done = subprocess.run(
        [packages.python(), "manage.py", *words],
        cwd=data_folder.CHECKOUT,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        raise NotReady(f"manage.py {' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def wait_for(ask: Callable[[], T | None], *, within: float, what: str) -> T:
    """Ask until the answer is truthy and return it. Raises TimeoutError with `what` and the last answer."""
    last = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > last:
            raise TimeoutError(f"{what}: not within {within:.0f} s, the last answer was {answer!r}")
        time.sleep(0.1)


def kill(pid: int) -> None:
    """Kill one process that may have ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _with_name(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{quote(name, safe='')}").geturl()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
