"""Watches as bytes on the wire: what came whole is given, what broke is said."""

import time

import pytest

from clusters.kube import errors, speaker
from clusters.kube.conversation import Batch, Conversation, more, watch
from clusters.kube.objects.table import POD
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.samples import bookmark, event, page, pod
from tests.clusters.kube.scripted import CHUNKED_HEAD, LAST_CHUNK, Line, Request, answer, chunk
from tests.clusters.kube.talks import followed, lines, listed, run_one, say


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
    first, second = outcome.demand()
    assert [each.type for each in first.events] == ["ADDED", "MODIFIED"]
    assert (first.resource_version, first.ended) == ("1002", False)
    assert [each.object.metadata.uid for each in second.events] == ["uid-3"]
    assert (second.resource_version, second.ended) == ("7777", True)
    assert server.requests[0].target == (
        "/api/v1/pods?watch=1&resourceVersion=2000&timeoutSeconds=1&allowWatchBookmarks=true"
    )


def test_a_quiet_watch_ends_with_an_empty_batch(serve: Serve, authority: Pair) -> None:
    server = serve(say(CHUNKED_HEAD + LAST_CHUNK))
    (batch,) = run_one(server.connection(authority), followed()).demand()
    assert (batch.events, batch.resource_version, batch.ended) == ([], "", True)


def test_many_events_come_in_batches_of_500(serve: Serve, authority: Pair) -> None:
    events = [event("MODIFIED", pod(number)) for number in range(1234)]
    server = serve(say(CHUNKED_HEAD + chunk(lines(*events)) + LAST_CHUNK))
    batches = run_one(server.connection(authority), followed()).demand()
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
    monkeypatch.setattr(speaker, "WATCH_GRACE_SECONDS", 0.3)

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
    (batch,) = run_one(server.connection(authority), followed()).demand()
    assert [each.object.metadata.uid for each in batch.events] == ["uid-3"]
    assert [odd.uid for odd in batch.odd] == ["uid-2"]


def test_more_without_a_watch_is_a_fault_of_the_conversation(serve: Serve, authority: Pair) -> None:
    server = serve(say(answer(b"{}")))
    outcome = run_one(server.connection(authority), more())
    assert isinstance(outcome.error, RuntimeError)
