"""Writes of the room: asking for a pass, making one, deciding about what others changed or left."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from clusters.applying import leases, looking, reconciling, withdrawing
from clusters.applying.findings import note_findings
from clusters.applying.models import AppliedObject, Decision, Foreign, Reason, State, WriteLease
from clusters.applying.reconciling import Report
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core import clock, errors
from portal.core.actors import SYSTEM, Actor
from portal.jobs import services as jobs
from portal.jobs.models import Job


def ask(*, clusters: Iterable[UUID], because: str) -> None:
    """Have what is wanted in these clusters made true soon. In the caller's transaction."""
    wanted = sorted(set(clusters))
    with transaction.atomic():
        reconciling.note_asked(clusters=wanted, because=because, at=clock.now())
        for one in wanted:
            jobs.enqueue("clusters.applying.reconcile", key=str(one), by=SYSTEM, cluster_id=str(one))


def reconcile(*, cluster_id: UUID, at: datetime, owner: str, alive: Callable[[], None] | None = None) -> Report:
    """Make what is wanted true in one cluster. Not to be called inside a transaction."""
    return reconciling.reconcile(cluster_id=cluster_id, at=at, owner=owner, alive=alive, wanted=withdrawing.wanted_in)


def look(*, cluster_id: UUID, at: datetime) -> looking.Looked:
    """Compare what was written with what was read, and ask for a pass where something is to be put back."""
    installation = reconciling.installation_id()
    with transaction.atomic():
        found = looking.look(cluster_id, installation=installation, at=at)
        for row in found.changed:
            if row.for_a_person:
                audit.record("applying.object.hold", by=SYSTEM, on=row.as_subject(), after={"why": row.code})
        note_findings(cluster_id, installation=installation, at=at)
        if found.drifted:
            ask(clusters=[cluster_id], because="drift")
    return found


def restore(*, applied: AppliedObject, by: Actor) -> None:
    """Put back what somebody else changed, although it was held. Raises `Conflict`."""
    with transaction.atomic():
        row = _held(applied)
        row.code, row.text, row.due_at, row.drifts = "", "", None, 0
        row.save(update_fields=["code", "text", "due_at", "drifts"])
        audit.record("applying.object.restore", by=by, on=row.as_subject())
        ask(clusters=[row.cluster_id], because="restore")


def accept(*, applied: AppliedObject, by: Actor) -> None:
    """Leave an object as somebody else changed it, until something else is wanted of it. Raises `Conflict`."""
    with transaction.atomic():
        row = _held(applied)
        if not row.uid:
            raise errors.Conflict.one("", _("The object is gone; it can only be put back."))
        row.state, row.code, row.text, row.due_at, row.drifts = State.APPLIED, "accepted", "", None, 0
        row.since = clock.now()
        row.save(update_fields=["state", "code", "text", "due_at", "drifts", "since"])
        audit.record("applying.object.accept", by=by, on=row.as_subject())


def remove_foreign(*, foreign: Foreign, by: Actor, at: datetime) -> Job:
    """Delete an object that claims to be ours and is not. Raises `Conflict`."""
    with transaction.atomic():
        row = _undecided(foreign)
        if row.kind not in ("role_binding", "quota", "limit_range", "network_policy"):
            raise errors.Conflict.one("", _("Paddock may not delete this; a cluster administrator does."))
        _decide(row, Decision.REMOVED, by, at)
        return jobs.enqueue("clusters.applying.remove_foreign", key=str(row.pk), by=by, foreign_id=str(row.pk))


def leave_foreign(*, foreign: Foreign, by: Actor, at: datetime) -> None:
    """Let a foreign object be; it is not told again. Raises `Conflict`."""
    with transaction.atomic():
        _decide(_undecided(foreign), Decision.LEFT, by, at)


def take_over(*, foreign: Foreign, by: Actor, at: datetime) -> AppliedObject:
    """Make an object that a former database or another Paddock wrote one of ours.

    The next pass writes it as it is wanted now, or takes it away where nobody wants it. Raises `Conflict`.
    """
    with transaction.atomic():
        row = _undecided(foreign)
        if row.reason not in (Reason.FORMER, Reason.OTHER):
            raise errors.Conflict.one("", _("Only what a Paddock wrote can be taken over."))
        known, _made = AppliedObject.objects.select_for_update().get_or_create(
            cluster_id=row.cluster_id,
            kind=row.kind,
            namespace=row.namespace,
            name=row.name,
            defaults={
                "source": "applying.take_over",
                "source_id": row.pk,
                "stage": 5,
                "body": {},
                "forced": True,
                "drift": "restore",
                "digest": "",
            },
        )
        if known.uid and known.uid != row.uid:
            raise errors.Conflict.one("", _("Paddock writes another object of this name by now."))
        known.uid, known.adopted, known.state, known.code, known.text = row.uid, True, State.PENDING, "", ""
        known.applied_digest, known.due_at = "", None
        known.save()
        _decide(row, Decision.TAKEN_OVER, by, at)
        ask(clusters=[row.cluster_id], because="take over")
    return known


def resume(*, cluster: Cluster, by: Actor) -> None:
    """Write to a cluster again that was stopped. Raises `Conflict`."""
    with transaction.atomic():
        lease = WriteLease.objects.select_for_update().filter(pk=cluster.pk).exclude(stopped_code="").first()
        if lease is None:
            raise errors.Conflict.one("", _("Writing to this cluster is not stopped."))
        before = lease.stopped_code
        lease.stopped_code, lease.stopped_text, lease.stopped_at, lease.withdrawn = "", "", None, []
        lease.save(update_fields=["stopped_code", "stopped_text", "stopped_at", "withdrawn"])
        audit.record("applying.cluster.resume", by=by, on=cluster.as_subject(), before={"stopped": before})
        ask(clusters=[cluster.pk], because="resume")


def stop(*, cluster: Cluster, by: Actor, at: datetime) -> None:
    """Write nothing more to a cluster until somebody lets it go on. Raises `Conflict`."""
    with transaction.atomic():
        if not leases.stop(cluster_id=cluster.pk, code="person", text=_("Stopped by %s.") % by.label, at=at):
            raise errors.Conflict.one("", _("Writing to this cluster is stopped already."))
        audit.record("applying.cluster.stop", by=by, on=cluster.as_subject(), after={"stopped": "person"})


def withdraw(*, cluster_id: UUID, project_id: UUID | None, by: Actor, leave: bool) -> Job | None:
    """Take away all that was written for a project in a cluster, or all there, rights last; or leave it and forget it.

    What is wanted there until then is wanted no longer: whoever calls this has seen to that, or writing is stopped
    for the whole cluster. None where it is left.
    """
    with transaction.atomic():
        cluster = Cluster.objects.get(pk=cluster_id)
        found = AppliedObject.objects.filter(cluster_id=cluster_id)
        if project_id is not None:
            found = found.filter(project_id=project_id)
        counted = found.count()
        kind = "applying.object.leave" if leave else "applying.object.remove"
        audit.record(kind, by=by, on=cluster.as_subject(), after={"objects": counted, "project": str(project_id or "")})
        if leave:
            found.delete()
            return None
        withdrawing.note(cluster_id, project_id)
        ask(clusters=[cluster_id], because="withdraw")
        return Job.objects.open().get(kind="clusters.applying.reconcile", key=str(cluster_id))


def _held(applied: AppliedObject) -> AppliedObject:
    row = AppliedObject.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=applied.pk)
    if not row.for_a_person:
        raise errors.Conflict.one("", _("Nothing about this object waits for a decision."))
    return row


def _undecided(foreign: Foreign) -> Foreign:
    row = Foreign.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=foreign.pk)
    if row.decision:
        raise errors.Conflict.one("", _("Somebody has decided about this object already."))
    return row


def _decide(row: Foreign, decision: Decision, by: Actor, at: datetime) -> None:
    row.decision, row.decided_at, row.decided_by = decision, at, by.label
    row.save(update_fields=["decision", "decided_at", "decided_by"])
    kinds = {
        Decision.REMOVED: "applying.foreign.remove",
        Decision.LEFT: "applying.foreign.leave",
        Decision.TAKEN_OVER: "applying.foreign.take_over",
    }
    audit.record(kinds[decision], by=by, on=row.as_subject(), after={"reason": row.reason})
