"""What controllers do after a write: deletion with all that hangs on it, namespaces that end, quotas counted anew.

It runs a moment after the write, as in a cluster, where all of this comes later than the answer.
"""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

from clusters.simulator.api import kinds, quotas, store

Body = dict[str, Any]

BACKGROUND, FOREGROUND, ORPHAN = "Background", "Foreground", "Orphan"
FINALIZERS = {FOREGROUND: "foregroundDeletion", ORPHAN: "orphan"}
DELAY = 0.05  # seconds
Place = tuple[str, str, str]


class Upkeep:
    def __init__(self, catalogue: kinds.Catalogue, objects: store.Store) -> None:
        self._catalogue = catalogue
        self._objects = objects
        self._leaving: set[Place] = set()
        self._gone: list[tuple[str, str]] = []
        self._touched: set[str] = set()
        self._due = False

    def objects_in(self, namespace: str) -> Iterator[tuple[kinds.Kind, store.Entry]]:
        for kind in self._catalogue:
            if kind.namespaced:
                entries = self._objects.collection(kind).entries
                yield from ((kind, entry) for entry in list(entries.values()) if entry.namespace == namespace)

    def bodies_in(self, namespace: str) -> Iterator[tuple[kinds.Kind, Body]]:
        return ((kind, entry.body) for kind, entry in self.objects_in(namespace))

    def delete(self, kind: kinds.Kind, entry: store.Entry, policy: str, *, dry_run: bool = False) -> store.Entry | None:
        """The object as it waits for its end; None when it is gone at once."""
        metadata = entry.body["metadata"]
        kept = [each for each in metadata.get("finalizers") or [] if each not in FINALIZERS.values()]
        finalizers = kept + ([FINALIZERS[policy]] if policy in FINALIZERS else [])
        ends_later = kind.key == "namespaces"
        if not finalizers and not ends_later:
            if not dry_run:
                self.remove(kind, entry)
            return None
        if metadata.get("deletionTimestamp") and finalizers == (metadata.get("finalizers") or []):
            return entry
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        marks: Body = {"deletionTimestamp": metadata.get("deletionTimestamp") or now}
        marks |= {} if ends_later else {"deletionGracePeriodSeconds": 0}
        marks |= {"finalizers": finalizers} if finalizers else {}
        body = entry.body | {"metadata": metadata | marks}
        if ends_later:
            body["status"] = dict(body.get("status") or {}) | {"phase": "Terminating"}
        if dry_run:
            return store.Entry(entry.namespace, entry.name, entry.version, body=body)
        waiting = self._objects.put(kind, body)
        self._leaving.add(_place(kind, waiting))
        self.soon()
        return waiting

    def remove(self, kind: kinds.Kind, entry: store.Entry) -> None:
        self._objects.delete(kind, entry.namespace, entry.name)
        self._leaving.discard(_place(kind, entry))
        self._gone.append((str(entry.body["metadata"].get("uid", "")), entry.namespace))
        self.touch(entry.namespace)

    def touch(self, namespace: str) -> None:
        """Something in the namespace has changed, so its quotas are to be counted."""
        if namespace:
            self._touched.add(namespace)
        self.soon()

    def soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(DELAY, self._run)

    def _run(self) -> None:
        self._due = False
        while True:
            before = self._objects.version
            self._collect()
            for place in sorted(self._leaving):
                self._advance(place)
            if self._objects.version == before and not self._gone:
                break
        touched, self._touched = self._touched, set()
        for namespace in sorted(touched):
            self._count(namespace)

    def _collect(self) -> None:
        """Ends what has lost its last owner."""
        gone, self._gone = self._gone, []
        for uid, namespace in gone:
            for kind, entry in self._dependants(uid, namespace):
                owners = [each for each in entry.body["metadata"]["ownerReferences"] if each.get("uid") != uid]
                if owners:
                    self._objects.put(
                        kind, entry.body | {"metadata": entry.body["metadata"] | {"ownerReferences": owners}}
                    )
                elif not entry.body["metadata"].get("deletionTimestamp"):
                    self.delete(kind, entry, BACKGROUND)

    def _advance(self, place: Place) -> None:
        """One step towards the end of an object that waits for it."""
        kind = self._catalogue.by_key(place[0])
        entry = self._objects.collection(kind).entries.get(store.object_key(*place[1:])) if kind else None
        if kind is None or entry is None:
            self._leaving.discard(place)
            return
        finalizers = entry.body["metadata"].get("finalizers") or []
        if kind.key == "namespaces":
            if not self._empty(entry.name) or finalizers:
                return
        elif FINALIZERS[FOREGROUND] in finalizers:
            if self._ends_dependants(entry):
                return
            finalizers = self._without(kind, entry, FINALIZERS[FOREGROUND])
        elif FINALIZERS[ORPHAN] in finalizers:
            self._frees_dependants(entry)
            finalizers = self._without(kind, entry, FINALIZERS[ORPHAN])
        if not finalizers:
            self.remove(kind, self._objects.collection(kind).entries[entry.key])

    def _without(self, kind: kinds.Kind, entry: store.Entry, finalizer: str) -> list[str]:
        metadata = dict(entry.body["metadata"])
        left = [each for each in metadata.pop("finalizers") if each != finalizer]
        if left:
            self._objects.put(kind, entry.body | {"metadata": metadata | {"finalizers": left}})
        return left

    def _empty(self, namespace: str) -> bool:
        """Deletes what is left in the namespace; true when nothing is."""
        left = False
        for kind, entry in self.objects_in(namespace):
            # Not every kind can be deleted: usage figures only mirror what runs.
            if "delete" in kind.verbs:
                ending = bool(entry.body["metadata"].get("deletionTimestamp"))
                left = ending or self.delete(kind, entry, BACKGROUND) is not None or left
        return not left

    def _ends_dependants(self, owner: store.Entry) -> bool:
        """Whether a dependant that holds its owner is still there."""
        uid = owner.body["metadata"].get("uid", "")
        holding = False
        for kind, entry in self._dependants(uid, owner.namespace):
            reference = next(each for each in entry.body["metadata"]["ownerReferences"] if each.get("uid") == uid)
            ending = bool(entry.body["metadata"].get("deletionTimestamp"))
            stays = ending or self.delete(kind, entry, FOREGROUND) is not None
            holding = holding or (stays and bool(reference.get("blockOwnerDeletion")))
        return holding

    def _frees_dependants(self, owner: store.Entry) -> None:
        uid = owner.body["metadata"].get("uid", "")
        for kind, entry in self._dependants(uid, owner.namespace):
            metadata = dict(entry.body["metadata"])
            owners = [each for each in metadata.pop("ownerReferences") if each.get("uid") != uid]
            metadata |= {"ownerReferences": owners} if owners else {}
            self._objects.put(kind, entry.body | {"metadata": metadata})

    def _dependants(self, uid: str, namespace: str) -> list[tuple[kinds.Kind, store.Entry]]:
        """Those of an owner in a namespace live there too."""
        found = []
        for kind in self._catalogue:
            for entry in self._objects.collection(kind).entries.values():
                if namespace and entry.namespace != namespace:
                    continue
                owners = entry.body["metadata"].get("ownerReferences") or []
                if any(each.get("uid") == uid for each in owners):
                    found.append((kind, entry))
        return found

    def _count(self, namespace: str) -> None:
        """Writes the status of each quota of the namespace where it is another one."""
        kind = self._catalogue.by_key("resourcequotas")
        if kind is None:
            return
        found = [entry for entry in self._objects.collection(kind).entries.values() if entry.namespace == namespace]
        for entry in found:
            status = quotas.status(entry.body, self.bodies_in(namespace))
            if entry.body.get("status") != status:
                self._objects.put(kind, entry.body | {"status": status})


def _place(kind: kinds.Kind, entry: store.Entry) -> Place:
    return kind.key, entry.namespace, entry.name
