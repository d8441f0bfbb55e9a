"""The web server as it really runs: what it makes of odd requests, and what strangers cannot make it do."""

import re
import socket
import time
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoDbBlocker

from portal.access import gate
from portal.local import folders
from tests.portal.config import serving
from tests.portal.config.serving import Served, status

# Only marked tests make pytest-django prepare the database, which the server uses from outside.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("server")]
BAD_JSON = b"[" * 100_000
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def served(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Served]:
    yield from serve(django_db_blocker, {"PADDOCK_TRUSTED_PROXIES": "1", "PADDOCK_TRUSTED_NETWORKS": "192.0.2.0/24"})


@pytest.fixture(scope="module")
def behind_proxy(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Served]:
    yield from serve(django_db_blocker, {"PADDOCK_TRUSTED_PROXIES": "2", "PADDOCK_TRUSTED_NETWORKS": "127.0.0.0/8"})


def serve(blocker: DjangoDbBlocker, environ: dict[str, str]) -> Iterator[Served]:
    """A server on a database of its own."""
    with folders.temporary() as folder, blocker.unblock(), serving.copied() as address:
        running = serving.start(folder, {"DATABASE_URL": address, **environ})
        try:
            yield running
        finally:
            running.stop()


def public_addresses() -> list[str]:
    """Every address without an argument that answers strangers."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, object]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            else:
                yield prefix + str(pattern.pattern), pattern.callback

    found = []
    for address, view in walk(get_resolver().url_patterns, "/"):
        rule = getattr(view, "gate_rule", None)
        if isinstance(rule, gate.Rule) and rule.mark == "public" and not re.search(r"[<^$(]", address):
            found.append(address)
    return sorted(found)


PUBLIC = public_addresses()


def test_there_are_public_addresses() -> None:
    assert {"/sign-in/", "/healthz/", "/csp-report/"} <= set(PUBLIC)


def test_a_second_authorization_is_refused(served: Served) -> None:
    """The server joins repeated fields by a comma, which would hide the second from whoever reads the first."""
    one, two = "Authorization: Bearer pdk_aaaa", "Authorization: Bearer pdk_bbbb"
    assert status(served.request("GET /api/v1/people/", one)) == 401
    for pair in ((one, two), (one, one), (one, "authorization: Basic eDp5")):
        answer = served.request("GET /api/v1/people/", *pair)
        assert status(answer) == 400
        assert b"more than once" in answer
        assert b"pdk_" not in answer


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1:80:80", "a b", "[::1"])
def test_another_host_is_refused_without_a_traceback(served: Served, host: str) -> None:
    before = served.log.stat().st_size
    answer = served.ask(f"GET /sign-in/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert status(answer) == 400
    assert b"no-store" in answer
    assert "Traceback" not in served.log.read_text(encoding="utf-8")[before:]


def test_two_hosts_are_refused(served: Served) -> None:
    assert status(served.request("GET /sign-in/", "Host: evil.example")) == 400


def test_what_only_a_proxy_may_say_is_not_heard_from_others(served: Served) -> None:
    said = (
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 8.8.8.8",
        "Forwarded: for=1",
    )
    answer = served.request("GET /", *said, "X-Remote-User: root", "Remote-User: root", "X-Forwarded-User: root")
    assert status(answer) == 302
    assert b"Location: /sign-in/?next=/\r\n" in answer
    assert b"evil.example" not in answer


@pytest.mark.parametrize("name", ["X_Forwarded_For", "REMOTE_USER", "SCRIPT_NAME", "PATH_INFO", "X_CSRFToken"])
def test_names_with_underscores_are_dropped(served: Served, name: str) -> None:
    answer = served.request("GET /healthz/", f"{name}: /evil")
    assert status(answer) == 200
    assert b"evil" not in answer


def test_a_proxy_is_believed_as_far_as_it_is_trusted(behind_proxy: Served) -> None:
    def asked(*said: str) -> int:
        return status(behind_proxy.request("GET /sign-in/", *said))

    assert asked("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1", "X-Forwarded-Proto: https") == 200
    assert asked("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9") == 200
    assert asked("X-Forwarded-For: nonsense, 10.0.0.1") == 400
    assert asked("X-Forwarded-Proto: https", "X-Forwarded-Proto: http") == 400
    assert asked("X-Forwarded-Proto: https, http") == 400
    assert asked("X-Forwarded-Host: a.example", "X-Forwarded-Host: b.example") == 400


@pytest.mark.parametrize("address", PUBLIC)
def test_a_gibibyte_is_not_waited_for(served: Served, address: str) -> None:
    before, begun = served.memory(), time.monotonic()
    with served.connect() as line:
        head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n{FORM}\r\n"
        line.sendall(f"{head}Content-Length: {2**30}\r\n\r\n".encode())
        answer = line.recv(4096)
    assert status(answer) in range(400, 500), answer[:200]
    assert time.monotonic() - begun < 2
    assert served.memory() - before < 20 * 2**20


@pytest.mark.parametrize("address", PUBLIC)
def test_endless_chunks_end(served: Served, address: str) -> None:
    before, pids, begun = served.memory(), served.workers(), time.monotonic()
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with served.connect() as line:
        head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n{FORM}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        line.settimeout(0.05)
        answer, sent = b"", 0
        try:
            while sent < 64 * 2**20 and not answer:
                line.sendall(chunk)
                sent += len(chunk)
                try:
                    answer = line.recv(4096)
                except TimeoutError:
                    continue
        except OSError:
            pass
    assert not answer or status(answer) in range(400, 500), answer[:200]
    assert time.monotonic() - begun < 2
    assert served.memory() - before < 20 * 2**20
    assert served.workers() == pids


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/nonsense"],
)
def test_deep_and_odd_bodies_are_refused(served: Served, address: str, kind: str) -> None:
    pids, begun = served.workers(), time.monotonic()
    for body in (BAD_JSON, b"\x00\xff" * 500, b"{}", b"null", b'{"csp-report": []}', b"a=" + b"%00" * 100):
        answer = served.request(f"POST {address}", f"Content-Type: {kind}", body=body)
        assert status(answer) in range(400, 500), (body[:20], answer[:200])
    assert time.monotonic() - begun < 6 * 2
    assert served.workers() == pids


def test_a_header_that_never_ends_is_hung_up_on(served: Served) -> None:
    pids, begun = served.workers(), time.monotonic()
    slow = [served.connect(30) for _each in range(4)]
    for line in slow:
        line.sendall(b"GET /healthz/ HTTP/1.1\r\nX-Slow: ")
    while time.monotonic() - begun < 5:
        for line in slow:
            line.sendall(b"x")
        quick = time.monotonic()
        assert status(served.request("GET /healthz/")) == 200, "others are served meanwhile"
        assert time.monotonic() - quick < 2
        time.sleep(1)
    for line in slow:
        assert status(serving.read_all(line)) in {0, 400}
        line.close()
    assert 5 < time.monotonic() - begun < 15
    assert served.workers() == pids


@pytest.mark.slow
def test_a_body_cut_short_is_not_taken_for_a_whole_one(served: Served) -> None:
    with served.connect(60) as line:
        head = f"POST /csp-report/ HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n"
        line.sendall(f"{head}Content-Type: application/csp-report\r\nContent-Length: 400\r\n\r\n".encode())
        line.sendall(b'{"csp-report": {"effective-directive": "img-src"}}')
        line.shutdown(socket.SHUT_WR)
        answer = serving.read_all(line)
    assert status(answer) != 204
    assert "csp.violation" not in served.log.read_text(encoding="utf-8")


def test_a_report_is_counted_and_not_repeated(served: Served) -> None:
    body = b'{"csp-report": {"effective-directive": "script-src-elem", "blocked-uri": "https://canary.example/?x"}}'
    answer = served.request("POST /csp-report/", "Content-Type: application/csp-report", "Origin: null", body=body)
    assert status(answer) == 204
    written = served.log.read_text(encoding="utf-8")
    assert re.search(r"csp.violation.*script-src", written)
    assert "canary" not in written


@pytest.mark.parametrize(
    "said",
    [
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Origin: http://127.0.0.1.evil.example",),
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        ("Origin: http://127.0.0.1:1",),
    ],
)
@pytest.mark.parametrize("address", ["/sign-in/", "/sign-out/", "/api/v1/teams/"])
def test_another_site_changes_nothing(served: Served, address: str, said: tuple[str, ...]) -> None:
    answer = served.request(f"POST {address}", FORM, *said, body=b"username=x")
    assert status(answer) == 403
    assert b"frame-ancestors 'none'" in answer
    assert b"X-Frame-Options: DENY" in answer


def test_no_other_site_reads_the_api(served: Served) -> None:
    assert status(served.request("GET /api/v1/people/", "Sec-Fetch-Site: cross-site")) == 403
    assert status(served.request("GET /api/v1/people/", "Sec-Fetch-Site: same-origin")) == 401
    assert status(served.request("GET /sign-in/", "Sec-Fetch-Site: cross-site")) == 200, "links lead here"
    answer = served.request(
        "OPTIONS /api/v1/people/", "Origin: https://evil.example", "Access-Control-Request-Method: GET"
    )
    assert b"Access-Control" not in answer


def test_every_answer_carries_the_headers(served: Served) -> None:
    for address in ("/sign-in/", "/nothing/", "/healthz/", "/api/v1/people/"):
        answer = served.request(f"GET {address}").split(b"\r\n\r\n")[0]
        for header in (
            b"Permissions-Policy: accelerometer=()",
            b"Cross-Origin-Resource-Policy: same-origin",
            b"Cross-Origin-Opener-Policy: same-origin",
            b"X-Content-Type-Options: nosniff",
            b"Referrer-Policy: same-origin",
            b"report-uri /csp-report/",
            b"no-store",
        ):
            assert header in answer, (address, header)
        assert b"Server: gunicorn/" not in answer
