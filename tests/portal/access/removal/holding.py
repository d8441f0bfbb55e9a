"""Somebody who has a right, and all they do by it at the real web server at the same time."""

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import kinds, runner
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.tokens.models import Token
from portal.tokens.services import tokens
from tests.factories.rivals import World
from tests.fakes import asking
from tests.portal.config.serving import Served

KIND = "tests.portal.access.removal"
BOUND = 60.0  # seconds, for what is taken away in Paddock
# Slow enough for a file of 180 MB to take ten minutes, and fast enough to empty within seconds what the kernel keeps
# for the line: what the server has written before the cut still arrives.
BYTES_A_SECOND = 300_000
TEN_MINUTES = 600.0
# A line of the file with a pod in it.
LINE_BYTES = 1400
ALL = ("page", "poll", "API by session", "API by token", "job", "download")
POLL = {"HX-Request": "true", "X-Poll": "1"}
LAST_CHUNK = b"\r\n0\r\n\r\n"


def nothing(run: Any, **ids: str) -> None:
    """The work of the job that waits."""


def known_kinds() -> dict[str, kinds.Kind]:
    """Every kind of job, and one that needs the right to the project it is about."""
    made = kinds.Kind(KIND, "Waiting", f"{__name__}.nothing", "default", 20, 1, Permission.INVENTORY_VIEW.value)
    return {**kinds.known(), KIND: made}


def fill(world: World, rows: int) -> None:
    """Many pods in our namespace, made by the database, each with a long text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'pod'")
        names = [f'"{row[0]}"' for row in cursor.fetchall() if row[0] not in {"id", "uid", "name", "reason"}]
        kept = ", ".join(names)
        cursor.execute(
            f"INSERT INTO pod ({kept}, uid, name, reason)"
            f" SELECT {kept}, gen_random_uuid()::text, 'okapi-' || n, repeat('x', %s)"
            " FROM pod, generate_series(1, %s) AS n WHERE pod.id = %s",
            [LINE_BYTES - 400, rows, world.ours.pod.pk],
        )


class Download:
    """A file on its way over a slow line, read by a thread. `ended_at` is monotonic, None while it goes on."""

    def __init__(self, served: Served, headers: str) -> None:
        self.ended_at: float | None = None
        self.head, self.tail, self.count, self.lines = b"", b"", 0, 0
        self._left = threading.Event()
        self._line = socket.socket()
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self._line.settimeout(60)
        self._line.connect(("127.0.0.1", served.port))
        host = f"Host: 127.0.0.1:{served.port}"
        asked = f"GET /inventory/pods/?format=csv HTTP/1.1\r\n{host}\r\n{headers}\r\nConnection: close\r\n\r\n"
        self._line.sendall(asked.encode())
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def is_whole(self) -> bool:
        """Whether what came passes for a whole answer, or for a whole file."""
        return self.tail.endswith(LAST_CHUNK) or b"# rows" in self.tail

    def seconds_for(self, rows: int) -> float:
        """How long a whole file of so many rows takes at this pace."""
        return rows * self.count / self.lines / BYTES_A_SECOND

    def stop(self) -> None:
        """Hang up."""
        self._left.set()
        self._thread.join(timeout=60)
        self._line.close()

    def _read(self) -> None:
        started = time.monotonic()
        while not self._left.is_set():
            try:
                part = self._line.recv(8192)
            except (ConnectionResetError, TimeoutError):
                part = b""
            if not part:
                self.ended_at = time.monotonic()
                return
            self.head = (self.head + part)[:2000] if len(self.head) < 2000 else self.head
            self.tail = (self.tail + part)[-2000:]
            self.count += len(part)
            self.lines += part.count(b"\n")
            time.sleep(max(0.0, self.count / BYTES_A_SECOND - (time.monotonic() - started)))


@dataclass
class Holder:
    """Somebody under way: signed in, with a token, a job that waits and a file that is being read."""

    name: str
    world: World
    served: Served
    user: User
    client: Client
    token: Token
    text: str
    waiting: Job
    download: Download

    def ask(self, way: str) -> asking.Answered:
        """Ask the server for our pod, or by the API for its project."""
        page, api = f"/inventory/pods/{self.world.ours.pod.pk}/", f"/api/v1/projects/{self.world.ours.project.pk}/"
        by_session = cookie(self.served, self.client)
        match way:
            case "page":
                path, headers = page, by_session
            case "poll":
                path, headers = page, {**by_session, **POLL}
            case "API by session":
                path, headers = api, by_session
            case _:
                path, headers = api, {"Authorization": f"Bearer {self.text}"}
        return asking.ask("GET", f"http://127.0.0.1:{self.served.port}{path}", "", b"", headers)

    def has(self, way: str) -> bool:
        """Whether one way still gives something; a job is run for it, once."""
        if way == "download":
            return self.download.ended_at is None
        if way == "job":
            runner.run(self.waiting.pk)
            state = Job.objects.get(pk=self.waiting.pk).state
            assert state in {"dead", "succeeded"}, state
            return bool(state == "succeeded")
        answer = self.ask(way)
        leads = answer.headers.get("location", "") + answer.headers.get("hx-redirect", "")
        is_denied = answer.status in {401, 403, 404} or leads.startswith("/sign-in/")
        assert is_denied or answer.status == 200, (self.name, way, answer.status)
        return not is_denied


def cookie(served: Served, client: Client) -> dict[str, str]:
    """What the browser sends to say whose session it is."""
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"paddock-{served.port}={value}"}


def project(world: World) -> Scope:
    """Our project."""
    return Scope(ScopeKind.PROJECT, world.ours.project.pk, world.ours.project.name)


def set_off(name: str, world: World, served: Served, client: Client, user: User, *, by_token: bool = False) -> Holder:
    """Let somebody begin everything; `by_token` asks for the job by the token."""
    at = clock.now()
    permissions = frozenset({Permission.INVENTORY_VIEW, Permission.PROJECT_VIEW})
    wanted = tokens.Wanted(name[:40], project(world), permissions, expires_at=at + timedelta(days=30))
    token, text = tokens.create(user=user, wanted=wanted, by=COMMAND, at=at)
    who = replace(user.as_actor(), token=str(token.pk)) if by_token else user.as_actor()
    waiting = jobs.enqueue(KIND, key=name, by=who, project_id=str(world.ours.project.pk))
    download = Download(served, "\r\n".join(": ".join(pair) for pair in cookie(served, client).items()))
    holder = Holder(name, world, served, user, client, token, text, waiting, download)
    for way in ("page", "poll", "API by session", "API by token"):
        assert holder.has(way), (name, way)
    return holder


def wait_until_under_way(holders: Iterable[Holder]) -> None:
    """Wait for every file to have come to its rows."""
    until = time.monotonic() + 30
    for holder in holders:
        while b"okapi-" not in holder.download.tail:
            assert time.monotonic() < until, holder.name
            time.sleep(0.05)
        assert holder.download.head.startswith(b"HTTP/1.1 200")
        assert b"Transfer-Encoding: chunked" in holder.download.head
        assert holder.download.ended_at is None, holder.name


def seconds_until_denied(
    holder: Holder, taken: float, *, ways: Iterable[str] = ALL, bound: float = BOUND
) -> dict[str, float]:
    """Ask in each way until it gives nothing any more; returns after how many seconds. Fails past the bound."""
    found = {}
    for way in ways:
        while holder.has(way):
            assert way != "job", f"{holder.name}: the job ran"
            assert time.monotonic() - taken < bound, f"{holder.name}: the {way} goes on"
            time.sleep(0.1)
        ended = holder.download.ended_at if way == "download" else None
        found[way] = (ended or time.monotonic()) - taken
        assert found[way] < bound, (holder.name, way)
    if "download" in ways:
        assert not holder.download.is_whole, f"{holder.name}: what was cut looks whole"
    return found


def told(found: dict[str, dict[str, float]]) -> str:
    """The seconds as a table, for the report of a run (`pytest --log-cli-level=INFO`)."""
    rows = (f"{name:42} " + "  ".join(f"{way} {each[way]:.2f}" for way in each) for name, each in found.items())
    return "\n".join(rows)
