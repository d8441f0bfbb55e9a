"""Writes of the room: reading clusters, holding namespaces, confirming deletions, forgetting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from clusters.inventory import lease, occurrences, pace, quota_history
from clusters.inventory.drain import Budget, Report, drain
from clusters.inventory.lease import Grip, LeaseLost
from clusters.inventory.merge.apply import Store
from clusters.inventory.merge.tables import TABLES
from clusters.inventory.models import ChargedFact, Lease, Namespace, ObjectBody, Occurrence, QuotaHour, Stream
from clusters.inventory.models.sync import StreamState
from clusters.inventory.reading import PassClock, Reading, save
from clusters.kube import errors as kube
from clusters.kube import reactor
from clusters.kube.connection import Connection
from clusters.kube.conversation import Answer, Get
from clusters.kube.objects.metadata import Item
from clusters.kube.objects.table import KINDS, NAMESPACE, NODE, OCCURRENCE, Kind
from clusters.registry import services as registry
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor, Subject
from portal.jobs import services as jobs

log = structlog.get_logger(__name__)

IDENTITY = "/api/v1/namespaces/kube-system"
IDENTITY_SECONDS = 15.0
PASS_SECONDS = 100.0
BOOKMARKS_EACH = timedelta(minutes=5)
BOOKMARK_WATCH = 4
GONE_KEPT = timedelta(days=7)
FORGET_ROWS = 5_000
# Pods are put on nodes and into namespaces by name: those are read before them where nothing is known yet.
FIRST = (NAMESPACE, NODE)
# A change of one of these may be a change of what Paddock wrote.
WRITTEN = frozenset({"namespace", "role_binding", "cluster_role_binding", "quota", "limit_range", "network_policy"})
# Kinds whose objects are not rows one by one.
OWN_READINGS: Mapping[str, type[Reading]] = {OCCURRENCE.name: occurrences.OccurrenceReading}

_ITEM = msgspec.json.Decoder(Item)


@dataclass
class PassReport:
    """What a pass over one cluster did. `skipped` says why it did nothing: taken, identity, or failed."""

    skipped: str = ""
    streams: list[Report] = field(default_factory=list)
    seconds: float = 0.0
    requests: int = 0
    received: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def as_result(self) -> dict[str, object]:
        """Return what is kept on the job."""
        return {
            "skipped": self.skipped,
            "seconds": round(self.seconds, 2),
            "listed": sum(each.listed for each in self.streams),
            "changed": sum(each.changed for each in self.streams),
            "deleted": sum(each.deleted for each in self.streams),
            "failed": self.failed,
        }


@dataclass
class _Pass:
    """One pass over one cluster, under its lease."""

    cluster: Cluster
    connection: Connection
    grip: Grip
    clock: PassClock
    store: Store
    budget: Budget
    streams: dict[str, Stream]
    report: PassReport

    def run(self, kinds: Sequence[Kind]) -> None:
        """Drain kinds side by side; what went wrong with one stands on its stream."""
        readings = {kind.name: self._reading(kind) for kind in kinds}
        if not readings:
            return
        outcomes = reactor.run(
            self.connection,
            {name: drain(reading, self.budget) for name, reading in readings.items()},
            deadline=max(PASS_SECONDS - self.clock.elapsed, 1.0),
            allow_loopback=settings.ALLOW_LOOPBACK,
        )
        for name, outcome in outcomes.items():
            stream = self.streams[name]
            stream.received += outcome.received
            stream.requests += outcome.requests
            self.report.received += outcome.received
            self.report.requests += outcome.requests
            if outcome.value is not None:
                self.report.streams.append(outcome.value)
            elif isinstance(outcome.error, kube.KubeError):
                self.report.failed[name] = outcome.error.code
                _judge(stream, outcome.error, self.clock.now(), seed=f"{self.cluster.pk}/{name}")
            elif outcome.error is not None:
                raise outcome.error

    def _reading(self, kind: Kind) -> Reading:
        made = OWN_READINGS.get(kind.name, Reading)
        return made(self.streams[kind.name], kind, grip=self.grip, store=self.store, clock=self.clock)


def sync_once(
    cluster: Cluster,
    *,
    at: datetime,
    kinds: Sequence[Kind] = KINDS,
    owner: str = "",
    alive: Callable[[], None] | None = None,
    budget: Budget | None = None,
) -> PassReport:
    """Make one pass over an attached cluster; returns what it did. Not to be called inside a transaction.

    `alive` is called between the steps and may end the pass by raising. Never raises for what the cluster does:
    that stands on its streams. Whatever comes too late for the lease is not written.
    """
    grip = lease.claim(cluster_id=cluster.pk, owner=owner, at=at)
    if grip is None:
        return PassReport(skipped="taken")
    clock = PassClock(at)
    values: dict[str, object] = {}
    report = PassReport()
    try:
        cluster.refresh_from_db()
        values = _read(cluster, grip, clock, kinds, alive, budget, report)
    except LeaseLost:
        report.skipped = "lost"
        log.warning("sync.lease_lost", cluster=str(cluster.pk))
    finally:
        report.seconds = clock.elapsed
        lease.give_back(grip, passed_at=clock.now(), pass_seconds=report.seconds, **values)
    _tell(cluster, report)
    return report


def _tell(cluster: Cluster, report: PassReport) -> None:
    """Upward news, by kind of job: something changed of what Paddock writes itself."""
    if any(one.kind in WRITTEN and (one.changed or one.deleted) for one in report.streams):
        with transaction.atomic():
            jobs.enqueue("clusters.applying.look", key=str(cluster.pk), by=SYSTEM, cluster_id=str(cluster.pk))


def _read(
    cluster: Cluster,
    grip: Grip,
    clock: PassClock,
    kinds: Sequence[Kind],
    alive: Callable[[], None] | None,
    budget: Budget | None,
    report: PassReport,
) -> dict[str, object]:
    """Run the steps of a pass; returns what the lease keeps of it."""
    streams = _streams(cluster, kinds)
    taken = Lease.objects.get(pk=cluster.pk)
    if cluster.generation != grip.generation:
        raise LeaseLost
    address = registry.connection(cluster)
    try:
        uid = identity_of(address)
    except kube.KubeError as error:
        report.skipped, report.failed = "failed", {"": error.code}
        return _all_failed(streams, grip, error, taken.fails + 1, clock.now())
    if not _is_pinned(cluster, grip, uid, clock.now()):
        report.skipped = "identity"
        return _foreign(streams, grip, taken.fails + 1, clock.now())
    bookmarks = taken.bookmarked_at is not None and taken.bookmarked_at + BOOKMARKS_EACH <= clock.now()
    reading = _Pass(
        cluster=cluster,
        connection=address,
        grip=grip,
        clock=clock,
        store=Store(cluster.pk, settings.COST_LABELS),
        budget=budget or Budget(watch_seconds=BOOKMARK_WATCH if bookmarks else 1),
        streams=streams,
        report=report,
    )
    due = [kind for kind in kinds if _is_due(streams[kind.name], clock.now())]
    first = [kind for kind in due if kind in FIRST and not streams[kind.name].resource_version]
    reading.run(first)
    if alive:
        alive()
    reading.run([kind for kind in due if kind not in first])
    # Not where something unexpected happened: what is not settled is read again.
    _settle(grip, list(streams.values()))
    kept: dict[str, object] = {"fails": 0, "due_at": None}
    if bookmarks or taken.bookmarked_at is None:
        kept["bookmarked_at"] = clock.now()
    return kept


def identity_of(address: Connection) -> str:
    """Return the uid of kube-system, which is a cluster's identity. Raises KubeError."""
    answer = reactor.fetch(address, Get(IDENTITY), deadline=IDENTITY_SECONDS, allow_loopback=settings.ALLOW_LOOPBACK)
    try:
        uid = _ITEM.decode(answer.body).metadata.uid if isinstance(answer, Answer) else ""
    except msgspec.MsgspecError:
        uid = ""
    if not uid:
        raise kube.Undecodable("kube-system has no uid")
    return uid


def _is_pinned(cluster: Cluster, grip: Grip, uid: str, at: datetime) -> bool:
    if uid != cluster.kube_system_uid or cluster.foreign_uid:
        registry.set_identity_changed(cluster_id=cluster.pk, generation=grip.generation, uid=uid, at=at)
    return uid == cluster.kube_system_uid


def _streams(cluster: Cluster, kinds: Sequence[Kind]) -> dict[str, Stream]:
    names = [kind.name for kind in kinds]
    found = {one.kind: one for one in Stream.objects.filter(cluster=cluster, kind__in=names)}
    if missing := [name for name in names if name not in found]:
        Stream.objects.bulk_create([Stream(cluster=cluster, kind=name) for name in missing], ignore_conflicts=True)
        found = {one.kind: one for one in Stream.objects.filter(cluster=cluster, kind__in=names)}
    return found


def _is_due(stream: Stream, at: datetime) -> bool:
    return stream.due_at is None or stream.due_at <= at or stream.release_asked


def _judge(stream: Stream, error: kube.KubeError, at: datetime, *, seed: str = "") -> None:
    """Note an error on a stream; its rows stay as they are. With `seed` the kind is left alone for a while."""
    if stream.since is None or stream.state in {StreamState.OK, StreamState.LISTING}:
        stream.since = stream.last_ok_at or at
    # A kind that is held back stays so until a list of it passes or a person decides.
    if stream.held_known is None:
        stream.state = pace.state_after(error)
    stream.code, stream.text, stream.remedy = error.code, error.text[:300], error.remedy[:300]
    stream.fails += 1
    if seed:
        stream.due_at = at + pace.pause_after(error, fails=stream.fails, seed=seed)


def _all_failed(
    streams: Mapping[str, Stream], grip: Grip, error: kube.KubeError, fails: int, at: datetime
) -> dict[str, object]:
    for stream in streams.values():
        _judge(stream, error, at)
    _settle(grip, list(streams.values()))
    pause = pace.pause_after(error, fails=fails, seed=str(grip.cluster_id))
    return {"fails": fails, "due_at": at + pause}


def _foreign(streams: Mapping[str, Stream], grip: Grip, fails: int, at: datetime) -> dict[str, object]:
    """Another cluster answers behind the address: nothing of it is written."""
    error = kube.Rejected(200)
    error.text = _("Another cluster answers at this address: its identity is not the one that was confirmed.")
    error.remedy = _("Look at the cluster's page: put the address right, or detach the cluster and attach it anew.")
    for stream in streams.values():
        _judge(stream, error, at)
        stream.code = "identity_changed"
    _settle(grip, list(streams.values()))
    return {"fails": fails, "due_at": at + pace.pause_after(error, fails=fails, seed=str(grip.cluster_id))}


def _settle(grip: Grip, streams: Sequence[Stream]) -> None:
    """Write states, positions and bookmarks of all kinds in one statement. Raises `LeaseLost`."""
    with transaction.atomic(), connection.cursor() as cursor:
        grip.hold(cursor)
        save(cursor, streams)


def hold_namespace(*, cluster_id: UUID, namespace_uid: str, team_id: UUID | None, project_id: UUID | None) -> bool:
    """Keep the current holder beside the namespace; called in the transaction of the dated row.

    False where the namespace has not been read.
    """
    return bool(
        Namespace.objects.filter(cluster_id=cluster_id, uid=namespace_uid).update(
            team_id=team_id, project_id=project_id
        )
    )


def release_hold(*, stream: Stream, by: Actor) -> Stream:
    """Confirm deletions that were held back: the next list of the kind is believed. Raises `Conflict`."""
    with transaction.atomic():
        locked = Stream.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=stream.pk)
        if locked.state != StreamState.HELD:
            raise errors.Conflict.one("", _("Nothing of this kind is held back."))
        locked.release_asked = True
        locked.save(update_fields=["release_asked"])
        subject = Subject("stream", str(locked.pk), f"{locked.cluster.name}: {locked.kind}")
        audit.record(
            "inventory.hold.release",
            by=by,
            on=subject,
            before={"known": locked.held_known, "seen": locked.held_seen},
        )
    return locked


def forget(*, at: datetime) -> int:
    """Delete what has been gone for a week, with its bodies, and what is too old. Returns how many rows."""
    forgotten = 0
    for table in TABLES:
        while count := _forget_some(table, at - GONE_KEPT):
            forgotten += count
    with transaction.atomic(), connection.cursor() as cursor:
        forgotten += occurrences.forget(cursor, before=at - occurrences.KEPT)
    # After the quotas: the last state of one that is gone goes too.
    return forgotten + quota_history.forget(at=at)


def _forget_some(table: str, before: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""WITH old AS (SELECT id, cluster_id, uid FROM {table} WHERE gone_at < %(before)s LIMIT %(rows)s),
            bodies AS (DELETE FROM object_body b USING old WHERE b.cluster_id = old.cluster_id AND b.uid = old.uid),
            rows AS (DELETE FROM {table} t USING old WHERE t.id = old.id RETURNING 1)
            SELECT count(*) FROM rows""",  # noqa: S608 - a constant
            {"before": before, "rows": FORGET_ROWS},
        )
        return int(cursor.fetchone()[0])


def erase(*, cluster_id: UUID) -> None:
    """Delete everything that was read of a cluster. For the demo alone: other clusters keep their history."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE cluster_id = %s", [cluster_id])  # noqa: S608 - a constant
        ObjectBody.objects.filter(cluster_id=cluster_id).delete()
        for model in (ChargedFact, Occurrence, QuotaHour):
            model.objects.filter(cluster_id=cluster_id).delete()
        Stream.objects.filter(cluster_id=cluster_id).delete()
        Lease.objects.filter(cluster_id=cluster_id).delete()
