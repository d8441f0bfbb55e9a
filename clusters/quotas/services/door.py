"""Reading and writing the limits of a pool in their clusters: `moving.Door` over the real door."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from clusters.applying import marks
from clusters.inventory.models import Namespace
from clusters.kube import errors, writing, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.objects.table import BY_NAME
from clusters.kube.writing import Precondition, Target
from clusters.quotas import desired, resources, standing
from clusters.quotas.moving import Move, NotReached, Seen
from clusters.quotas.pool import Key

T = TypeVar("T")

SECONDS = 15.0


@dataclass(frozen=True)
class Site:
    """How one cluster is read and written: by two accounts, and under what name of a field manager."""

    reading: Connection
    writing: Connection
    manager: str


@dataclass(frozen=True)
class Ours:
    """Our own limit in a namespace: its uid, and the mark that every write of it carries."""

    uid: str
    mark: str


class ClusterDoor:
    """The clusters themselves. `site` returns how to write to one, None where nothing may be written now.

    `ours` returns our own object in a namespace, None where none was made: an object of somebody else is left alone,
    whatever it is called.
    """

    def __init__(
        self, site: Callable[[UUID], Site | None], ours: Callable[[Key], Ours | None], *, allow_loopback: bool
    ) -> None:
        self.site = site
        self.ours = ours
        self.allow_loopback = allow_loopback

    def read(self, key: Key) -> Seen | None:
        """Return the object now; see `moving.Door`."""
        target, ours = self._target(key), self.ours(key)
        if target is None or ours is None:
            return None
        body = self._perform(self._site(key).reading, writing.find(target))
        if body is None or body["metadata"].get("uid") != ours.uid:
            return None
        status = body.get("status") or {}
        return Seen(
            version=str(body["metadata"].get("resourceVersion", "")),
            uid=ours.uid,
            hard=resources.parse_seen((body.get("spec") or {}).get("hard") or {}),
            used=resources.parse_seen(status.get("used") or {}),
        )

    def write(self, move: Move, seen: Seen) -> str | None:
        """Send a change; see `moving.Door`."""
        target, ours, site = self._target(move.key), self.ours(move.key), self._site(move.key)
        if target is None or ours is None:
            raise NotReached
        only_if = Precondition(uid=seen.uid, resource_version=seen.version)
        talk = writing.apply(target, _body(move, ours.mark), manager=site.manager, force=True, only_if=only_if)
        try:
            return self._perform(site.writing, talk).resource_version
        except writing_errors.Stale:
            return None

    def _site(self, key: Key) -> Site:
        found = self.site(key[0])
        if found is None:
            raise NotReached
        return found

    def _target(self, key: Key) -> Target | None:
        name = Namespace.objects.filter(cluster_id=key[0], uid=key[1], gone_at=None).values_list("name", flat=True)
        found = name.first()
        return Target.of(BY_NAME["quota"], standing.NAME, namespace=found) if found else None

    def _perform(self, connection: Connection, talk: Conversation[T]) -> T:
        try:
            return writing.perform(connection, talk, deadline=SECONDS, allow_loopback=self.allow_loopback)
        except writing_errors.Stale:
            raise
        except errors.KubeError as error:
            raise NotReached from error


def _body(move: Move, mark: str) -> dict[str, object]:
    metadata = {"annotations": {desired.MARK: str(move.number)}, "labels": {marks.LABEL: mark}}
    hard = {name: resources.written(name, amount) for name, amount in sorted(move.hard.items())}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
