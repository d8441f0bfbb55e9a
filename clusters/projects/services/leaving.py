"""A project leaves: its namespaces are released or deleted, its cost and history stay, then it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from clusters.applying.models import AppliedObject
from clusters.inventory.models import Namespace, VolumeClaim, Workload
from clusters.projects.models import (
    NamespaceRemoval,
    NamespaceTenure,
    NamespaceWish,
    Offboarding,
    Project,
    RemovalState,
    WishState,
)
from clusters.projects.services import holdings, projects, removals
from clusters.projects.services.holdings import Key
from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding
from portal.audit import services as audit
from portal.core import errors, parts
from portal.core.actors import SYSTEM, Actor

Choice = Literal["release", "delete"]


@dataclass(frozen=True)
class Left:
    """A namespace of a leaving project. `removal` is how its deletion stands, "" where none was asked for."""

    key: Key
    name: str
    cluster: str
    there: bool
    workloads: int
    claims: int
    objects: int
    removal: str
    text: str

    @property
    def pick(self) -> str:
        """What a form carries of it."""
        return f"{self.key[0]}/{self.key[1]}"

    @property
    def tone(self) -> parts.Tone:
        """The tone of `word`."""
        if not self.there or self.removal == RemovalState.GONE:
            return "unknown"
        return {"": "ok", "wanted": "attention", "sent": "busy", "failed": "broken"}[self.removal]  # type: ignore[return-value]

    @property
    def word(self) -> str:
        """How it stands, for people."""
        if not self.there or self.removal == RemovalState.GONE:
            return _("Gone")
        return str(RemovalState(self.removal).label) if self.removal else _("There")


@dataclass(frozen=True)
class Leaving:
    """What a project takes along, and what is left where."""

    namespaces: Sequence[Left]
    members: int
    wishes: int
    # Objects that Paddock still keeps in clusters for it.
    objects: int

    @property
    def live(self) -> int:
        """How many of the namespaces are there now."""
        return sum(one.there for one in self.namespaces)


def effect(project: Project, at: datetime) -> Leaving:
    """Return what offboarding the project touches, by what was last read."""
    held = list(
        NamespaceTenure.objects.current()
        .filter(project=project)
        .select_related("cluster")
        .order_by("cluster__name", "namespace_name", "pk")
    )
    uids = [row.namespace_uid for row in held]
    there = {(row.cluster_id, row.uid): row for row in Namespace.objects.filter(uid__in=uids, gone_at=None)}
    ids = [row.pk for row in there.values()]
    workloads, claims = _counted(Workload, ids), _counted(VolumeClaim, ids)
    objects = dict(
        AppliedObject.objects.filter(project_id=project.pk)
        .order_by()
        .values_list("namespace_uid")
        .annotate(n=Count("pk"))
    )
    known = {(row.cluster_id, row.namespace_uid): row for row in NamespaceRemoval.objects.filter(project=project)}
    found = []
    for row in held:
        key = (row.cluster_id, row.namespace_uid)
        live, removal = there.get(key), known.get(key)
        found.append(
            Left(
                key=key,
                name=row.namespace_name,
                cluster=row.cluster.name,
                there=live is not None,
                workloads=workloads.get(live.pk, 0) if live else 0,
                claims=claims.get(live.pk, 0) if live else 0,
                objects=objects.get(row.namespace_uid, 0),
                removal=removal.state if removal else "",
                text=removal.text if removal else "",
            )
        )
    return Leaving(
        namespaces=found,
        members=Binding.objects.in_force(at).on(ScopeKind.PROJECT.value, project.pk).count(),
        wishes=NamespaceWish.objects.filter(project=project, state=WishState.WANTED).count(),
        objects=sum(objects.values()),
    )


def offboard(*, project: Project, choice: Choice, by: Actor, at: datetime) -> Offboarding:
    """Let a project go. "release": its namespaces stand on, nobody's. "delete": they are deleted, then it is closed.

    Until the last of them is gone the project stays and pays. Raises `Conflict` for one that is closed.
    """
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        if locked.ended_at is not None:
            raise errors.Conflict.one("", _("This project is closed."))
        NamespaceWish.objects.filter(project=locked, state=WishState.WANTED).update(
            state=WishState.WITHDRAWN, settled_at=at
        )
        row, _made = Offboarding.objects.update_or_create(
            project=locked, defaults={"choice": choice, "asked_by": by.label, "asked_at": at, "done_at": None}
        )
        audit.record("projects.project.offboard", by=by, on=locked.as_subject(), after={"namespaces": choice})
        keys, gone = _keys(locked)
        if choice == "delete" and len(keys) > len(gone):
            removals.ask(project=locked, keys=[key for key in keys if key not in gone], by=by, at=at)
        else:
            _close(row, keys, by=by, at=at)
    return row


def finish(*, at: datetime) -> int:
    """Close the projects whose last namespace is gone. Returns how many."""
    done = 0
    for pk in Offboarding.objects.filter(done_at=None).values_list("pk", flat=True):
        with transaction.atomic():
            row = Offboarding.objects.select_for_update(skip_locked=True).filter(pk=pk, done_at=None).first()
            if row is None:
                continue
            keys, gone = _keys(row.project)
            if gone.issuperset(keys):
                _close(row, keys, by=SYSTEM, at=at)
                done += 1
    return done


def _close(row: Offboarding, keys: Sequence[Key], *, by: Actor, at: datetime) -> None:
    if keys:
        holdings.release(project=row.project, namespaces=keys, by=by, at=at)
    projects.close(project=row.project, by=by, at=at)
    row.done_at = at
    row.save(update_fields=["done_at"])


def _keys(project: Project) -> tuple[list[Key], set[Key]]:
    """What the project holds, and what of it is gone: as observed, or as the cluster said when it was deleted."""
    held = NamespaceTenure.objects.current().filter(project=project)
    keys = list(held.order_by("cluster_id", "namespace_uid").values_list("cluster_id", "namespace_uid"))
    uids = [uid for _cluster, uid in keys]
    seen = Namespace.objects.filter(uid__in=uids, gone_at__isnull=False).values_list("cluster_id", "uid")
    said = NamespaceRemoval.objects.filter(project=project, state=RemovalState.GONE)
    return keys, {*seen, *said.values_list("cluster_id", "namespace_uid")} & set(keys)


def _counted(model: type[Workload] | type[VolumeClaim], namespaces: Sequence[int]) -> dict[int, int]:
    rows = model.objects.filter(namespace_id__in=namespaces, gone_at=None).order_by().values_list("namespace_id")
    return dict(rows.annotate(n=Count("pk")))
