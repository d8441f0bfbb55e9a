"""Namespaces to be made: several clusters in one step, all wishes kept or none; what the cluster said settles them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.applying import services as applying
from clusters.inventory.models import Namespace
from clusters.projects import wanting
from clusters.projects.models import NamespaceTerm, NamespaceWish, Project, WishState
from clusters.projects.services import holdings, projects
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


@dataclass(frozen=True)
class Wanted:
    """A namespace that shall be made. `delete_then`: at its end it is deleted without another question."""

    cluster_id: UUID
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    delete_then: bool = False


def create(*, project: Project, wanted: Sequence[Wanted], by: Actor, at: datetime) -> list[NamespaceWish]:
    """Wish for namespaces: all of them, or none. Their clusters are asked on commit.

    Raises `Refused` at "names", "labels", "clusters" or "ends_at", and `Conflict` at "names" for names that are there
    already, each with its cluster: a name that exists elsewhere is another namespace, and is free here.
    """
    clusters = _demand_well_formed(wanted, at)
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        if locked.ended_at is not None:
            raise errors.Conflict.one("", _("This project is closed."))
        projects.demand_by_hand(locked)
        _demand_free(wanted, clusters)
        rows = [_wish(locked, one, by, at) for one in wanted]
        try:
            with transaction.atomic():
                NamespaceWish.objects.bulk_create(rows)
        except IntegrityError:
            raise errors.Conflict.one("names", _("Somebody else asked for one of these a moment ago.")) from None
        for row in rows:
            label = f"{clusters[row.cluster_id].name}/{row.name}"
            after = {"namespace": label, "labels": row.labels, "ends_at": row.ends_at}
            audit.record("projects.namespace.create", by=by, on=locked.as_subject(), after=after)
        applying.ask(clusters=sorted({row.cluster_id for row in rows}), because="namespaces")
    return rows


def withdraw(*, wish: NamespaceWish, by: Actor, at: datetime) -> NamespaceWish:
    """Take a wish back that the cluster has not carried out. Raises `Conflict`."""
    with transaction.atomic():
        locked = NamespaceWish.objects.select_for_update(of=("self",)).select_related("project").get(pk=wish.pk)
        if locked.state == WishState.MADE:
            raise errors.Conflict.one("", _("The namespace was made meanwhile."))
        if locked.state == WishState.WITHDRAWN:
            raise errors.Conflict.one("", _("This was withdrawn already."))
        locked.state, locked.settled_at = WishState.WITHDRAWN, at
        locked.save(update_fields=["state", "settled_at"])
        subject = locked.project.as_subject()
        audit.record("projects.namespace.withdraw", by=by, on=subject, before={"namespace": locked.name})
        applying.ask(clusters=[locked.cluster_id], because="namespaces")
    return locked


def note_made(*, wish: NamespaceWish, uid: str, by: Actor, at: datetime) -> bool:
    """Hold the namespace that the cluster has made for a wish; False where the wish was settled meanwhile.

    Called with the uid of the cluster's own answer: a namespace that somebody else made is never taken in like this.
    """
    with transaction.atomic():
        rows = NamespaceWish.objects.select_for_update(of=("self",)).select_related("project", "cluster")
        row = rows.filter(pk=wish.pk, state=WishState.WANTED).first()
        if row is None:
            return False
        row.state, row.made_uid, row.settled_at = WishState.MADE, uid, at
        row.save(update_fields=["state", "made_uid", "settled_at"])
        holdings.take_made(project=row.project, cluster=row.cluster, uid=uid, name=row.name, by=by, at=at)
        if row.ends_at is not None:
            NamespaceTerm.objects.update_or_create(
                cluster=row.cluster,
                namespace_uid=uid,
                defaults={
                    "ends_at": row.ends_at,
                    "delete_then": row.delete_then,
                    "set_by": row.created_by,
                    "set_at": at,
                },
            )
        applying.ask(clusters=[row.cluster_id], because="namespaces")
    return True


def note_failed(*, wish: NamespaceWish, text: str, at: datetime) -> bool:
    """Keep why a wish cannot be carried out; it is not tried again by itself."""
    found = NamespaceWish.objects.filter(pk=wish.pk, state=WishState.WANTED)
    return bool(found.update(state=WishState.FAILED, text=text[:300], settled_at=at))


def taken(pairs: Sequence[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Return those of (cluster, name) that are there now or wished for, by what was last read."""
    clusters, names = {cluster for cluster, _name in pairs}, {name for _cluster, name in pairs}
    there = Namespace.objects.filter(cluster_id__in=clusters, name__in=names, gone_at=None)
    wished = NamespaceWish.objects.filter(cluster_id__in=clusters, name__in=names, state=WishState.WANTED)
    found = {*there.values_list("cluster_id", "name"), *wished.values_list("cluster_id", "name")}
    return found & set(pairs)


def _wish(project: Project, one: Wanted, by: Actor, at: datetime) -> NamespaceWish:
    return NamespaceWish(
        project=project,
        cluster_id=one.cluster_id,
        name=one.name,
        labels=dict(one.labels),
        ends_at=one.ends_at,
        delete_then=one.delete_then,
        created_by=by.label,
        created_at=at,
    )


def _demand_well_formed(wanted: Sequence[Wanted], at: datetime) -> dict[UUID, Cluster]:
    found: dict[str, list[str]] = {}
    names = list(dict.fromkeys(one.name for one in wanted))
    clusters = {row.pk: row for row in Cluster.objects.attached().filter(pk__in={one.cluster_id for one in wanted})}
    if not names:
        found["names"] = [_("Name at least one namespace.")]
    if len(names) > wanting.MOST_NAMES:
        found["names"] = [_("At most %d names at once.") % wanting.MOST_NAMES]
    elif wrong := [text for name in names if (text := wanting.wrong_name(name))]:
        found["names"] = wrong
    if any(one.cluster_id not in clusters for one in wanted):
        found["clusters"] = [_("At least one of the clusters is not attached.")]
    if len(clusters) > wanting.MOST_CLUSTERS:
        found["clusters"] = [_("At most %d clusters at once.") % wanting.MOST_CLUSTERS]
    if wrong := sorted({text for one in wanted for text in wanting.wrong_labels(one.labels)}):
        found["labels"] = wrong
    if any(one.ends_at is not None and one.ends_at <= at for one in wanted):
        found["ends_at"] = [_("The end lies in the past.")]
    if found:
        raise errors.Refused(found)
    return clusters


def _demand_free(wanted: Sequence[Wanted], clusters: Mapping[UUID, Cluster]) -> None:
    pairs = [(one.cluster_id, one.name) for one in wanted]
    if len(set(pairs)) < len(pairs):
        raise errors.Refused.one("names", _("A name is given twice for one cluster."))
    if there := sorted(taken(pairs), key=lambda pair: (clusters[pair[0]].name, pair[1])):
        texts = [_("%s is there already.") % f"{clusters[cluster].name}/{name}" for cluster, name in there]
        raise errors.Conflict({"names": [*texts, _("Leave it out, or put it into the project instead.")]})
