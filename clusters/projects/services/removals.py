"""Deleting namespaces: asked for by a person or by an end, carried out in the cluster, by uid alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clusters.inventory.models import Namespace
from clusters.kube import errors as kube
from clusters.kube import reactor, writing, writing_errors
from clusters.kube.conversation import Conversation, Outcome
from clusters.kube.objects.table import NAMESPACE
from clusters.kube.writing import Deleted, Precondition, Target
from clusters.projects import writers
from clusters.projects.models import NamespaceRemoval, NamespaceTenure, Project, RemovalState
from clusters.projects.services.holdings import Key
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor
from portal.jobs import services as jobs

DEADLINE = 60.0
# After this long in Terminating the page says what holds a namespace up.
STUCK_AFTER = timedelta(minutes=5)
OPEN = (RemovalState.WANTED, RemovalState.SENT)


def ask(*, project: Project, keys: Sequence[Key], by: Actor, at: datetime) -> list[NamespaceRemoval]:
    """Have namespaces of the project deleted with all that is in them; what they cost stays with the project.

    Asking again for one that could not be deleted tries again. Raises `Conflict` at "namespaces" for those that the
    project does not hold.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        held = {
            (row.cluster_id, row.namespace_uid): row
            for row in NamespaceTenure.objects.of(keys).current().filter(project=project).select_related("cluster")
        }
        if missing := [key[1] for key in keys if key not in held]:
            raise errors.Conflict.one("namespaces", _("Not in this project: %s.") % ", ".join(missing))
        found = []
        for key in sorted(set(keys)):
            row = _ask_one(project, held[key], by, at)
            if row is not None:
                found.append(row)
        _enqueue({row.cluster_id for row in found}, by)
    return found


def is_under_way(key: Key) -> bool:
    """Tell whether the namespace is to be deleted."""
    return NamespaceRemoval.objects.filter(cluster_id=key[0], namespace_uid=key[1], state__in=OPEN).exists()


def carry_out(*, cluster_id: UUID, at: datetime) -> dict[str, int]:
    """Send what is wanted in one cluster. What cannot be reached stays wanted; run twice it changes nothing."""
    rows = list(NamespaceRemoval.objects.filter(cluster_id=cluster_id, state=RemovalState.WANTED).order_by("asked_at"))
    if not rows:
        return {"sent": 0}
    connection = writers.connection(cluster_id, at)
    if connection is None:
        _note_wait(rows, _("Paddock may not write to this cluster now."))
        return {"sent": 0, "waiting": len(rows)}
    talks: dict[str, Conversation[Deleted]] = {
        str(row.pk): writing.delete(Target.of(NAMESPACE, row.name), only_if=Precondition(uid=row.namespace_uid))
        for row in rows
    }
    outcomes = reactor.run(connection, talks, deadline=DEADLINE, allow_loopback=settings.ALLOW_LOOPBACK)
    done = {"sent": 0, "gone": 0, "failed": 0, "waiting": 0}
    for row in rows:
        done[_settle(row, outcomes[str(row.pk)], at)] += 1
    return done


def follow(*, at: datetime) -> int:
    """Note which namespaces are gone by now, and send again what waits for its cluster. Returns how many are gone."""
    gone = 0
    for row in NamespaceRemoval.objects.filter(state__in=OPEN)[:1000]:
        there = Namespace.objects.filter(cluster_id=row.cluster_id, uid=row.namespace_uid)
        if there.filter(gone_at__isnull=False).exists():
            gone += NamespaceRemoval.objects.filter(pk=row.pk).update(state=RemovalState.GONE, text="")
    _enqueue(set(_waiting().values_list("cluster_id", flat=True)), SYSTEM)
    return gone


def _waiting() -> QuerySet[NamespaceRemoval]:
    return NamespaceRemoval.objects.filter(state=RemovalState.WANTED, cluster__state="attached")


def _ask_one(project: Project, held: NamespaceTenure, by: Actor, at: datetime) -> NamespaceRemoval | None:
    key: dict[str, Any] = {"cluster_id": held.cluster_id, "namespace_uid": held.namespace_uid}
    known = NamespaceRemoval.objects.select_for_update(of=("self",)).filter(**key).first()
    if known is not None and known.state != RemovalState.FAILED:
        return None
    values: dict[str, Any] = {
        "project": project,
        "name": held.namespace_name,
        "state": RemovalState.WANTED,
        "text": "",
        "asked_by": by.label,
        "asked_at": at,
    }
    row, _made = NamespaceRemoval.objects.update_or_create(**key, defaults=values)
    before = {"namespace": f"{held.cluster.name}/{held.namespace_name}", "uid": held.namespace_uid}
    audit.record("projects.namespace.delete", by=by, on=project.as_subject(), before=before)
    return row


def _settle(row: NamespaceRemoval, outcome: Outcome[Deleted], at: datetime) -> str:
    if outcome.value is not None:
        state, text = (RemovalState.GONE if outcome.value.gone else RemovalState.SENT), ""
    elif isinstance(outcome.error, writing_errors.Missing | writing_errors.Stale):
        # It is gone, or another one stands under its name: that one is nobody's business here.
        state, text = RemovalState.GONE, ""
    elif isinstance(outcome.error, writing_errors.NotAllowed):
        state, text = RemovalState.FAILED, _("The cluster does not let Paddock delete namespaces.")
    elif isinstance(outcome.error, kube.KubeError):
        _note_wait([row], outcome.error.text)
        return "waiting"
    elif outcome.error is not None:
        raise outcome.error
    NamespaceRemoval.objects.filter(pk=row.pk, state=RemovalState.WANTED).update(state=state, text=text, sent_at=at)
    return {"gone": "gone", "sent": "sent", "failed": "failed"}[state]


def _note_wait(rows: Iterable[NamespaceRemoval], text: str) -> None:
    NamespaceRemoval.objects.filter(pk__in=[row.pk for row in rows], state=RemovalState.WANTED).update(text=text[:300])


def _enqueue(clusters: Iterable[UUID], by: Actor) -> None:
    for cluster in sorted(clusters):
        jobs.enqueue("clusters.projects.remove_namespaces", key=str(cluster), by=by, cluster_id=str(cluster))
