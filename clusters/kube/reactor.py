"""Runs conversations with one cluster side by side in the calling thread, a connection for each.

The name is resolved and judged once per run, and every connection goes to a judged address. Whatever a server
does, `run` is back when its deadline has passed (plus what a conversation itself takes in between): connecting
5 s, the TLS handshake 5 s, 30 s for each 16 KiB of an answer (so a byte a second is no progress), a watch its
own time and 15 s.
"""

import selectors
import time
from collections.abc import Generator, Hashable, Mapping
from typing import Any, TypeVar

from clusters.kube import errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Answer, Batch, Conversation, Outcome, Page, Reply, Request, Single
from clusters.kube.speaker import Line, Speaker, resolve

__all__ = ["Outcome", "fetch", "resolve", "run"]

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def run(
    connection: Connection,
    conversations: Mapping[K, Conversation[T]],
    *,
    deadline: float,
    allow_loopback: bool,
    gzip: bool = False,
) -> dict[K, Outcome[T]]:
    """`deadline` in seconds from now, for all of it. Never raises for what a server does: see the outcomes."""
    end = time.monotonic() + deadline
    with selectors.DefaultSelector() as selector:
        line = Line(connection, selector, gzip)
        fault = line.prepare(allow_loopback, deadline)
        speakers = {key: Speaker(talk, line) for key, talk in conversations.items()}
        try:
            for speaker in speakers.values():
                speaker.start(fault)
            _turn_until(end, [speaker for speaker in speakers.values() if speaker.outcome is None], line)
        finally:
            for speaker in speakers.values():
                speaker.hang_up()
    return {key: speaker.result() for key, speaker in speakers.items()}


def fetch(connection: Connection, request: Single, *, deadline: float, allow_loopback: bool) -> Answer | Page:
    """A single request; raises KubeError."""
    outcome = run(connection, {0: _ask(request)}, deadline=deadline, allow_loopback=allow_loopback)[0]
    return outcome.demand()


def _ask(request: Request) -> Generator[Request, Reply, Answer | Page]:
    reply = yield request
    if isinstance(reply, Batch):
        raise TypeError("a watch is not a single request")
    return reply


def _turn_until(end: float, live: "list[Speaker[Any]]", line: "Line") -> None:
    while live:
        now = time.monotonic()
        if now >= end:
            for speaker in live:
                speaker.abort(errors.DeadlinePassed("this pass"))
            return
        wait = max(0.0, min([end, *[speaker.due for speaker in live]]) - now)
        for key, _mask in line.selector.select(0.0 if any(each.hungry for each in live) else wait):
            key.data.hungry = True
        now = time.monotonic()
        for speaker in live:
            # What has arrived is read before a time-out is looked at: the delay may be a conversation's.
            if speaker.hungry:
                speaker.guarded(speaker.work)
            if speaker.outcome is None and speaker.due <= now:
                speaker.guarded(speaker.expire)
        live = [speaker for speaker in live if speaker.outcome is None]
