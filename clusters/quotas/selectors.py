"""Reads for the pages: bars, refusals, and what clusters have free."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from clusters.inventory import occurred, quota_history
from clusters.inventory import selectors as inventory
from clusters.inventory.models import Node, Occurrence, Pod, QuotaHour
from clusters.projects.models import Project
from clusters.quotas import refusals, resources, standing, trend
from clusters.quotas.models import Mode, QuotaPlan, QuotaRequest, QuotaShare, RequestState
from clusters.quotas.refusals import Refusal
from clusters.quotas.resources import Unit
from clusters.quotas.standing import Place
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import formats, parts

TREND = timedelta(days=14)
MOST_REFUSALS = 50
# What is counted where nothing is measured yet: requests are what pods ask for, not what they use.
_ASKED_FOR = ("requests.", "limits.")


@dataclass(frozen=True)
class Row:
    """One resource in one namespace. `narrower` is a tenant's own quota that limits more tightly."""

    namespace: str
    cluster: str
    reached: bool
    used: str
    limit: str
    pending: bool
    narrower: str


@dataclass(frozen=True)
class Bar:
    """One resource of the project over all its clusters. `money` is a month of the whole limit.

    `days` are those until it is full, None where it does not fill up or the trend is not known yet.
    """

    resource: str
    label: str
    bar: parts.Bar
    used: int
    limit: int
    money: Decimal | None
    days: int | None
    trend_known: bool
    rows: tuple[Row, ...]

    @property
    def is_full(self) -> bool:
        """Nothing more fits."""
        return self.used >= self.limit


@dataclass(frozen=True)
class Refused:
    """Something that could not be made, in words: what, where, since when, by what, and what to do."""

    what: str
    namespace: str
    cluster: str
    quota: str
    ours: bool
    since: datetime
    last_at: datetime
    count: int
    reasons: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Free:
    """What a cluster has left for requests, as its nodes and live pods say; `data_at` is how old that is."""

    cluster: str
    cpu_m: int
    memory_bytes: int
    pods: int
    data_at: datetime | None

    @property
    def texts(self) -> tuple[str, str, str]:
        """CPU, memory and pods, for people."""
        return formats.cpu(self.cpu_m), formats.size(self.memory_bytes), formats.number(self.pods)


def plan_of(project: Project) -> QuotaPlan | None:
    """Return the project's plan, None where it has no limits."""
    return QuotaPlan.objects.filter(project=project).first()


def amounts_of(plan: QuotaPlan, here: Sequence[Place]) -> dict[str, int]:
    """Return the limit of each resource over all namespaces: the pool, or the sum of the shares."""
    if plan.mode == Mode.POOL:
        return dict(plan.pool_target)
    keys = {place.key for place in here}
    found: dict[str, int] = dict.fromkeys(plan.each, 0)
    for share in QuotaShare.objects.filter(project_id=plan.project_id):
        if (share.cluster_id, share.namespace_uid) in keys:
            found[share.resource] = found.get(share.resource, 0) + int(share.granted)
    return found


def bars(project: Project, user: Person, at: datetime) -> list[Bar]:
    """Return use and limit of each resource, CPU and memory first."""
    plan = plan_of(project)
    if plan is None:
        return []
    here = standing.places(project.pk, at)
    limits = amounts_of(plan, here)
    money, _currency = money_of(user, project.pk, limits, at)
    series = _daily(here, at)
    shares = {
        (share.cluster_id, share.namespace_uid, share.resource): share
        for share in QuotaShare.objects.filter(project=project)
    }
    order = {name: place for place, name in enumerate(resources.OFFERED)}
    return [
        _bar(name, limits[name], here, shares, money.get(name), series.get(name, []))
        for name in sorted(limits, key=lambda name: (order.get(name, len(order)), name))
    ]


def money_of(
    user: Person, project_id: UUID, amounts: Mapping[str, int], at: datetime
) -> tuple[dict[str, Decimal], str]:
    """Return what amounts would cost in a month, as far as the person sees cost and a higher room knows it."""
    if not settings.QUOTA_MONEY:
        return {}, ""
    found: tuple[dict[str, Decimal], str] = import_string(settings.QUOTA_MONEY)(user, project_id, amounts, at)
    return found


def _bar(  # noqa: PLR0913 - one argument for each source of what is shown
    name: str,
    limit: int,
    here: Sequence[Place],
    shares: Mapping[tuple[UUID, str, str], QuotaShare],
    money: Decimal | None,
    series: Sequence[int],
) -> Bar:
    used = sum(place.use.get(name, 0) for place in here)
    share = Decimal(used) * 100 / limit if limit else Decimal(100 if used else 0)
    text, most = resources.shown(name, used), resources.shown(name, limit)
    label = resources.label(name)
    if name.startswith(_ASKED_FOR) and resources.unit_of(name) != Unit.PIECES:
        bar = parts.Bar(label, requested=share, requested_text=text, limit_text=most)
    else:
        bar = parts.Bar(label, used=share, used_text=text, limit_text=most)
    rows = tuple(_row(name, place, shares.get((*place.key, name))) for place in here)
    days = trend.days_to_full([*series, used], limit)
    return Bar(name, label, bar, used, limit, money, days, len(series) + 1 >= trend.LEAST_DAYS, rows)


def _row(name: str, place: Place, share: QuotaShare | None) -> Row:
    limit = int(share.granted) if share else None
    seen = resources.parse_seen(place.ours.hard).get(name) if place.ours else None
    tighter = [
        (amount, quota.name)
        for quota in place.others
        if (amount := resources.parse_seen(quota.hard).get(name)) is not None and (limit is None or amount < limit)
    ]
    narrower = ""
    if tighter:
        amount, quota_name = min(tighter)
        narrower = _("%(quota)s: %(amount)s") % {"quota": quota_name, "amount": resources.shown(name, amount)}
    return Row(
        namespace=place.name,
        cluster=place.cluster,
        reached=place.reached,
        used=resources.shown(name, place.use.get(name, 0)),
        limit="" if limit is None else resources.shown(name, limit),
        pending=seen != limit,
        narrower=narrower,
    )


def _daily(here: Sequence[Place], at: datetime) -> dict[str, list[int]]:
    """The use at the end of each day over all namespaces, oldest first, without today; days unknown to any are out."""
    rows = QuotaHour.objects.filter(
        namespace_id__in=[place.row_id for place in here], quota_name=standing.NAME, hour__gt=at - quota_history.KEPT
    ).order_by("hour")
    by_quota: dict[str, list[tuple[datetime, dict[str, int]]]] = defaultdict(list)
    for uid, hour, used in rows.values_list("quota_uid", "hour", "used"):
        by_quota[uid].append((hour, resources.parse_seen(used)))
    found: dict[str, list[int]] = defaultdict(list)
    for day in range(TREND.days, 0, -1):
        ends = at - timedelta(days=day)
        last = [next((used for hour, used in reversed(states) if hour <= ends), None) for states in by_quota.values()]
        if not last or any(used is None for used in last):
            continue
        names = {name for used in last if used for name in used}
        for name in names:
            found[name].append(sum(used.get(name, 0) for used in last if used))
    return found


def refused(project: Project, at: datetime) -> list[Refused]:
    """Return what was refused within the last day for its amounts, the latest first.

    From the reports of controllers; a pod that somebody makes directly leaves none.
    """
    here = {place.row_id: place for place in standing.places(project.pk, at)}
    rows = Occurrence.objects.filter(namespace_id__in=here, reason__in=occurred.REFUSED_REASONS)
    found = []
    for row in rows.order_by("-last_at", "-id")[:MOST_REFUSALS]:
        said = refusals.read(row.message)
        place = here.get(row.namespace_id or 0)
        if said is None or place is None:
            continue
        found.append(
            Refused(
                what=f"{row.involved_kind} {row.involved_name}",
                namespace=place.name,
                cluster=place.cluster,
                quota=said.quota or _("the bounds of the namespace"),
                ours=said.quota == standing.NAME,
                since=row.first_at,
                last_at=row.last_at,
                count=row.count,
                reasons=_reasons(said),
                remedy=_remedy(said),
            )
        )
    return found


def _reasons(said: Refusal) -> tuple[str, ...]:
    short = [
        _("%(name)s: %(asked)s asked for, %(used)s of %(limit)s in use")
        % {
            "name": _label(one.resource),
            "asked": _amount(one.resource, one.requested),
            "used": _amount(one.resource, one.used),
            "limit": _amount(one.resource, one.limited),
        }
        for one in said.short
    ]
    missing = [_("%s is not named by its containers") % _label(name) for name in said.missing]
    bounds = [
        (_("%(name)s: at most %(bound)s per %(per)s, %(asked)s asked for"))
        % {"name": _label(one.resource), "bound": one.is_, "per": one.per, "asked": one.but}
        if one.which == "maximum"
        else _("%(name)s: at least %(bound)s per %(per)s, %(asked)s asked for")
        % {"name": _label(one.resource), "bound": one.is_, "per": one.per, "asked": one.but}
        for one in said.bounds
    ]
    return (*short, *missing, *bounds)


def _remedy(said: Refusal) -> str:
    if said.shape == "unmet":
        return _("Give its containers requests and limits, or have the plan give defaults.")
    if said.shape == "limit_range":
        return _("Ask for less in the container, or have the bounds changed.")
    if said.quota != standing.NAME:
        return _("This limit is the namespace's own: raise it there, ask for less, or free some of what is used.")
    return _("Ask for more, ask for less in the workload, or free some of what is used.")


def _label(name: str) -> str:
    try:
        return resources.label(resources.name_of(name))
    except resources.UnknownResource:
        return name[:100]


def _amount(name: str, text: str) -> str:
    try:
        return resources.shown(resources.name_of(name), resources.parse(name, text))
    except (resources.UnknownResource, resources.BadAmount):
        return text[:64]


def free_of(clusters: Iterable[UUID]) -> list[Free]:
    """Return what clusters have left: what nodes offer, without what live pods ask for."""
    ids = list(clusters)
    nodes = Node.objects.filter(cluster_id__in=ids, gone_at=None, ready=True, unschedulable=False)
    offered = {
        row["cluster_id"]: row
        for row in nodes.values("cluster_id")
        .annotate(cpu=Sum("allocatable_cpu_m"), memory=Sum("allocatable_memory_bytes"), pods_n=Sum("allocatable_pods"))
        .order_by()
    }
    live = Pod.objects.filter(~Q(node=""), cluster_id__in=ids, gone_at=None, ended_at=None)
    taken: dict[UUID, tuple[int, int, int]] = {}
    for cluster_id, cpu, memory in (
        live.values_list("cluster_id").annotate(Sum("cpu_m"), Sum("memory_bytes")).order_by()
    ):
        taken[cluster_id] = (int(cpu), int(memory), live.filter(cluster_id=cluster_id).count())
    found = []
    for cluster in Cluster.objects.filter(pk__in=ids).order_by("name"):
        node = offered.get(cluster.pk, {"cpu": 0, "memory": 0, "pods_n": 0})
        cpu, memory, pods = taken.get(cluster.pk, (0, 0, 0))
        data_at = inventory.confirmed_at(cluster.pk, ("node", "pod"))
        found.append(
            Free(
                cluster.name, int(node["cpu"]) - cpu, int(node["memory"]) - memory, int(node["pods_n"]) - pods, data_at
            )
        )
    return found


def decidable(person: Person) -> QuerySet[QuotaRequest]:
    """Return the requests for more about projects where the person decides on limits."""
    mine = Project.objects.visible_to(person, Permission.QUOTA_EDIT)
    return QuotaRequest.objects.filter(project__in=mine)


def waiting_for(person: Person) -> QuerySet[QuotaRequest]:
    """Return what waits for the person's decision; nobody decides on their own."""
    return decidable(person).filter(state=RequestState.WAITING).exclude(asker_id=getattr(person, "pk", None))


def own(person: Person) -> QuerySet[QuotaRequest]:
    """Return what the person asked for."""
    return QuotaRequest.objects.filter(asker_id=getattr(person, "pk", None))
