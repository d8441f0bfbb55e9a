"""Who is reached, who is trusted, and that nothing is told to anybody else."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.kube import errors, reactor
from clusters.kube.connection import Connection
from clusters.kube.conversation import Get, get
from tests.clusters.kube import certificates
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.scripted import answer, serving
from tests.clusters.kube.talks import run_one, say


def test_wrong_authority_is_said_and_no_token_leaves(serve: Serve) -> None:
    server = serve(say(answer(b"{}")))
    other = certificates.authority("another")
    outcome = run_one(server.connection(other), get("/version"))
    assert isinstance(outcome.error, errors.TlsFailed)
    assert outcome.error.reason == "unknown_ca"
    assert server.requests == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [({"ends": certificates.NOW - certificates.DAY}, "expired"), ({"ip": "127.0.0.9", "dns": "other"}, "wrong_name")],
)
def test_bad_certificates(authority: Pair, tmp_path: Path, made: dict[str, Any], reason: str) -> None:
    with serving(say(answer(b"{}")), certificates.leaf(authority, **made), tmp_path) as server:
        outcome = run_one(server.connection(authority), get("/version"))
    assert isinstance(outcome.error, errors.TlsFailed)
    assert outcome.error.reason == reason
    assert server.requests == []


def test_a_client_certificate_is_shown(authority: Pair, server_pair: Pair, tmp_path: Path) -> None:
    mine = certificates.leaf(authority)
    with serving(say(answer(b"{}")), server_pair, tmp_path, client_authority=authority) as server:
        address = f"https://127.0.0.1:{server.port}"
        shown = Connection(address, authority.certificate_pem, None, mine.certificate_pem, mine.key_pem)
        assert run_one(shown, get("/version")).error is None
        bare = run_one(Connection(address, authority.certificate_pem, "token"), get("/version")).error
        stranger = certificates.leaf(certificates.authority("stranger"))
        wrong = Connection(address, authority.certificate_pem, None, stranger.certificate_pem, stranger.key_pem)
        refused = run_one(wrong, get("/version")).error
        unfit = Connection(address, authority.certificate_pem, None, mine.certificate_pem, stranger.key_pem)
        mixed = run_one(unfit, get("/version")).error
    assert isinstance(bare, errors.TlsFailed) and bare.reason == "client_certificate"
    assert isinstance(refused, errors.TlsFailed) and refused.reason == "client_certificate"
    assert isinstance(mixed, errors.TlsFailed) and mixed.reason == "bad_material"


def test_loopback_only_where_allowed(serve: Serve, authority: Pair) -> None:
    server = serve(say(answer(b"{}")))
    with pytest.raises(errors.AddressRefused):
        reactor.fetch(server.connection(authority), Get("/version"), deadline=5, allow_loopback=False)
    assert server.connections == 0


def test_a_closed_port(serve: Serve, authority: Pair) -> None:
    server = serve(say(b""))
    connection = Connection(f"https://127.0.0.1:{_closed_port()}", authority.certificate_pem, "t")
    assert isinstance(run_one(connection, get("/version")).error, errors.Unreachable)
    assert server.connections == 0


def test_a_server_without_tls(authority: Pair) -> None:
    with _plain_server() as port:
        connection = Connection(f"https://127.0.0.1:{port}", authority.certificate_pem, "t")
        error = run_one(connection, get("/version")).error
    assert isinstance(error, errors.TlsFailed)
    assert error.reason == "not_tls"


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def _plain_server() -> Iterator[int]:
    def speak(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            talk, _ = listener.accept()
            with talk:
                talk.recv(1000)
                talk.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nThis is HTTP without TLS\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)
