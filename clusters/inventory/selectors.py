"""Reads over clusters, streams and objects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import zstandard
from django.db.models import F, Q, Sum

from clusters.inventory.models import Lease, Namespace, Node, ObjectBody, Pod, Stream, Workload
from clusters.inventory.models.observed import Observed
from clusters.inventory.models.sync import StreamState
from clusters.kube.errors import Forbidden
from clusters.kube.objects.table import KINDS
from clusters.registry.models import Cluster
from clusters.registry.models import State as ClusterState
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core.listing import Health, Missing

# The kinds whose age bounds what can be charged.
CHARGED_KINDS = ("pod", "node", "volume", "volume_claim", "service", "namespace")
# Nothing larger is unpacked for a page; a cluster's own store refuses objects above some 1.5 MB.
BODY_BYTES = 16 * 1024 * 1024
# A kind the rights do not show is not out of date, unless Paddock cannot do without it.
UNSEEN = Q(state=StreamState.DENIED, code=Forbidden.code) & ~Q(kind__in=[kind.name for kind in KINDS if kind.essential])


def attached(cluster_id: str | UUID) -> Cluster | None:
    """Return an attached cluster."""
    return Cluster.objects.attached().filter(pk=cluster_id).first()


def clusters_due(at: datetime) -> list[UUID]:
    """Return the attached clusters that nobody reads and that are due, most overdue first."""
    resting = Lease.objects.filter(Q(until__gte=at) | Q(due_at__gt=at)).values("cluster_id")
    due = Cluster.objects.attached().exclude(pk__in=resting).values_list("pk", flat=True)
    passed = dict(Lease.objects.values_list("cluster_id", "passed_at"))
    never = datetime.min.replace(tzinfo=at.tzinfo)
    return sorted(due, key=lambda pk: (passed.get(pk) or never, str(pk)))


def freshness(cluster_ids: Iterable[UUID]) -> dict[UUID, datetime | None]:
    """Return per cluster the instant up to which everything charged is known, None where it is not yet."""
    confirmed: dict[UUID, list[datetime]] = {cluster_id: [] for cluster_id in cluster_ids}
    rows = Stream.objects.filter(cluster_id__in=confirmed, kind__in=CHARGED_KINDS, last_ok_at__isnull=False)
    for cluster_id, last_ok_at in rows.values_list("cluster_id", "last_ok_at"):
        if last_ok_at is not None:
            confirmed[cluster_id].append(last_ok_at)
    return {
        cluster_id: min(found) if len(found) == len(CHARGED_KINDS) else None for cluster_id, found in confirmed.items()
    }


def clusters_of(user: Person) -> list[tuple[str, str]]:
    """Return slug and name of the attached clusters in which the person sees something.

    A page asks twice, for a filter and for the age of its rows: the answer is kept with the person, who lives for one
    request.
    """
    kept: list[tuple[str, str]] | None = user.__dict__.get("_clusters_seen")
    if kept is None:
        kept = user.__dict__["_clusters_seen"] = _clusters_of(user)
    return kept


def _clusters_of(user: Person) -> list[tuple[str, str]]:
    found = Cluster.objects.attached()
    scopes = user.scopes_for(Permission.INVENTORY_VIEW)
    if not scopes.everything:
        held = Namespace.objects.visible_to(user).filter(gone_at=None).values("cluster_id")
        found = found.filter(Q(pk__in=held) | Q(pk__in=scopes.clusters))
    return list(found.order_by("name").values_list("slug", "name"))


def health(user: Person, kinds: Sequence[str], *, slug: str | None, stale_after: timedelta) -> Health:
    """Return how old the rows of these kinds are over the clusters the person sees, and which do not answer."""
    slugs = [slug] if slug else [found for found, _name in clusters_of(user)]
    rows = Stream.objects.filter(
        cluster__slug__in=slugs, cluster__state=ClusterState.ATTACHED, kind__in=kinds
    ).values_list("cluster__name", "state", "last_ok_at", "text")
    oldest: dict[str, datetime | None] = {}
    missing: dict[str, Missing] = {}
    for name, state, last_ok_at, text in rows.order_by("cluster__name", "kind"):
        if state == StreamState.OK:
            oldest[name] = min(filter(None, [oldest.get(name), last_ok_at]), default=None)
        elif name not in missing:
            missing[name] = Missing(name, last_ok_at, text or StreamState(state).label)
    known = [instant for instant in oldest.values() if instant is not None]
    return Health(
        data_at=min(known, default=None),
        total=len({*oldest, *missing}),
        missing=list(missing.values()),
        stale_after=stale_after,
    )


@dataclass(frozen=True)
class StreamLine:
    """One kind of one cluster as its page shows it."""

    stream: Stream
    kind: str

    @property
    def is_held(self) -> bool:
        """Deletions wait for a person, who has not decided yet."""
        return self.stream.state == StreamState.HELD and not self.stream.release_asked

    @property
    def is_unseen(self) -> bool:
        """The server answered, and the credential has no right to this kind."""
        return self.stream.state == StreamState.DENIED and self.stream.code == Forbidden.code


def streams_of(cluster: Cluster) -> list[StreamLine]:
    """Return the kinds of a cluster in the order in which they are read."""
    found = {stream.kind: stream for stream in Stream.objects.filter(cluster=cluster)}
    return [StreamLine(found[kind.name], kind.kubernetes_kind) for kind in KINDS if kind.name in found]


@dataclass(frozen=True)
class Fleet:
    """How the sync of one cluster stands: `troubled` are its kinds that are not up to date."""

    slug: str
    name: str
    data_at: datetime | None
    passed_at: datetime | None
    troubled: int


def unseen_kinds(cluster: Cluster) -> list[str]:
    """Return the kinds (as Kubernetes calls them) that the cluster's rights do not show, in the order of reading.

    Not empty, the cluster's rights are outdated: its manifest is from before Paddock read these kinds.
    """
    return [line.kind for line in streams_of(cluster) if line.is_unseen]


def fleet(user: Person) -> list[Fleet]:
    """Return the sync of every attached cluster the person may see, the worst first."""
    clusters = list(Cluster.objects.visible_to(user).attached().order_by("name"))
    fresh = freshness([cluster.pk for cluster in clusters])
    passed = dict(Lease.objects.filter(cluster__in=clusters).values_list("cluster_id", "passed_at"))
    troubled: dict[UUID, int] = {}
    streams = Stream.objects.filter(cluster__in=clusters).exclude(state=StreamState.OK).exclude(UNSEEN)
    for cluster_id in streams.values_list("cluster_id", flat=True):
        troubled[cluster_id] = troubled.get(cluster_id, 0) + 1
    lines = [Fleet(one.slug, one.name, fresh[one.pk], passed.get(one.pk), troubled.get(one.pk, 0)) for one in clusters]
    return sorted(lines, key=lambda line: (-line.troubled, line.name))


def pods_of(workload: Workload) -> Q:
    """Return the condition of a workload's pods: those of its ReplicaSets and Jobs included."""
    inside = Q(cluster_id=workload.cluster_id, namespace_id=workload.namespace_id)
    direct = Q(owner_uid=workload.uid)
    return inside & (direct | Q(workload_kind=workload.kind, workload_name=workload.name))


def owner_of(workload_or_pod: Workload | Pod) -> Workload | None:
    """Return the workload that made this one, None where there is none or it was not read."""
    if not workload_or_pod.owner_uid:
        return None
    # Whoever writes an object writes its owner's uid: one in another namespace would name a stranger's workload.
    place = Q(cluster_id=workload_or_pod.cluster_id, namespace_id=workload_or_pod.namespace_id)
    return Workload.objects.filter(place, uid=workload_or_pod.owner_uid).first()


def top_of(pod: Pod) -> Workload | None:
    """Return the workload people know the pod by."""
    place = Q(cluster_id=pod.cluster_id, namespace_id=pod.namespace_id, gone_at=None)
    return Workload.objects.filter(place, kind=pod.workload_kind, name=pod.workload_name).first()


@dataclass(frozen=True)
class Requested:
    """What the pods on a node reserve; millicores, bytes, pods."""

    cpu_m: int
    memory_bytes: int
    pods: int


def requested_on(node: Node) -> Requested:
    """Add up the pods of a node that have not ended."""
    found = Pod.objects.filter(cluster_id=node.cluster_id, node=node.name, gone_at=None, ended_at=None)
    sums = found.aggregate(cpu=Sum("cpu_m"), memory=Sum("memory_bytes"))
    return Requested(int(sums["cpu"] or 0), int(sums["memory"] or 0), found.count())


def body_of(observed: Observed) -> str:
    """Return the object as indented JSON, "" where it is not kept."""
    packed = (
        ObjectBody.objects.filter(cluster_id=observed.cluster_id, uid=observed.uid)
        .values_list("body", flat=True)
        .first()
    )
    if packed is None:
        return ""
    body = zstandard.ZstdDecompressor().decompress(bytes(packed), max_output_size=BODY_BYTES)
    return msgspec.json.format(body, indent=2).decode()


def confirmed_at(cluster_id: UUID, kinds: Iterable[str]) -> datetime | None:
    """Return when the oldest of these kinds was last confirmed."""
    rows = Stream.objects.filter(cluster_id=cluster_id, kind__in=list(kinds), last_ok_at__isnull=False)
    return rows.order_by(F("last_ok_at")).values_list("last_ok_at", flat=True).first()
