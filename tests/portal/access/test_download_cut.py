"""A long download over the real web server ends when the right to it does."""

import re
import socket
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding
from portal.core import clock
from portal.core.actors import COMMAND
from tests.factories import rivals
from tests.people import client_of
from tests.portal.config import serving

ROWS = 200_000
# Slow enough for the file to take minutes, and fast enough to empty in seconds what the kernel keeps for the line:
# what the server has written before the cut still arrives.
BYTES_A_SECOND = 300_000
BOUND = 60.0


def fill(world: rivals.World) -> None:
    """Many pods in our namespace, made by the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'pod'")
        names = [f'"{row[0]}"' for row in cursor.fetchall() if row[0] not in {"id", "uid", "name"}]
        kept = ", ".join(names)
        cursor.execute(
            f"INSERT INTO pod ({kept}, uid, name) SELECT {kept}, gen_random_uuid()::text, 'okapi-' || n"
            " FROM pod, generate_series(1, %s) AS n WHERE pod.id = %s",
            [ROWS, world.ours.pod.pk],
        )


def read_slowly(line: socket.socket, until: float) -> tuple[bytes, bool]:
    """Read at the speed of a slow line until a time; returns what came, and whether the line ended."""
    parts: list[bytes] = []
    started, came = time.monotonic(), 0
    while time.monotonic() < until:
        try:
            part = line.recv(8192)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts), True
        parts.append(part)
        came += len(part)
        time.sleep(max(0.0, came / BYTES_A_SECOND - (time.monotonic() - started)))
    return b"".join(parts), False


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_download_of_minutes_is_cut_within_one(tmp_path: Path) -> None:
    world = rivals.world()
    fill(world)
    member = world.ours.member
    session = client_of(member).cookies[settings.SESSION_COOKIE_NAME].value
    served = serving.start(tmp_path)
    line = socket.socket()
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        line.settimeout(30)
        line.connect(("127.0.0.1", served.port))
        head = f"GET /inventory/pods/?format=csv HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        line.sendall(f"{head}Cookie: paddock-{served.port}={session}\r\nConnection: close\r\n\r\n".encode())
        first, ended = read_slowly(line, time.monotonic() + 3)
        assert first.startswith(b"HTTP/1.1 200")
        assert b"Transfer-Encoding: chunked" in first
        assert not ended
        role_bindings.revoke(binding=Binding.objects.get(pk=world.ours.binding.pk), by=COMMAND, at=clock.now())
        taken = time.monotonic()
        rest, ended = read_slowly(line, taken + BOUND)
        assert ended, "it still goes on"
        assert time.monotonic() - taken < BOUND
        assert not (first + rest).endswith(b"\r\n0\r\n\r\n"), "it looks like a whole answer"
        assert b"# rows" not in rest, "it looks like a whole file"
        assert 0 < len(re.findall(rb"okapi-\d+", first + rest)) < ROWS
    finally:
        line.close()
        served.stop()
