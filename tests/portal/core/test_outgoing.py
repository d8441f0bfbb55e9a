"""The client of outgoing requests under attack: odd addresses, redirects, moving names, endless and false answers."""

import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from portal.core import clock, egress, outgoing
from tests.fakes.https import Asked, HttpsServer, Reply, context
from tests.testbed.certificates import Authority

SECRET = "canary-of-the-other-side"
Serve = Callable[[ssl.SSLSocket], None]


class Echo(HttpsServer):
    """Tells what it was asked; other replies by path."""

    replies: dict[str, Reply] = {}

    def answer(self, asked: Asked) -> Reply:
        return self.replies.get(asked.path) or Reply(
            body={"method": asked.method, "headers": asked.headers, "body": asked.body.decode(), "query": asked.query}
        )


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        server.replies = {}
        yield server


@pytest.fixture
def raw() -> Iterator[Callable[[Serve], tuple[str, str]]]:
    """Starts a TLS server that does to one connection what it is told; gives its address and authority."""
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(serve: Serve) -> tuple[str, str]:
        authority = Authority(name="raw", at=clock.now())
        tls = context(authority.server())
        listening = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(listening)

        def run() -> None:
            with contextlib.suppress(OSError):
                plain, _ = listening.accept()
                with plain, tls.wrap_socket(plain, server_side=True) as secured:
                    secured.recv(65536)
                    serve(secured)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return f"https://127.0.0.1:{listening.getsockname()[1]}/", authority.certificate.decode()

    yield start
    for listening in open_sockets:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
    for thread in threads:
        thread.join(5)


def test_a_request_and_its_answer(echo: Echo) -> None:
    answer = outgoing.request("POST", f"{echo.url}/a?b=c", headers={"X-One": "1"}, body=b"hello", ca_pem=echo.ca_pem)
    told = answer.json()
    assert (answer.status, told["method"], told["body"], told["query"]) == (200, "POST", "hello", {"b": "c"})
    assert told["headers"]["host"] == f"127.0.0.1:{echo.port}"
    assert told["headers"]["x-one"] == "1"
    assert told["headers"]["accept-encoding"] == "identity"
    assert outgoing.request("GET", echo.url, ca_pem=echo.ca_pem).json()["method"] == "GET"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://a@b.example/",
        "https://a:b@127.0.0.1/",
        "https://good.example\\@127.0.0.1/",
        "https://good.example\t/",
        "https://good.example/\r\nX-Injected: 1",
        "https://good.example/ü",
        "https:///path",
        "https://",
        "https://good.example:99999/",
        "https://[::1",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/_x",
        "ftp://127.0.0.1/",
        "http://good.example/",
        "http://10.0.0.1/",
        "//127.0.0.1/",
        "127.0.0.1",
        "",
    ],
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(egress.AddressRefused) as caught:
        outgoing.request("GET", url)
    assert "meta-data" not in str(caught.value)
    assert "a:b" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://127.0.0.1:{port}/", "https://[::1]:{port}/", "http://127.0.0.1:{port}/"])
def test_this_machine_is_asked_only_where_allowed(url: str, echo: Echo, settings: Settings) -> None:
    settings.ALLOW_LOOPBACK = False
    with pytest.raises(egress.AddressRefused):
        outgoing.request("GET", url.format(port=echo.port), ca_pem=echo.ca_pem)
    assert echo.requests == []


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "[fd12::1]", "[::ffff:10.1.2.3]", "127.0.0.1"]
)
def test_private_networks_are_refused_to_public_purposes(host: str, settings: Settings) -> None:
    settings.OUTGOING_ALLOWED = []
    with pytest.raises(egress.AddressRefused, match="private network"):
        outgoing.request("POST", f"https://{host}/", public_only=True)


def test_the_operator_can_allow_a_private_network(echo: Echo, settings: Settings) -> None:
    settings.OUTGOING_ALLOWED = ["10.0.0.0/8", "127.0.0.0/8"]
    assert outgoing.request("GET", echo.url, ca_pem=echo.ca_pem, public_only=True).status == 200
    with pytest.raises(egress.AddressRefused):
        outgoing.request("GET", "https://169.254.169.254/", public_only=True)


def test_a_redirect_is_an_answer_and_nothing_travels_on(echo: Echo) -> None:
    with Echo() as elsewhere:
        for place in (f"{elsewhere.url}/next", "https://169.254.169.254/latest", "file:///etc/passwd"):
            echo.replies = {"/": Reply(302, b"", {"Location": place})}
            answer = outgoing.request("GET", echo.url, headers={"Authorization": "Bearer x"}, ca_pem=echo.ca_pem)
            assert answer.status == 302
        assert elsewhere.requests == []


def test_a_name_that_moves_is_connected_to_as_it_was_judged(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def moving(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return real(address, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", moving)
    answer = outgoing.request("GET", f"https://localhost:{echo.port}/", ca_pem=echo.ca_pem)
    assert (answer.status, asked) == (200, ["localhost"])
    with pytest.raises(egress.AddressRefused):
        outgoing.request("GET", f"https://localhost:{echo.port}/", ca_pem=echo.ca_pem)


def test_one_bad_address_of_a_name_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("203.0.113.1", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **more: rows)
    with pytest.raises(egress.AddressRefused):
        outgoing.request("GET", "https://both.example/")


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*rest: Any, **more: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(outgoing.Unreachable, match=r"gone\.example could not be resolved"):
        outgoing.request("GET", "https://gone.example/")


def test_another_address_of_a_name_is_tried(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, echo.port)) for ip in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **more: rows)
    assert outgoing.request("GET", f"https://localhost:{echo.port}/", ca_pem=echo.ca_pem).status == 200


def certificates() -> dict[str, tuple[Any, str, str]]:
    at = clock.now()
    good, other = Authority(name="good", at=at), Authority(name="other", at=at)
    return {
        "expired": (good.server(lifetime=datetime.timedelta(days=-1)), good.certificate.decode(), "has expired"),
        "other authority": (other.server(), good.certificate.decode(), "not vouched for"),
        "not for servers": (good.client(user="127.0.0.1"), good.certificate.decode(), "not vouched for|another"),
        "machine's authorities": (good.server(), "", "not vouched for"),
    }


@pytest.mark.parametrize("name", ["expired", "other authority", "not for servers", "machine's authorities"])
def test_a_certificate_that_does_not_fit_is_named_and_nothing_is_said(name: str) -> None:
    pair, ca_pem, says = certificates()[name]
    with Echo(pair=pair) as server:
        with pytest.raises(outgoing.Unreachable, match=says):
            outgoing.request("GET", server.url, headers={"Authorization": "Bearer x"}, ca_pem=ca_pem)
        assert server.requests == []


def test_a_certificate_for_another_name(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", echo.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **more: rows)
    with pytest.raises(outgoing.Unreachable, match="another name"):
        outgoing.request("GET", f"https://other.example:{echo.port}/", ca_pem=echo.ca_pem)
    assert echo.requests == []


def test_authorities_that_are_none(echo: Echo) -> None:
    with pytest.raises(outgoing.Unreachable, match="not certificates"):
        outgoing.request("GET", echo.url, ca_pem="nonsense")


def test_plain_http_where_tls_is_expected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plain, _ = listening.accept()
            with plain, contextlib.suppress(OSError):
                plain.recv(1000)
                plain.sendall(f"HTTP/1.1 400 Bad Request\r\n\r\n{SECRET}".encode())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(outgoing.Unreachable, match=r"TLS 1\.2"):
            outgoing.request("GET", f"https://127.0.0.1:{listening.getsockname()[1]}/", ca_pem=None)
        thread.join(5)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(outgoing.Unreachable, match="refused"):
        outgoing.request("GET", f"https://127.0.0.1:{port}/")


def drip(piece: bytes, begin: bytes = b"") -> Serve:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(begin)
        for _ in range(100):
            connection.sendall(piece)
            time.sleep(0.1)

    return serve


@pytest.mark.parametrize(
    "serve",
    [
        drip(b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drip(b"H"),
        drip(b"X-A: b\r\n", b"HTTP/1.1 200 OK\r\n"),
        drip(b"", b""),
    ],
    ids=["body", "nothing like HTTP", "headers", "silence"],
)
def test_a_slow_answer_ends_at_the_deadline(raw: Callable[[Serve], tuple[str, str]], serve: Serve) -> None:
    url, ca_pem = raw(serve)
    begun = time.monotonic()
    with pytest.raises(outgoing.Unreachable):
        outgoing.request("GET", url, ca_pem=ca_pem, seconds=1.0)
    assert time.monotonic() - begun < 2.0


def test_a_handshake_that_never_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        begun = time.monotonic()
        with pytest.raises(outgoing.Unreachable):
            outgoing.request("GET", f"https://127.0.0.1:{listening.getsockname()[1]}/", seconds=1.0)
        assert time.monotonic() - begun < 2.0


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("piece", "begin", "says"),
    [
        (b"x" * 65536, HEAD + b"Connection: close\r\n\r\n", "more than"),
        (b"10000\r\n" + b"x" * 65536 + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "more than"),
        (b"X-Bomb: " + SECRET.encode() * 1000 + b"\r\n", HEAD, "not HTTP, too long"),
        (SECRET.encode() * 3000, HEAD + b"X: ", "not HTTP, too long"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, b"", "interim"),
        (SECRET.encode() * 3000, b"", "not HTTP"),
    ],
    ids=["endless body", "endless chunks", "many headers", "one header", "interim answers", "noise"],
)
def test_too_much_is_refused_early(
    raw: Callable[[Serve], tuple[str, str]], piece: bytes, begin: bytes, says: str
) -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(piece)

    url, ca_pem = raw(serve)
    with pytest.raises(outgoing.Unreachable, match=says) as caught:
        outgoing.request("GET", url, ca_pem=ca_pem, seconds=5.0, limit=100_000)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "cut|ended"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "cut"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf a list", "cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "packed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", "not HTTP"),
        (b"SSH-2.0-" + SECRET.encode() + b"\r\n\r\n", "not HTTP"),
    ],
)
def test_a_cut_or_false_answer_is_none(raw: Callable[[Serve], tuple[str, str]], answer: bytes, says: str) -> None:
    # The connection ends without TLS's own farewell, as when a network cuts it.
    url, ca_pem = raw(lambda connection: connection.sendall(answer))
    with pytest.raises(outgoing.Unreachable, match=says) as caught:
        outgoing.request("GET", url, ca_pem=ca_pem, seconds=3.0)
    assert SECRET not in str(caught.value)


def test_what_was_answered_stands_in_no_error_and_no_repr(echo: Echo) -> None:
    echo.replies = {"/": Reply(500, f"<b>{SECRET}", {"X-Secret": SECRET})}
    answer = outgoing.request("GET", echo.url, ca_pem=echo.ca_pem)
    assert SECRET not in repr(answer)
    with pytest.raises(outgoing.Unreachable) as caught:
        answer.json()
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_json_that_is_deeper_than_the_stack() -> None:
    with pytest.raises(outgoing.Unreachable):
        outgoing.Answer(200, {}, b"[" * 200_000).json()


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"X-A": "b\r\nX-Injected: 1"}),
        ("GET", {"X-A": "ü\0"}),
        ("GET /x HTTP/1.1\r\nX: ", {}),
        ("GET", {"X A": "b"}),
    ],
)
def test_a_request_that_says_more_than_it_should_is_not_sent(echo: Echo, method: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        outgoing.request(method, echo.url, headers=headers, ca_pem=echo.ca_pem)
    assert echo.requests == []
