"""Putting namespaces into projects, moving them and letting them go: several at once, all or none.

A namespace is named by (cluster id, uid). The dated rows are the truth; the columns of the inventory that pages
filter by are written beside them in the same transaction. Exclusion constraints decide between two at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.applying import services as applying
from clusters.inventory import services as inventory
from clusters.inventory.models import Namespace
from clusters.projects import selectors
from clusters.projects import since as begins
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, span
from clusters.projects.since import Past, Since
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.audit import services as audit
from portal.core import errors, periods
from portal.core.actors import Actor
from portal.jobs import services as jobs

Key = tuple[UUID, str]


@dataclass(frozen=True)
class _Fact:
    """A namespace as the inventory knows it."""

    name: str
    cluster: str
    first_seen: datetime

    @property
    def label(self) -> str:
        return f"{self.cluster}/{self.name}"


def assign(
    *,
    project: Project,
    namespaces: Sequence[Key],
    by: Actor,
    at: datetime,
    since: Since = "first_seen",
    reason: str = "",
) -> list[NamespaceTenure]:
    """Put namespaces without project into one.

    Raises `Refused` (a namespace that is not known, a bad `since`) and `Conflict` naming those that are held.
    """
    keys = _in_order(namespaces)
    with transaction.atomic():
        _lock_standing(project)
        facts = _facts(keys)
        begun = [(key, _assigned_from(key, facts[key], since, at)) for key in keys]
        rows = _insert(project, begun, facts, reason)
        for key, start in begun:
            _record("projects.namespace.assign", project, facts[key], by, after={"from": start.isoformat()})
        _hold(keys, project)
        _ask_clusters(keys)
        _tell_billing(begun, at, by)
    return rows


def move(
    *,
    source: Project,
    target: Project,
    namespaces: Sequence[Key],
    by: Actor,
    at: datetime,
    since: Since = "now",
    reason: str = "",
) -> list[NamespaceTenure]:
    """Move namespaces from one project to another; the hour of the change is split by the second.

    Raises `Refused` (a bad `since`) and `Conflict` naming those that `source` does not hold.
    """
    if source.pk == target.pk:
        raise errors.Refused.one("project", _("The namespaces are in this project already."))
    keys = _in_order(namespaces)
    with transaction.atomic():
        _lock_standing(*sorted((source, target), key=lambda project: project.pk))
        held = _held_by(source, keys)
        ended = [(key, _end(held[key], since, at)) for key in keys]
        facts = _facts_of_rows(held)
        rows = _insert(target, ended, facts, reason)
        for key, start in ended:
            # One event for each side: neither project's owners read the other's name.
            gone, come = {"project": source.slug, "until": start}, {"project": target.slug, "from": start}
            _record("projects.namespace.move", source, facts[key], by, before=gone)
            _record("projects.namespace.move", target, facts[key], by, after=come)
        _hold(keys, target)
        _ask_clusters(keys)
        _tell_billing(ended, at, by)
    return rows


def release(*, project: Project, namespaces: Sequence[Key], by: Actor, at: datetime, since: Since = "now") -> list[Key]:
    """Let namespaces go; they are without project from then on. Raises `Refused` and `Conflict` as `move` does."""
    keys = _in_order(namespaces)
    with transaction.atomic():
        _lock(project)
        held = _held_by(project, keys)
        ended = [(key, _end(held[key], since, at)) for key in keys]
        facts = _facts_of_rows(held)
        for key, end in ended:
            _record("projects.namespace.release", project, facts[key], by, before={"until": end.isoformat()})
        _hold(keys, None)
        _ask_clusters(keys)
        _tell_billing(ended, at, by)
    return keys


def assign_suggested(*, person: Person, namespaces: Sequence[Key], by: Actor, at: datetime) -> list[NamespaceTenure]:
    """Put each namespace without project into the one that is suggested for it: all of them, or none.

    Raises `Refused` at "namespaces" for those for which no project is suggested on which the person may assign.
    """
    keys = _in_order(namespaces)
    rows = Namespace.objects.filter(uid__in=[uid for _cluster, uid in keys]).values(
        "cluster_id", "uid", "name", "labels", "rancher_project"
    )
    choices = selectors.choices_for(person, Permission.PROJECT_ASSIGN)
    hints = selectors.suggested([dict(row) for row in rows if (row["cluster_id"], row["uid"]) in set(keys)], choices)
    by_project: dict[UUID, list[Key]] = {}
    for key in keys:
        hint = hints.get(key)
        if hint is None or hint.project is None:
            raise errors.Refused.one("namespaces", _("No project is suggested for one of them. Choose one yourself."))
        by_project.setdefault(hint.project.id, []).append(key)
    with transaction.atomic():
        return [
            row
            for project in Project.objects.filter(pk__in=by_project).order_by("pk")
            for row in assign(project=project, namespaces=by_project[project.pk], by=by, at=at)
        ]


def take_made(*, project: Project, cluster: Cluster, uid: str, name: str, by: Actor, at: datetime) -> NamespaceTenure:
    """Hold a namespace that was just made for the project; the inventory may not have read it yet.

    A project that was closed meanwhile holds it too: somebody has to, until it is released.
    """
    key, fact = (cluster.pk, uid), _Fact(name, cluster.name, at)
    rows = _insert(project, [(key, at)], {key: fact}, "")
    _record("projects.namespace.assign", project, fact, by, after={"from": at.isoformat()})
    _hold([key], project)
    return rows[0]


def _in_order(namespaces: Iterable[Key]) -> list[Key]:
    # One order for everybody who locks several: two changes at once wait for each other instead of deadlocking.
    keys = sorted(set(namespaces))
    if not keys:
        raise errors.Refused.one("namespaces", _("Choose at least one namespace."))
    return keys


def _lock(*projects: Project) -> list[Project]:
    return [Project.objects.select_for_update().get(pk=project.pk) for project in projects]


def _lock_standing(*projects: Project) -> None:
    for project in _lock(*projects):
        if project.ended_at is not None:
            raise errors.Conflict.one("project", _("The project %s is closed.") % project.name)


def _facts(keys: Sequence[Key]) -> dict[Key, _Fact]:
    found: dict[Key, _Fact] = {}
    for cluster_id in {cluster for cluster, _uid in keys}:
        uids = [uid for cluster, uid in keys if cluster == cluster_id]
        rows = Namespace.objects.filter(cluster_id=cluster_id, uid__in=uids).select_related("cluster")
        for row in rows:
            seen = min(row.created_at or row.observed_at, row.observed_at)
            found[(cluster_id, row.uid)] = _Fact(row.name, row.cluster.name, seen)
    if missing := [key[1] for key in keys if key not in found]:
        raise errors.Refused.one("namespaces", _("Not known: %s.") % ", ".join(missing))
    return found


def _facts_of_rows(held: dict[Key, NamespaceTenure]) -> dict[Key, _Fact]:
    return {key: _Fact(row.namespace_name, row.cluster.name, row.begins_at) for key, row in held.items()}


def _assigned_from(key: Key, fact: _Fact, since: Since, at: datetime) -> datetime:
    last = NamespaceTenure.objects.of([key]).select_related("project").order_by("-period").first()
    if last is not None and (last.period.upper is None or last.period.upper > at):
        raise errors.Conflict.one(
            "namespaces",
            _("%(namespace)s is in the project %(project)s already.")
            % {"namespace": fact.label, "project": last.project.name},
        )
    past = Past(fact.first_seen, last.period.upper if last is not None else None)
    return begins.of_assignment(since, past, at=at, month_start=_month_start(at))


def _held_by(project: Project, keys: Sequence[Key]) -> dict[Key, NamespaceTenure]:
    rows = (
        NamespaceTenure.objects.of(keys)
        .current()
        .filter(project=project)
        .select_related("cluster")
        .select_for_update(of=("self",))
        .order_by("id")
    )
    held = {(row.cluster_id, row.namespace_uid): row for row in rows}
    if missing := [key[1] for key in keys if key not in held]:
        raise errors.Conflict.one(
            "namespaces",
            _("Not in the project %(project)s: %(uids)s.") % {"project": project.name, "uids": ", ".join(missing)},
        )
    return held


def _end(row: NamespaceTenure, since: Since, at: datetime) -> datetime:
    begun = row.begins_at
    end = begins.of_change(since, begun, at=at, month_start=_month_start(at))
    if end <= begun:
        row.delete()  # a span of no length; the audit tells of it
        return begun
    row.period = span(begun, end)
    row.save(update_fields=["period"])
    return end


def _insert(
    project: Project, begun: Sequence[tuple[Key, datetime]], facts: dict[Key, _Fact], reason: str
) -> list[NamespaceTenure]:
    rows = [
        NamespaceTenure(
            project=project,
            cluster_id=key[0],
            namespace_uid=key[1],
            namespace_name=facts[key].name,
            period=span(start, None),
            reason=reason,
        )
        for key, start in begun
    ]
    try:
        with transaction.atomic():
            return NamespaceTenure.objects.bulk_create(rows)
    except IntegrityError:
        raise errors.Conflict.one(
            "namespaces", _("Somebody else put one of these namespaces into a project a moment ago.")
        ) from None


def _hold(keys: Sequence[Key], project: Project | None) -> None:
    team_id = (
        ProjectTenure.objects.current().filter(project=project).values_list("team_id", flat=True).first()
        if project
        else None
    )
    for cluster_id, uid in keys:
        inventory.hold_namespace(
            cluster_id=cluster_id,
            namespace_uid=uid,
            team_id=team_id,
            project_id=project.pk if project else None,
        )


def _ask_clusters(keys: Sequence[Key]) -> None:
    """Who works in them, and what bounds them, is another project's business from now on."""
    clusters = {cluster for cluster, _uid in keys}
    attached = Cluster.objects.attached().filter(pk__in=clusters).values_list("pk", flat=True)
    applying.ask(clusters=sorted(attached), because="namespaces")


def _record(kind: str, project: Project, fact: _Fact, by: Actor, **change: dict[str, Any]) -> None:
    named = {"namespace": fact.label}
    before, after = change.get("before"), change.get("after")
    audit.record(
        kind,
        by=by,
        on=project.as_subject(),
        before={**named, **before} if before is not None else None,
        after={**named, **after} if after is not None else None,
    )


def _month_start(at: datetime) -> datetime:
    return periods.month_start(at, ZoneInfo(settings.BILLING_TIME_ZONE))


def _tell_billing(changed: Sequence[tuple[Key, datetime]], at: datetime, by: Actor) -> None:
    """Have the hours counted again that an owner was changed in afterwards; the running hour is counted anyway."""
    running = periods.floor_hour(at)
    earliest: dict[UUID, datetime] = {}
    for (cluster_id, _uid), start in changed:
        earliest[cluster_id] = min(start, earliest.get(cluster_id, start))
    for cluster_id, start in earliest.items():
        if start < running:
            span: dict[str, Any] = {"start": periods.floor_hour(start).isoformat(), "end": running.isoformat()}
            jobs.enqueue(
                "billing.ledger.close_hour",
                # Each change is a job of its own: one that is running already may have read the owners before it.
                key=f"{cluster_id} owners {uuid4()}",
                by=by,
                cluster_id=str(cluster_id),
                **span,
            )
