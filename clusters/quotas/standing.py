"""How the namespaces of a project stand: limits, use, need and reach, from what is written down and observed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, Sum

from clusters.inventory import occurred
from clusters.inventory.models import Namespace, Pod, Quota, QuotaHour, Stream, VolumeClaim
from clusters.quotas import refusals, resources, trend
from clusters.quotas.models import QuotaPlan, QuotaShare
from clusters.quotas.pool import Key, Standing
from clusters.registry.models import State as ClusterState

NAME = "paddock"
# A cluster whose quotas were not confirmed for this long is not reached.
REACHED = timedelta(minutes=5)
# How long something that was refused keeps its claim on room.
FRESH = timedelta(minutes=10)
RECENT = timedelta(hours=24)
# Of these every namespace needs a little to run anything at all.
_NEEDED = ("requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "pods", "count/pods")


@dataclass(frozen=True)
class Place:
    """A namespace of the project. `ours` is its ResourceQuota of Paddock, `others` those of its tenants."""

    key: Key
    row_id: int
    name: str
    cluster: str
    reached: bool
    ours: Quota | None
    others: tuple[Quota, ...]
    use: Mapping[str, int]


def places(project_id: UUID, at: datetime) -> list[Place]:
    """Return the live namespaces that the project holds, by cluster and name."""
    held = Namespace.objects.filter(project_id=project_id, gone_at=None).select_related("cluster")
    rows = list(held.order_by("cluster__name", "name", "pk"))
    quotas: dict[int, list[Quota]] = defaultdict(list)
    ids = [row.pk for row in rows]
    for quota in Quota.objects.filter(namespace_id__in=ids, gone_at=None).order_by("name"):
        quotas[quota.namespace_id or 0].append(quota)
    use, reached = used_by(ids), _reached({row.cluster_id for row in rows}, at)
    found = []
    for row in rows:
        mine = next((quota for quota in quotas[row.pk] if quota.name == NAME), None)
        others = tuple(quota for quota in quotas[row.pk] if quota.name != NAME)
        counted = {**use.get(row.pk, {}), **(resources.parse_seen(mine.used) if mine else {})}
        found.append(
            Place(
                key=(row.cluster_id, row.uid),
                row_id=row.pk,
                name=row.name,
                cluster=row.cluster.name,
                reached=row.cluster_id in reached and row.cluster.state == ClusterState.ATTACHED,
                ours=mine,
                others=others,
                use=counted,
            )
        )
    return found


def used_by(namespaces: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return what pods and claims of namespaces ask for, of the resources that the inventory knows."""
    ids = list(namespaces)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    live = Pod.objects.filter(namespace_id__in=ids, gone_at=None, ended_at=None).exclude(
        phase__in=("Succeeded", "Failed")
    )
    sums = live.values("namespace_id").annotate(
        cpu=Sum("cpu_m"), memory=Sum("memory_bytes"), gpu=Sum("gpu_m"), n=Count("pk")
    )
    for row in sums.order_by():
        found[row["namespace_id"]] |= {
            "requests.cpu": int(row["cpu"]),
            "requests.memory": int(row["memory"]),
            "requests.nvidia.com/gpu": int(row["gpu"]) // 1000,
            "pods": row["n"],
        }
    claims = VolumeClaim.objects.filter(namespace_id__in=ids, gone_at=None)
    asked = claims.values("namespace_id").annotate(size=Sum("requested_bytes"), n=Count("pk"))
    for one in asked.order_by():
        found[one["namespace_id"]] |= {"requests.storage": int(one["size"]), "persistentvolumeclaims": one["n"]}
    return dict(found)


def floor_of(resource: str, limit_range: Mapping[str, Mapping[str, str]]) -> int:
    """Return the least share that lets a namespace run one container: the default of the LimitRange, or a little."""
    if resource not in _NEEDED:
        return 0
    kind, _dot, name = resource.partition(".")
    words = ("defaultRequest", "default") if kind == "requests" else ("default",)
    defaults = limit_range.get(name, {})
    for word in words:
        if word in defaults:
            return resources.parse(resource, defaults[word])
    return resources.one_more(resource)


def standings(plan: QuotaPlan, at: datetime) -> list[Standing]:
    """Return how each namespace of a plan stands, those that have left it but may still have its limit included."""
    here = {place.key: place for place in places(plan.project_id, at)}
    shares: dict[Key, list[QuotaShare]] = defaultdict(list)
    for share in QuotaShare.objects.filter(project_id=plan.project_id).order_by("pk"):
        shares[(share.cluster_id, share.namespace_uid)].append(share)
    ids = [place.row_id for place in here.values()]
    asked, lately = _asked(ids, at), _recent(ids, at)
    limited = plan.pool_target
    found = []
    for key, rows in shares.items():
        place = here.get(key)
        granted = {share.resource: int(share.granted) for share in rows if share.resource in limited}
        if place is None:
            found.append(Standing(key, key[1], granted, {}, {}, frozen=True))
            continue
        found.append(
            Standing(
                key=key,
                name=f"{place.name} ({place.cluster})",
                granted=granted,
                used={name: place.use.get(name, 0) for name in limited},
                floor={name: floor_of(name, plan.limit_range) for name in limited},
                recent=lately.get(place.row_id) or place.use,
                frozen=not place.reached,
                asked=asked.get(place.row_id, {}),
                behind=_behind(rows, place, granted),
            )
        )
    return found


def _behind(shares: Sequence[QuotaShare], place: Place, granted: Mapping[str, int]) -> bool:
    seen = resources.parse_seen(place.ours.hard) if place.ours else {}
    confirmed = {share.resource: share.confirmed for share in shares}
    return place.ours is not None and any(
        seen.get(name) != amount and confirmed.get(name) != amount for name, amount in granted.items()
    )


def _reached(clusters: set[UUID], at: datetime) -> frozenset[UUID]:
    fresh = Stream.objects.filter(cluster_id__in=clusters, kind="quota", last_ok_at__gt=at - REACHED)
    return frozenset(fresh.values_list("cluster_id", flat=True))


def _asked(namespaces: list[int], at: datetime) -> dict[int, dict[str, int]]:
    """What was refused lately by our quota: the most that one pod asked for, by namespace and resource."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for one in occurred.refused_by_quota(namespaces):
        if one.quota != NAME or one.last_at <= at - FRESH:
            continue
        said = refusals.read(one.message)
        for short in said.short if said else ():
            try:
                name = resources.name_of(short.resource)
                amount = resources.parse(name, short.requested)
            except (resources.UnknownResource, resources.BadAmount):
                continue
            found[one.namespace_id][name] = max(found[one.namespace_id].get(name, 0), amount)
    return dict(found)


def _recent(namespaces: list[int], at: datetime) -> dict[int, dict[str, int]]:
    rows = QuotaHour.objects.filter(
        Q(namespace_id__in=namespaces, quota_name=NAME), hour__gt=at - RECENT, hour__lte=at
    ).order_by("hour")
    points: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for namespace_id, hour, used in rows.values_list("namespace_id", "hour", "used"):
        ago = int((at - hour) / timedelta(hours=1))
        for name, amount in resources.parse_seen(used).items():
            points[namespace_id][name].append((ago, amount))
    return {
        namespace_id: {name: trend.recent(found) for name, found in by_name.items()}
        for namespace_id, by_name in points.items()
    }
