"""Answers as bytes on the wire, good and bad: each bad one ends in time, as a typed error."""

import gzip
import json
import time

import pytest

from clusters.kube import errors, reactor, speaker
from clusters.kube.conversation import List, Page
from clusters.kube.objects.table import POD
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.samples import page, pod
from tests.clusters.kube.scripted import CHUNKED_HEAD, LAST_CHUNK, Line, Request, answer, chunk
from tests.clusters.kube.talks import listed, run_one, say


def test_pages_come_over_one_kept_connection(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        second = "continue=next" in request.target
        line.json(page([pod(3)]) if second else page([pod(1), pod(2)], token="next"))

    server = serve(script)
    outcome = run_one(server.connection(authority), listed())
    assert outcome.value == ["uid-1", "uid-2", "uid-3"]
    assert server.connections == 1
    assert [request.target for request in server.requests] == [
        "/api/v1/pods?limit=2",
        "/api/v1/pods?limit=2&continue=next",
    ]
    assert server.requests[0].headers["authorization"] == "Bearer a-token"
    assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"
    assert outcome.requests == 2
    assert outcome.received > 1000


def test_the_path_of_the_server_address_comes_first(serve: Serve, authority: Pair) -> None:
    server = serve(lambda _request, line: line.json(page([])))
    run_one(server.connection(authority, path="/k8s/clusters/c-1"), listed())
    assert server.requests[0].path == "/k8s/clusters/c-1/api/v1/pods"


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_chunks_of_any_size(serve: Serve, authority: Pair, size: int) -> None:
    body = json.dumps(page([pod(number) for number in range(40 if size > 1 else 2)])).encode()
    chunks = b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size))
    server = serve(say(CHUNKED_HEAD + chunks + LAST_CHUNK))
    outcome = run_one(server.connection(authority), listed())
    assert outcome.error is None
    assert outcome.value is not None
    assert len(outcome.value) == (40 if size > 1 else 2)


def test_an_answer_in_drops_is_put_together(serve: Serve, authority: Pair) -> None:
    whole = CHUNKED_HEAD + chunk(json.dumps(page([])).encode()) + b"0\r\nTrailer: x\r\n\r\n"
    server = serve(lambda _request, line: line.drip(whole, 0.001))
    assert run_one(server.connection(authority), listed()).value == []


def test_gzip_when_asked_for(serve: Serve, authority: Pair) -> None:
    body = gzip.compress(json.dumps(page([pod()])).encode())
    server = serve(say(answer(body, headers="Content-Encoding: gzip\r\n")))
    outcomes = reactor.run(server.connection(authority), {0: listed()}, deadline=10, allow_loopback=True, gzip=True)
    assert outcomes[0].value == ["uid-1"]
    assert server.requests[0].headers["accept-encoding"] == "gzip"


def test_a_small_body_that_unpacks_into_a_large_one(serve: Serve, authority: Pair) -> None:
    bomb = gzip.compress(b" " * (200 * 1024 * 1024), 9)
    server = serve(say(answer(bomb, headers="Content-Encoding: gzip\r\n")))
    assert isinstance(run_one(server.connection(authority), listed()).error, errors.TooLarge)


def test_a_kept_connection_closed_by_the_server_is_made_again(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        if request.connection == 1 and "continue" in request.target:
            line.cut()
        line.json(page([pod(2)]) if "continue" in request.target else page([pod(1)], token="next"))

    server = serve(script)
    assert run_one(server.connection(authority), listed()).value == ["uid-1", "uid-2"]
    assert server.connections == 2


def test_connection_close_is_honoured(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        more_to_come = "continue" not in request.target
        line.json(page([pod()], token="next" if more_to_come else ""), headers="Connection: close\r\n")
        line.cut()

    server = serve(script)
    assert run_one(server.connection(authority), listed()).value == ["uid-1", "uid-1"]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (answer(json.dumps(page([pod()])).encode())[:-10], errors.CutShort),
        (CHUNKED_HEAD + chunk(b'{"kind":')[:-3], errors.CutShort),
        (CHUNKED_HEAD + chunk(json.dumps(page([])).encode()), errors.CutShort),
        (b"HTTP/1.1 200 OK\r\nContent-Ty", errors.CutShort),
        (b"", errors.CutShort),
        (CHUNKED_HEAD + b"zz\r\nabc\r\n", errors.Undecodable),
        (CHUNKED_HEAD + b"-5\r\nabc\r\n", errors.Undecodable),
        (CHUNKED_HEAD + b"3\r\nabcdef\r\n", errors.Undecodable),
        (CHUNKED_HEAD + b"5" * 5000, errors.Undecodable),
        (b"\x00\x01\x02 garbage \r\n\r\n", errors.Undecodable),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, errors.Undecodable),
        (answer(b"<html>sign in</html>", kind="text/html"), errors.Undecodable),
        (answer(b"{not json"), errors.Undecodable),
        (answer(b"[" * 200_000), errors.Undecodable),
        (answer(b'{"a":' * 100_000), errors.Undecodable),
        (answer(b'{"status": "ok"}'), errors.Undecodable),
        (answer(json.dumps(page([], kind="NodeList")).encode()), errors.Undecodable),
        (answer(json.dumps(page([], version="")).encode()), errors.Undecodable),
        (answer(b"{}", headers="Content-Encoding: br\r\n"), errors.Undecodable),
        (answer(b"{}", headers="Content-Encoding: gzip\r\n"), errors.Undecodable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", errors.Undecodable),
        (answer(b"", status="401 Unauthorized"), errors.Unauthorized),
        (answer(b"", status="403 Forbidden"), errors.Forbidden),
        (answer(b"", status="404 Not Found"), errors.NotFound),
        (answer(b"", status="410 Gone"), errors.Gone),
        (answer(b"", status="429 Too Many"), errors.TooManyRequests),
        (answer(b"", status="500 Oh"), errors.ServerError),
        (answer(b"", status="302 Found", headers="Location: http://169.254.169.254/\r\n"), errors.Rejected),
    ],
)
def test_bad_answers(serve: Serve, authority: Pair, data: bytes, expected: type[errors.KubeError]) -> None:
    def script(_request: Request, line: Line) -> None:
        line.say(data)
        line.cut()

    server = serve(script)
    started = time.monotonic()
    outcome = run_one(server.connection(authority), listed())
    assert type(outcome.error) is expected
    assert time.monotonic() - started < 3
    assert "a-token" not in str(outcome.error)
    assert outcome.error.remedy


def test_retry_after_is_read_and_capped(serve: Serve, authority: Pair) -> None:
    for text, seconds in (("17", 17.0), ("999999", 3600.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)):
        server = serve(say(answer(b"", status="429 Busy", headers=f"Retry-After: {text}\r\n")))
        error = run_one(server.connection(authority), listed()).error
        assert isinstance(error, errors.TooManyRequests)
        assert error.retry_after == seconds


def test_one_byte_per_second_ends_at_the_deadline(serve: Serve, authority: Pair) -> None:
    server = serve(lambda _request, line: line.drip(answer(b"{" + b" " * 1000 + b"}"), 0.2))
    started = time.monotonic()
    outcome = run_one(server.connection(authority), listed(), deadline=1.0)
    assert isinstance(outcome.error, errors.DeadlinePassed)
    assert 0.9 < time.monotonic() - started < 2


def test_one_byte_per_second_is_no_progress(serve: Serve, authority: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "READ_SECONDS", 0.5)
    server = serve(lambda _request, line: line.drip(answer(b"{" + b" " * 1000 + b"}"), 0.05))
    started = time.monotonic()
    outcome = run_one(server.connection(authority), listed(), deadline=20.0)
    assert isinstance(outcome.error, errors.DeadlinePassed)
    assert time.monotonic() - started < 2


def test_an_endless_body(serve: Serve, authority: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.kube.intake.PageIntake.limit", 4 * 1024 * 1024)

    def script(_request: Request, line: Line) -> None:
        line.say(CHUNKED_HEAD)
        while True:
            line.say(chunk(b" " * 65536))

    outcome = run_one(serve(script).connection(authority), listed())
    assert isinstance(outcome.error, errors.TooLarge)


def test_an_odd_object_is_set_aside(serve: Serve, authority: Pair) -> None:
    wrong = pod(2)
    wrong["metadata"]["labels"] = "not a mapping"
    items = [pod(1), wrong, pod(3, metadata={"name": "no-uid"}), "text", None, pod(4)]
    server = serve(lambda _request, line: line.json(page(items)))
    found = reactor.fetch(server.connection(authority), List(POD), deadline=5, allow_loopback=True)
    assert isinstance(found, Page)
    assert [item.metadata.uid for item in found.items] == ["uid-1", "uid-4"]
    assert [(odd.uid, odd.name) for odd in found.odd] == [("uid-2", "web-2"), ("", ""), ("", ""), ("", "no-uid")]


def test_null_for_an_empty_list(serve: Serve, authority: Pair) -> None:
    empty = {**page([]), "items": None}
    server = serve(lambda _request, line: line.json(empty))
    assert run_one(server.connection(authority), listed()).value == []
