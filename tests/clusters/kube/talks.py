"""Conversations that tests hold, and the shortest way to hold one."""

import json
from typing import Any

from clusters.kube import reactor
from clusters.kube.connection import Connection
from clusters.kube.conversation import Batch, Conversation, more, page_of, watch
from clusters.kube.objects.table import POD, Kind
from tests.clusters.kube.scripted import Script


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
