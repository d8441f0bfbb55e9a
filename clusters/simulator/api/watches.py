"""Watches: the events after a resourceVersion, line by line, until the watch's time is over."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from clusters.simulator import wire
from clusters.simulator.api import lists, statuses, store

# A watch without a time-out ends by itself after 30 to 60 minutes.
SHORTEST, LONGEST = 1800.0, 3600.0
BOOKMARK_BEFORE_END = 2.0
BOOKMARK_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One event: its type and its JSON with the final line break."""

    kind: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """`version` 0 asks for today's objects first; `seconds` is the life of the watch."""

    version: int
    seconds: float
    bookmarks: bool


def terms(request: wire.Request) -> Terms:
    """Raises StatusError 400, and 422 for what this server does not do."""
    query = request.query
    if query.get("sendInitialEvents"):
        message = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden unless WatchList is enabled"
        raise statuses.invalid("ListOptions", "meta.k8s.io", message)
    if query.get("resourceVersionMatch"):
        message = "resourceVersionMatch: Forbidden: forbidden for watch unless sendInitialEvents is provided"
        raise statuses.invalid("ListOptions", "meta.k8s.io", message)
    version = query.get("resourceVersion", "")
    if version and not version.isdigit():
        raise statuses.garbled_watch(version)
    seconds = float(lists.number(query, "timeoutSeconds")) or random.uniform(SHORTEST, LONGEST)  # noqa: S311 (no secret)
    bookmarks = query.get("allowWatchBookmarks", "").lower() in ("1", "true")
    return Terms(lists.number(query, "resourceVersion"), seconds, bookmarks)


async def follow(objects: store.Store, scope: lists.Scope, terms: Terms) -> AsyncIterator[Line]:
    """Ends without error when the time is over; a position that is too old gives one ERROR line."""
    collection = objects.collection(scope.kind)
    clock = asyncio.get_running_loop().time
    started = clock()
    position = terms.version
    if not position:
        position = objects.version
        for entry in [entry for entry in collection.entries.values() if scope.shows(entry)]:
            yield line(store.ADDED, entry, scope)
    known = max(position, objects.version)
    bookmarks = _bookmark_times(started, terms)
    bookmark_at = next(bookmarks)
    while True:
        try:
            events = collection.since(position)
        except statuses.StatusError as error:
            yield Line("ERROR", error.event())
            return
        for event in events:
            position = event.version
            if (seen := _as_seen(event, scope)) is not None:
                yield seen
        now = clock()
        if now >= started + terms.seconds:
            return
        if now >= bookmark_at:
            bookmark_at = next(bookmarks)
            # While lines were written, changes may have come that this watch has not told yet.
            told_all = collection.newest() <= position
            reached = max(position, objects.version) if told_all else position
            # As from a real server: none as long as nothing has moved since the watch began.
            if reached > known:
                yield _bookmark(scope, reached)
        await collection.changed(min(bookmark_at, started + terms.seconds) - now)


def _bookmark_times(started: float, terms: Terms) -> Iterator[float]:
    """Each minute, and once shortly before the end of a watch that lasts long enough."""
    due = started + BOOKMARK_EVERY
    last = started + terms.seconds - BOOKMARK_BEFORE_END
    while terms.bookmarks and due < last:
        yield due
        due += BOOKMARK_EVERY
    if terms.bookmarks and last > started:
        yield last
    while True:
        yield float("inf")


def _as_seen(event: store.Event, scope: lists.Scope) -> Line | None:
    """Under a selector an object is added when it begins to match and deleted when it no longer does."""
    was = event.before is not None and scope.shows(event.before)
    now = event.kind != store.DELETED and scope.shows(event.entry)
    if now:
        return line(store.MODIFIED if was else store.ADDED, event.entry, scope)
    if not was or event.before is None:
        return None
    gone = event.entry if event.kind == store.DELETED else event.before.at(event.version)
    return line(store.DELETED, gone, scope)


def line(kind: str, entry: store.Entry, scope: lists.Scope) -> Line:
    text = lists.encode_object(entry, scope)
    return Line(kind, b'{"type":"%b","object":%b}\n' % (kind.encode(), text))


def _bookmark(scope: lists.Scope, version: int) -> Line:
    kind = scope.kind
    name, group_version = (kind.name, kind.group_version)
    if scope.metadata_only:
        name, group_version = "PartialObjectMetadata", "meta.k8s.io/v1"
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    body = {"kind": name, "apiVersion": group_version, "metadata": metadata}
    return Line("BOOKMARK", json.dumps({"type": "BOOKMARK", "object": body}).encode() + b"\n")
