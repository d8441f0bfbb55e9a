"""Rows of applied objects: read for a pass, written ahead of its requests, and after its answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from clusters.applying import answers, sending
from clusters.applying.difference import Row, Step, Verb
from clusters.applying.models import AppliedObject, Foreign, State
from clusters.applying.sending import Answered

_FIELDS = (
    "id",
    "kind",
    "namespace",
    "name",
    "namespace_uid",
    "uid",
    "digest",
    "applied_digest",
    "state",
    "code",
    "due_at",
    "stage",
    "text",
)
_WISH = (
    "namespace_uid",
    "source",
    "source_id",
    "project_id",
    "stage",
    "body",
    "forced",
    "drift",
    "digest",
    "state",
    "code",
    "text",
    "since",
    "due_at",
    "uid",
    "attempts",
)
_ANSWER = (
    "uid",
    "applied_digest",
    "applied_version",
    "seen_version",
    "state",
    "code",
    "text",
    "since",
    "due_at",
    "attempts",
    "drifts",
    "restored_at",
    "applied_at",
)


def of_cluster(cluster_id: UUID) -> list[Row]:
    """Return all that is written, or is to be, in one cluster."""
    found = AppliedObject.objects.filter(cluster_id=cluster_id).values(*_FIELDS)
    return [Row(key=(one.pop("kind"), one.pop("namespace"), one.pop("name")), **one) for one in found]


@dataclass
class Written:
    """What a write of answers found out: for the audit, for the rooms that wished, for the next look."""

    created: int = 0
    changed: int = 0
    removed: int = 0
    failed: int = 0
    restored: list[AppliedObject] = field(default_factory=list)
    settled: list[tuple[AppliedObject, Answered]] = field(default_factory=list)


def write_ahead(cluster_id: UUID, steps: Sequence[Step], at: datetime) -> list[tuple[Step, UUID]]:
    """Keep what is about to be done before it is; returns the steps that need a request, with their rows' ids."""
    known = {row.pk: row for row in AppliedObject.objects.filter(pk__in=[step.row.id for step in steps if step.row])}
    made, changed, sent = [], [], []
    forgotten = [step.row.id for step in steps if step.verb is Verb.FORGET and step.row]
    for step in steps:
        if step.verb is Verb.FORGET:
            continue
        row = known.get(step.row.id) if step.row else None
        if step.row and row is None:
            continue  # it went meanwhile
        if row is None:
            row = AppliedObject(id=uuid4(), cluster_id=cluster_id, kind=step.key[0])
            row.namespace, row.name = step.key[1:]
            made.append(row)
        else:
            changed.append(row)
        _wish(row, step, at)
        if step.verb is not Verb.WAIT:
            sent.append((step, row.pk))
    AppliedObject.objects.filter(pk__in=forgotten).delete()
    AppliedObject.objects.bulk_create(made, batch_size=500)
    AppliedObject.objects.bulk_update(changed, _WISH, batch_size=200)
    return sent


def _wish(row: AppliedObject, step: Step, at: datetime) -> None:
    one = step.desired
    if one is None:
        _enter(row, State.REMOVING, "", "", at)
        return
    if row.namespace_uid != one.namespace_uid and one.kind != "namespace":
        row.uid = ""
    row.namespace_uid, row.digest = one.namespace_uid, step.digest
    row.source, row.source_id, row.project_id = one.source, one.source_id, one.project_id
    row.stage, row.forced, row.drift, row.body = int(one.order), one.forced, one.drift, dict(one.body)
    if step.verb is Verb.WAIT:
        _enter(row, State.FAILED if step.code == "refused" else State.WAITING, step.code, step.text, at)
        row.due_at = None
    elif not step.restores:
        # A drifted one stays so until it is back.
        _enter(row, State.PENDING, "", "", at)


def _enter(row: AppliedObject, state: str, code: str, text: str, at: datetime) -> None:
    if (row.state, row.code) != (state, code) or row.since is None:
        row.since = at
    row.state, row.code, row.text = state, code, text[:300]


def write_answers(cluster_id: UUID, given: Sequence[Answered], at: datetime) -> Written:
    """Keep what the cluster said. To be called under the grip, in a transaction."""
    known = AppliedObject.objects.select_related("cluster").in_bulk([one.row_id for one in given])
    found = Written()
    gone: list[UUID] = []
    changed: list[AppliedObject] = []
    for one in given:
        row = known.get(one.row_id)
        if row is None:
            continue
        if one.end is sending.End.GONE:
            gone.append(row.pk)
            found.removed += 1
            continue
        _take(row, one, found, at)
        changed.append(row)
        found.settled.append((row, one))
    AppliedObject.objects.filter(pk__in=gone).delete()
    AppliedObject.objects.bulk_update(changed, _ANSWER, batch_size=200)
    _note_taken(cluster_id, given, at)
    return found


def _take(row: AppliedObject, one: Answered, found: Written, at: datetime) -> None:
    if one.end is sending.End.WRITTEN:
        found.created += one.created
        found.changed += not one.created
        if row.state == State.DRIFTED:
            row.restored_at = at
            found.restored.append(row)
        row.uid, row.applied_version, row.seen_version = one.uid, one.version, one.version
        row.applied_digest, row.applied_at = one.step.digest, at
        row.attempts, row.due_at = 0, None
        _enter(row, State.APPLIED, "", "", at)
        return
    found.failed += 1
    row.attempts += 1
    if one.taken is not None:
        _enter(row, State.FAILED, "taken", _("Another object has this name, and Paddock did not make it."), at)
        row.due_at = at + answers.LATER
    elif one.error is not None:
        said = answers.meaning(one.error)
        if said.lost_uid and row.kind != "namespace":
            row.uid = row.applied_digest = ""
        state = State.REMOVING if row.state == State.REMOVING else said.state
        _enter(row, state, said.code, said.text, at)
        # Where the cluster itself is away, its lease says when to come back, not each object.
        row.due_at = None if said.ends_pass else at + said.again


def _note_taken(cluster_id: UUID, given: Iterable[Answered], at: datetime) -> None:
    findings = [
        Foreign(
            cluster_id=cluster_id,
            kind=one.step.key[0],
            namespace=one.step.key[1],
            name=one.step.key[2],
            uid=one.taken.uid,
            mark=one.taken.mark[:63],
            reason="unlisted",
            first_seen_at=at,
        )
        for one in given
        if one.taken is not None
    ]
    Foreign.objects.bulk_create(findings, ignore_conflicts=True)
