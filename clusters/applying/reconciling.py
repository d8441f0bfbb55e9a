"""One pass over one cluster: what is wanted, what stands, the steps between, and what the cluster answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Min
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from clusters.applying import answers, door, leases, rows
from clusters.applying.desired import Desired
from clusters.applying.difference import Key, Row, Step, difference, merged
from clusters.applying.leases import Grip
from clusters.applying.models import AppliedObject, Installation, State, WriteLease
from clusters.applying.sending import Answered, Sending
from clusters.inventory import pace
from clusters.inventory.models import Namespace
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core import clock, errors
from portal.core.actors import SYSTEM

log = structlog.get_logger(__name__)
# As many steps lie between two looks at whether the job may go on.
SLICE = 200


@dataclass
class Report:
    """What a pass did. `skipped` says why it did nothing: idle, taken, stopped, unconfirmed, rights."""

    skipped: str = ""
    steps: int = 0
    requests: int = 0
    created: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0
    restored: int = 0
    left: int = 0
    away: str = ""
    held: list[str] = field(default_factory=list)

    def as_result(self) -> dict[str, object]:
        """Return what is kept on the job."""
        return dict(vars(self))


def installation_id() -> UUID:
    """Return which Paddock this is; made at the first question."""
    return Installation.objects.get_or_create(only=True)[0].pk


def wanted_in(cluster_id: UUID, at: datetime) -> dict[Key, Desired]:
    """Return all that the rooms want in a cluster."""
    return merged(one for path in settings.DESIRED_STATES for one in import_string(path)(cluster_id, at))


def steps_of(cluster_id: UUID, wanted: Mapping[Key, Desired], known: Sequence[Row], at: datetime) -> list[Step]:
    """Return what is to be done, without the kinds that are held back."""
    lives = {row.namespace_uid for row in known} | {one.namespace_uid for one in wanted.values()}
    gone = Namespace.objects.filter(cluster_id=cluster_id, uid__in=lives - {""}).exclude(gone_at=None)
    ended = frozenset(gone.values_list("uid", flat=True))
    held = door.held_kinds(cluster_id)
    return [step for step in difference(wanted, known, ended=ended, at=at) if step.key[0] not in held]


def reconcile(
    *,
    cluster_id: UUID,
    at: datetime,
    owner: str,
    alive: Callable[[], None] | None = None,
    wanted: Callable[[UUID, datetime], dict[Key, Desired]] = wanted_in,
) -> Report:
    """Make what is wanted true in one cluster. Not to be called inside a transaction.

    With nothing to do it sends no request and writes no row. `alive` may end it between slices by raising.
    """
    lease = WriteLease.objects.filter(pk=cluster_id).first()
    if lease is not None and lease.stopped_code:
        return Report(skipped="stopped")
    if not steps_of(cluster_id, wanted(cluster_id, at), rows.of_cluster(cluster_id), at):
        return _idle(lease, at)
    if not door.is_confirmed(cluster_id, at):
        return _later(cluster_id, "unconfirmed", at)
    grip = leases.claim(cluster_id=cluster_id, owner=owner, at=at)
    if grip is None:
        return Report(skipped="taken")
    report = Report()
    kept: dict[str, object] = {}
    try:
        kept = _Pass(Cluster.objects.get(pk=cluster_id), grip, at, report, wanted).run(alive)
    except leases.LeaseLost:
        report.skipped = "lost"
        log.warning("apply.lease_lost", cluster=str(cluster_id))
    finally:
        leases.give_back(grip, **kept)
    return report


def _idle(lease: WriteLease | None, at: datetime) -> Report:
    report = Report(skipped="idle")
    if lease is not None and (lease.asked > lease.done or (lease.due_at is not None and lease.due_at <= at)):
        done = WriteLease.objects.filter(pk=lease.pk, done__lt=lease.asked)
        done.update(done=lease.asked)
        WriteLease.objects.filter(pk=lease.pk, due_at__lte=at).update(due_at=_next_due(lease.cluster_id, at))
    return report


def _later(cluster_id: UUID, why: str, at: datetime) -> Report:
    WriteLease.objects.filter(pk=cluster_id).update(due_at=at + timedelta(seconds=30))
    return Report(skipped=why)


def _next_due(cluster_id: UUID, at: datetime) -> datetime | None:
    waiting = AppliedObject.objects.filter(cluster_id=cluster_id, due_at__gt=at)
    found: datetime | None = waiting.aggregate(next=Min("due_at"))["next"]
    return found


@dataclass
class _Pass:
    """One pass, under its lease."""

    cluster: Cluster
    grip: Grip
    at: datetime
    report: Report
    wanted: Callable[[UUID, datetime], dict[Key, Desired]]

    def run(self, alive: Callable[[], None] | None) -> dict[str, object]:
        """Take all steps; returns what the lease keeps of it."""
        try:
            connected = door.connection(self.cluster)
        except errors.Conflict:
            self.report.skipped = "rights"
            return {
                "due_at": self.at + answers.LATER,
                "code": "rights",
                "text": _("There is no account to write with."),
            }
        steps = steps_of(
            self.cluster.pk, self.wanted(self.cluster.pk, self.at), rows.of_cluster(self.cluster.pk), self.at
        )
        self.report.steps = len(steps)
        with transaction.atomic():
            self.grip.hold()
            sent = rows.write_ahead(self.cluster.pk, steps, self.at)
        sending = Sending(connected, self.grip, installation_id(), self._keep, settings.ALLOW_LOOPBACK)
        for begin in range(0, len(sent), SLICE):
            if alive is not None:
                alive()
            if sending.away is None and self.grip.may_send():
                sending.run(sent[begin : begin + SLICE])
            else:
                sending.left += len(sent[begin : begin + SLICE])
        self.report.requests, self.report.left = sending.requests, sending.left
        return self._ended(sending)

    def _keep(self, answered: list[Answered]) -> None:
        at = clock.now()
        with transaction.atomic():
            self.grip.hold()
            found = rows.write_answers(self.cluster.pk, answered, at)
            for row in found.restored:
                audit.record("applying.object.restore", by=SYSTEM, on=row.as_subject(), after={"drifts": row.drifts})
            _tell(found.settled, at)
        for name in ("created", "changed", "removed", "failed"):
            setattr(self.report, name, getattr(self.report, name) + getattr(found, name))
        self.report.restored += len(found.restored)

    def _ended(self, sending: Sending) -> dict[str, object]:
        if sending.away is not None:
            fails = WriteLease.objects.values_list("fails", flat=True).get(pk=self.cluster.pk) + 1
            said = answers.meaning(sending.away)
            self.report.away = sending.away.code
            _mark_waiting(self.cluster.pk, said, self.at)
            pause = min(pace.pause_after(sending.away, fails=fails, seed=str(self.cluster.pk)), timedelta(minutes=1))
            since = WriteLease.objects.values_list("failing_since", flat=True).get(pk=self.cluster.pk)
            return {
                "fails": fails,
                "due_at": self.at + pause,
                "code": said.code,
                "text": said.text,
                "failing_since": since or self.at,
            }
        kept: dict[str, object] = {"fails": 0, "code": "", "text": "", "failing_since": None}
        if sending.left:
            return {**kept, "due_at": self.at}
        return {**kept, "done": self.grip.asked, "due_at": _next_due(self.cluster.pk, self.at)}


def _mark_waiting(cluster_id: UUID, said: answers.Meaning, at: datetime) -> None:
    """Say of all that was to be written what it waits for; an object to be removed stays one."""
    pending = AppliedObject.objects.filter(cluster_id=cluster_id, state__in=[State.PENDING, State.REMOVING])
    pending.filter(state=State.PENDING).update(state=State.WAITING, code=said.code, text=said.text, due_at=None)
    pending.filter(state=State.REMOVING).update(code=said.code, text=said.text, due_at=None)


def _tell(settled: Iterable[tuple[AppliedObject, Answered]], at: datetime) -> None:
    """Tell the rooms that wished for it, in the transaction that keeps the answer."""
    for row, answered in settled:
        path = settings.OUTCOME_HOOKS.get(row.source)
        if path and (answered.uid or row.state == State.FAILED):
            import_string(path)(source_id=row.source_id, uid=answered.uid, text=row.text, at=at)


def note_asked(*, clusters: Iterable[UUID], because: str, at: datetime) -> None:
    """Count one wish more for each of the clusters: what runs now has perhaps read its rows already."""
    wanted = list(clusters)
    WriteLease.objects.bulk_create([WriteLease(cluster_id=one) for one in wanted], ignore_conflicts=True)
    WriteLease.objects.filter(cluster_id__in=wanted).update(asked=F("asked") + 1, because=because[:60], asked_at=at)
