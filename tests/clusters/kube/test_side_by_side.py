"""Conversations run side by side, fail alone, and all end."""

import json
import time
from typing import Any

import pytest

from clusters.kube import errors, reactor, speaker
from clusters.kube.conversation import Conversation, get, page_of, post
from clusters.kube.objects.table import NODE, POD
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.samples import event, page, pod
from tests.clusters.kube.scripted import CHUNKED_HEAD, LAST_CHUNK, Line, Request, answer, chunk
from tests.clusters.kube.talks import followed, lines, listed, run_one, say


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
    assert (outcome.demand().status, json.loads(outcome.demand().body)) == (201, {"done": True})
    assert (server.requests[0].method, server.requests[0].body) == ("POST", b'{"a":1}')
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_path_that_is_no_path_never_leaves(serve: Serve, authority: Pair) -> None:
    server = serve(say(answer(b"{}")))
    outcome = run_one(server.connection(authority), get("/a b\r\nX: y"))
    assert isinstance(outcome.error, errors.KubeError)
    assert server.requests == []


def test_a_flood_cannot_hold_a_watch_open(serve: Serve, authority: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "WATCH_GRACE_SECONDS", 0.2)
    flood = chunk(lines(event("MODIFIED", pod(1))))

    def script(_request: Request, line: Line) -> None:
        line.say(CHUNKED_HEAD)
        while True:
            line.say(flood)

    started = time.monotonic()
    outcome = run_one(serve(script).connection(authority), followed(), deadline=20)
    assert isinstance(outcome.error, errors.DeadlinePassed)
    assert time.monotonic() - started < 4
