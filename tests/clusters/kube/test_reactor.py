"""Bytes on the wire, good and bad: each ends in time, as a typed error, and disturbs no other conversation."""

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.kube import errors, reactor
from clusters.kube.connection import Connection
from clusters.kube.conversation import Batch, Conversation, Get, List, Page, get, more, page_of, post, watch
from clusters.kube.objects.table import NODE, POD, Kind
from tests.clusters.kube import certificates
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.samples import bookmark, event, page, pod
from tests.clusters.kube.scripted import CHUNKED_HEAD, LAST_CHUNK, Line, Request, Script, answer, chunk, serving


def lines(*events: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


def listed(kind: Kind = POD) -> Conversation[list[str]]:
    """The uids of a whole list."""
    found: list[str] = []
    token = ""
    while True:
        got = yield from page_of(kind, limit=2, continue_token=token)
        found += [item.metadata.uid for item in got.items]
        token = got.continue_token
        if not token:
            return found


def followed(seconds: int = 1) -> Conversation[list[Batch]]:
    batches = [(yield from watch(POD, "2000", timeout_seconds=seconds))]
    while not batches[-1].ended:
        batches.append((yield from more()))
    return batches


def run_one(connection: Connection, talk: Conversation[Any], *, deadline: float = 10.0) -> reactor.Outcome[Any]:
    return reactor.run(connection, {"only": talk}, deadline=deadline, allow_loopback=True)["only"]


def say(data: bytes) -> Script:
    return lambda _request, line: line.say(data)


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
    outcomes = reactor.run(
        server.connection(authority), {0: listed()}, deadline=10, allow_loopback=True, gzip=True
    )
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


def test_one_byte_per_second_is_no_progress(
    serve: Serve, authority: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor, "READ_SECONDS", 0.5)
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


# Watches


def test_a_watch_gives_batches_and_ends(serve: Serve, authority: Pair) -> None:
    def script(_request: Request, line: Line) -> None:
        line.say(CHUNKED_HEAD)
        first = lines(event("ADDED", pod(1)), event("MODIFIED", pod(2)))
        line.say(chunk(first[:100]))
        line.say(chunk(first[100:]))
        time.sleep(0.5)
        line.say(chunk(lines(event("DELETED", pod(3)), bookmark("7777"))))
        line.say(LAST_CHUNK)

    server = serve(script)
    outcome = run_one(server.connection(authority), followed())
    assert outcome.error is None
    first, second = outcome.value
    assert [each.type for each in first.events] == ["ADDED", "MODIFIED"]
    assert (first.resource_version, first.ended) == ("1002", False)
    assert [each.object.metadata.uid for each in second.events] == ["uid-3"]
    assert (second.resource_version, second.ended) == ("7777", True)
    assert server.requests[0].target == (
        "/api/v1/pods?watch=1&resourceVersion=2000&timeoutSeconds=1&allowWatchBookmarks=true"
    )


def test_a_quiet_watch_ends_with_an_empty_batch(serve: Serve, authority: Pair) -> None:
    server = serve(say(CHUNKED_HEAD + LAST_CHUNK))
    (batch,) = run_one(server.connection(authority), followed()).value
    assert (batch.events, batch.resource_version, batch.ended) == ([], "", True)


def test_many_events_come_in_batches_of_500(serve: Serve, authority: Pair) -> None:
    events = [event("MODIFIED", pod(number)) for number in range(1234)]
    server = serve(say(CHUNKED_HEAD + chunk(lines(*events)) + LAST_CHUNK))
    batches = run_one(server.connection(authority), followed()).value
    assert [len(batch.events) for batch in batches] == [500, 500, 234]
    assert [batch.ended for batch in batches] == [False, False, True]
    assert [batch.resource_version for batch in batches] == ["1499", "1999", "2233"]


def test_a_cut_watch_gives_what_came_whole_and_then_the_error(serve: Serve, authority: Pair) -> None:
    def script(_request: Request, line: Line) -> None:
        line.say(CHUNKED_HEAD + chunk(lines(event("ADDED", pod(1))) + b'{"type":"ADD'))
        line.cut()

    seen: list[Batch] = []

    def talk() -> Conversation[str]:
        seen.append((yield from watch(POD, "2000")))
        try:
            seen.append((yield from more()))
        except errors.CutShort:
            return "cut"
        return "more"

    assert run_one(serve(script).connection(authority), talk()).value == "cut"
    assert [(len(batch.events), batch.ended) for batch in seen] == [(1, False)]


def test_410_inside_a_watch_comes_after_the_events_before_it(serve: Serve, authority: Pair) -> None:
    gone = event("ERROR", {"kind": "Status", "metadata": {}, "status": "Failure", "code": 410, "reason": "Expired"})
    server = serve(say(CHUNKED_HEAD + chunk(lines(event("ADDED", pod(1)), gone)) + LAST_CHUNK))
    seen: list[Batch] = []

    def talk() -> Conversation[None]:
        seen.append((yield from watch(POD, "1")))
        seen.append((yield from more()))

    outcome = run_one(server.connection(authority), talk())
    assert isinstance(outcome.error, errors.Gone)
    assert [len(batch.events) for batch in seen] == [1]
    assert not seen[0].ended


def test_a_conversation_may_list_again_after_410(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        if "watch" in request.target:
            line.json({}, status="410 Gone")
        else:
            line.json(page([pod(5)]))

    def talk() -> Conversation[list[str]]:
        try:
            yield from watch(POD, "1")
        except errors.Gone:
            return (yield from listed())
        return []

    assert run_one(serve(script).connection(authority), talk()).value == ["uid-5"]


def test_a_silent_watch_is_given_up(serve: Serve, authority: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactor, "WATCH_GRACE_SECONDS", 0.3)

    def script(_request: Request, line: Line) -> None:
        line.say(CHUNKED_HEAD)
        time.sleep(5)

    started = time.monotonic()
    outcome = run_one(serve(script).connection(authority), followed())
    assert isinstance(outcome.error, errors.DeadlinePassed)
    assert 1.2 < time.monotonic() - started < 2.5


def test_an_odd_event_is_set_aside(serve: Serve, authority: Pair) -> None:
    wrong = pod(2)
    wrong["metadata"]["labels"] = 7
    server = serve(say(CHUNKED_HEAD + chunk(lines(event("ADDED", wrong), event("ADDED", pod(3)))) + LAST_CHUNK))
    (batch,) = run_one(server.connection(authority), followed()).value
    assert [each.object.metadata.uid for each in batch.events] == ["uid-3"]
    assert [odd.uid for odd in batch.odd] == ["uid-2"]


def test_more_without_a_watch_is_a_fault_of_the_conversation(serve: Serve, authority: Pair) -> None:
    server = serve(say(answer(b"{}")))
    outcome = run_one(server.connection(authority), more())
    assert isinstance(outcome.error, RuntimeError)


# Side by side


def test_conversations_run_side_by_side_and_fail_alone(serve: Serve, authority: Pair) -> None:
    def script(request: Request, line: Line) -> None:
        if "watch" in request.target:
            line.say(CHUNKED_HEAD)
            time.sleep(1)
            line.say(LAST_CHUNK)
        elif request.path == NODE.path:
            line.json({}, status="403 Forbidden")
        elif request.path == "/cut":
            line.cut()
        else:
            line.json(page([pod(1)]))

    def faulty() -> Conversation[None]:
        yield from page_of(POD)
        raise KeyError("a fault of the conversation")

    talks: dict[str, Conversation[Any]] = {f"watch {number}": followed() for number in range(13)}
    talks |= {"nodes": listed(NODE), "pods": listed(), "cut": get("/cut"), "faulty": faulty()}
    started = time.monotonic()
    outcomes = reactor.run(serve(script).connection(authority), talks, deadline=10, allow_loopback=True)
    assert time.monotonic() - started < 2.5
    assert all(outcomes[f"watch {number}"].error is None for number in range(13))
    assert outcomes["pods"].value == ["uid-1"]
    assert isinstance(outcomes["nodes"].error, errors.Forbidden)
    assert isinstance(outcomes["cut"].error, errors.CutShort)
    assert isinstance(outcomes["faulty"].error, KeyError)


def test_a_conversation_that_will_not_end_is_ended(serve: Serve, authority: Pair) -> None:
    def stubborn() -> Conversation[None]:
        while True:
            try:
                yield from get("/slow")
            except errors.KubeError:
                continue

    def script(_request: Request, _line: Line) -> None:
        time.sleep(3)

    outcome = run_one(serve(script).connection(authority), stubborn(), deadline=0.5)
    assert isinstance(outcome.error, errors.DeadlinePassed)


def test_post_carries_its_body(serve: Serve, authority: Pair) -> None:
    server = serve(lambda _request, line: line.json({"done": True}, status="201 Created"))
    outcome = run_one(server.connection(authority), post("/apis/x", b'{"a":1}'))
    assert (outcome.value.status, json.loads(outcome.value.body)) == (201, {"done": True})
    assert (server.requests[0].method, server.requests[0].body) == ("POST", b'{"a":1}')
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_path_that_is_no_path_never_leaves(serve: Serve, authority: Pair) -> None:
    server = serve(say(answer(b"{}")))
    outcome = run_one(server.connection(authority), get("/a b\r\nX: y"))
    assert isinstance(outcome.error, errors.KubeError)
    assert server.requests == []


# Reaching and trusting


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
