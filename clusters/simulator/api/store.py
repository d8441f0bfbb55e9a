"""The objects of one cluster with their resourceVersions and a bounded history of changes.

Every change takes the next resourceVersion of the cluster. The history of a kind serves its watches and
rebuilds the state of an earlier resourceVersion; what lies before its floor is gone, as after a compaction.
"""

import asyncio
import bisect
import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clusters.simulator.api import kinds, statuses

Body = dict[str, Any]

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"
HISTORY = 10_000
SNAPSHOTS = 4
# Objects of a world carry versions below the first one of the store, taken from their content: a restart that
# reads the same world shows them unchanged, although the store itself has moved on.
CONTENT_VERSIONS = 1_000_000_000


def encode(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def object_key(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


class Entry:
    """One version of one object, never changed. `text` is its JSON without kind and apiVersion, as listed."""

    __slots__ = ("_body", "_text", "name", "namespace", "version")

    def __init__(
        self, namespace: str, name: str, version: int, *, body: Body | None = None, text: bytes | None = None
    ) -> None:
        self.namespace = namespace
        self.name = name
        self.version = version
        self._body = body
        self._text = text

    @property
    def key(self) -> str:
        return object_key(self.namespace, self.name)

    @property
    def body(self) -> Body:
        """Not to be changed by the reader. A body decoded from text is not kept: large worlds hold text."""
        if self._body is not None:
            return self._body
        decoded: Body = json.loads(self._text or b"{}")
        return decoded

    @property
    def text(self) -> bytes:
        if self._text is None:
            self._text = encode(self._body)
        return self._text

    def full_text(self, kind: kinds.Kind) -> bytes:
        return b'{"kind":"%b","apiVersion":"%b",' % (kind.name.encode(), kind.group_version.encode()) + self.text[1:]

    def at(self, version: int) -> "Entry":
        """The same object under another resourceVersion, as a deletion reports it."""
        metadata = self.body["metadata"] | {"resourceVersion": str(version)}
        return Entry(self.namespace, self.name, version, body=self.body | {"metadata": metadata})


@dataclass(frozen=True, slots=True)
class Event:
    """`before` is None for an added object; `entry` of a deleted one is its last state, newly versioned."""

    version: int
    kind: str
    entry: Entry
    before: Entry | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects of a kind at one resourceVersion; `order` holds their keys as etcd sorts them."""

    version: int
    order: Sequence[str]
    entries: dict[str, Entry]

    def bounds(self, namespace: str) -> tuple[int, int]:
        if not namespace:
            return 0, len(self.order)
        # "0" is the character after "/".
        return bisect.bisect_left(self.order, f"{namespace}/"), bisect.bisect_left(self.order, f"{namespace}0")


class Collection:
    """All objects of one kind."""

    def __init__(self, kind: kinds.Kind, floor: int, history: int) -> None:
        self.kind = kind
        self.floor = floor
        self.entries: dict[str, Entry] = {}
        self._history = history
        self._events: list[Event] = []
        self._order: list[str] | None = None
        self._snapshots: dict[int, Snapshot] = {}
        self._changed = asyncio.Event()

    def since(self, version: int) -> list[Event]:
        """Events after `version`; raises StatusError 410 when some of them are no longer known."""
        if version < self.floor:
            raise statuses.too_old(version, self.floor)
        return self._events[bisect.bisect_right(self._events, version, key=lambda event: event.version) :]

    def newest(self) -> int:
        """The version of the last known change."""
        return self._events[-1].version if self._events else self.floor

    def at(self, version: int) -> Snapshot:
        """Raises StatusError 410 when the history does not reach back to `version`."""
        later = self.since(version)
        if not later:
            return Snapshot(version, self._sorted(), self.entries)
        if version not in self._snapshots:
            self._snapshots[version] = _undo(self.entries, later, version)
            if len(self._snapshots) > SNAPSHOTS:
                del self._snapshots[next(iter(self._snapshots))]
        return self._snapshots[version]

    async def changed(self, within: float) -> None:
        """Returns at the next change, or after `within` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._changed.wait()

    def load(self, entry: Entry) -> None:
        """Part of the first state: no event tells of it."""
        self.entries[entry.key] = entry
        self._order = None

    def record(self, event: Event) -> None:
        key = event.entry.key
        if event.kind == DELETED:
            del self.entries[key]
        else:
            self.entries[key] = event.entry
        if event.kind != MODIFIED:
            self._order = None
        self._events.append(event)
        if len(self._events) > 2 * self._history:
            self.floor = self._events[-self._history - 1].version
            del self._events[: -self._history]
        self._changed.set()
        self._changed = asyncio.Event()

    def compact(self, version: int) -> None:
        self.floor = version
        self._events.clear()
        self._snapshots.clear()

    def _sorted(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self.entries)
        return self._order


def _undo(entries: dict[str, Entry], later: Sequence[Event], version: int) -> Snapshot:
    past = dict(entries)
    for event in reversed(later):
        if event.before is None:
            past.pop(event.entry.key, None)
        else:
            past[event.entry.key] = event.before
    return Snapshot(version, sorted(past), past)


class Store:
    """Every collection of a cluster under one counter of versions, which starts at `version`."""

    def __init__(self, catalogue: kinds.Catalogue, version: int, history: int = HISTORY) -> None:
        self.version = version
        self._history = history
        self._collections = {kind.key: self._empty(kind) for kind in catalogue}

    def collection(self, kind: kinds.Kind) -> Collection:
        if kind.key not in self._collections:
            self._collections[kind.key] = self._empty(kind)
        return self._collections[kind.key]

    def counts(self) -> dict[str, int]:
        return {key: len(collection.entries) for key, collection in self._collections.items()}

    def load(self, kind: kinds.Kind, body: Body) -> None:
        bare = _bare(body)
        digest = hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).digest()
        version = 1 + int.from_bytes(digest[:8], "big") % (CONTENT_VERSIONS - 1)
        self.collection(kind).load(_entry(bare, version))

    def put(self, kind: kinds.Kind, body: Body) -> Entry:
        """Adds or replaces; an object keeps its uid and creation time while it lives."""
        collection, metadata = self.collection(kind), body["metadata"]
        before = collection.entries.get(object_key(metadata.get("namespace", ""), metadata["name"]))
        bare = _bare(body)
        if before:
            kept = before.body["metadata"]
            bare["metadata"] |= {name: kept[name] for name in ("uid", "creationTimestamp") if name in kept}
        return self.put_entry(kind, _entry(bare, self.version + 1))

    def put_entry(self, kind: kinds.Kind, entry: Entry) -> Entry:
        """`entry` carries the version after the store's own."""
        collection = self.collection(kind)
        before = collection.entries.get(entry.key)
        self.version = entry.version
        collection.record(Event(entry.version, MODIFIED if before else ADDED, entry, before))
        return entry

    def delete(self, kind: kinds.Kind, namespace: str, name: str) -> Entry:
        """Raises StatusError 404."""
        collection = self.collection(kind)
        before = collection.entries.get(object_key(namespace, name))
        if before is None:
            raise statuses.not_found(kind, name)
        self.version += 1
        collection.record(Event(self.version, DELETED, before.at(self.version), before))
        return before

    def compact(self, keys: Sequence[str] = ()) -> None:
        """Forgets the history, of the named kinds only if any are named."""
        self.version += 1
        for key, collection in self._collections.items():
            if not keys or key in keys:
                collection.compact(self.version)

    def _empty(self, kind: kinds.Kind) -> Collection:
        return Collection(kind, self.version, self._history)


def _bare(body: Body) -> Body:
    """A copy without kind and apiVersion whose metadata may be changed."""
    rest = {name: value for name, value in body.items() if name not in ("kind", "apiVersion")}
    return rest | {"metadata": dict(body["metadata"])}


def _entry(bare: Body, version: int) -> Entry:
    metadata = bare["metadata"]
    metadata["resourceVersion"] = str(version)
    return Entry(metadata.get("namespace", ""), metadata["name"], version, body=bare)
