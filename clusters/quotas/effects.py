"""What a change of a plan would do, namespace by namespace, before anybody decides it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q

from clusters.inventory.models import Pod
from clusters.projects.models import Project
from clusters.quotas import pool, resources, standing
from clusters.quotas.models import Mode, QuotaPlan, QuotaShare
from clusters.quotas.services.plans import Limits
from clusters.quotas.standing import Place

MOST_WORKLOADS = 20


@dataclass(frozen=True)
class Line:
    """One resource of one namespace: in use, its limit now and after the change (None = no limit)."""

    resource: str
    label: str
    used: int
    before: int | None
    after: int | None

    @property
    def is_short(self) -> bool:
        """More is in use than the new limit allows: nothing is stopped, nothing new starts."""
        return self.after is not None and self.used > self.after

    @property
    def texts(self) -> tuple[str, str, str]:
        """Use, limit now, limit after, for people."""
        limits = ("–" if one is None else resources.shown(self.resource, one) for one in (self.before, self.after))
        before, after = limits
        return resources.shown(self.resource, self.used), before, after


@dataclass(frozen=True)
class Effect:
    """What changes in one namespace. `narrower` are quotas of its tenants that limit more tightly."""

    name: str
    cluster: str
    reached: bool
    lines: tuple[Line, ...]
    no_longer_fit: tuple[str, ...]
    without_requests: tuple[str, ...]
    narrower: tuple[str, ...]

    @property
    def is_harmless(self) -> bool:
        """Nothing in it needs anybody's attention."""
        return not (self.no_longer_fit or self.without_requests or any(line.is_short for line in self.lines))


def of(project: Project, mode: str, limits: Limits, at: datetime) -> list[Effect]:
    """Return the effect of a plan on each namespace that the project holds. Raises `pool.FloorsExceed`."""
    here = standing.places(project.pk, at)
    after = _after(project, mode, limits, here, at)
    before: dict[pool.Key, dict[str, int]] = defaultdict(dict)
    for share in QuotaShare.objects.filter(project=project):
        before[(share.cluster_id, share.namespace_uid)][share.resource] = int(share.granted)
    workloads = _workloads([place.row_id for place in here])
    return [
        _effect(place, before.get(place.key, {}), after[place.key], workloads.get(place.row_id, []), limits)
        for place in here
    ]


def _after(
    project: Project, mode: str, limits: Limits, here: Sequence[Place], at: datetime
) -> dict[pool.Key, dict[str, int]]:
    if mode == Mode.FIXED:
        return {place.key: {**limits.amounts, **limits.own.get(place.key, {})} for place in here}
    imagined = QuotaPlan(
        project=project, mode=mode, pool_target=dict(limits.amounts), limit_range=dict(limits.limit_range)
    )
    known = {row.key: row for row in standing.standings(imagined, at)}
    rows = [
        known.get(
            place.key,
            pool.Standing(
                key=place.key,
                name=f"{place.name} ({place.cluster})",
                granted={},
                used={name: place.use.get(name, 0) for name in limits.amounts},
                floor={name: standing.floor_of(name, limits.limit_range) for name in limits.amounts},
                recent=place.use,
                frozen=not place.reached,
            ),
        )
        for place in here
    ]
    # A share of a pool is never lowered below what is used.
    kept = {row.key: row for row in rows}
    return {
        key: {name: max(amount, kept[key].kept(name)) for name, amount in amounts.items()}
        for key, amounts in pool.split(limits.amounts, rows).items()
    }


def _effect(
    place: Place,
    before: Mapping[str, int],
    after: Mapping[str, int],
    workloads: Sequence[Mapping[str, Any]],
    limits: Limits,
) -> Effect:
    lines = tuple(
        Line(name, resources.label(name), place.use.get(name, 0), before.get(name), after.get(name))
        for name in sorted({*before, *after})
    )
    narrower = tuple(
        quota.name
        for quota in place.others
        if any(amount < after.get(name, 0) for name, amount in resources.parse_seen(quota.hard).items())
    )
    return Effect(
        name=place.name,
        cluster=place.cluster,
        reached=place.reached,
        lines=lines,
        no_longer_fit=_no_longer_fit(place, after, workloads),
        without_requests=_without_requests(after, workloads, limits),
        narrower=narrower,
    )


def _no_longer_fit(place: Place, after: Mapping[str, int], workloads: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The workloads of which one more pod would be refused."""
    found = []
    for one in workloads:
        needs = {"requests.cpu": one["cpu"], "requests.memory": one["memory"], "pods": 1}
        if any(place.use.get(name, 0) + need > after[name] for name, need in needs.items() if name in after and need):
            found.append(_named(one))
    return tuple(found[:MOST_WORKLOADS])


def _without_requests(
    after: Mapping[str, int], workloads: Sequence[Mapping[str, Any]], limits: Limits
) -> tuple[str, ...]:
    """The workloads whose pods name no request that the quota would demand and no default would add."""
    demanded = [
        (column, name.partition(".")[2])
        for name, column in (("requests.cpu", "bare_cpu"), ("requests.memory", "bare_memory"))
        if name in after
    ]
    lacking = [
        (column, what)
        for column, what in demanded
        if not any(word in limits.limit_range.get(what, {}) for word in ("default", "defaultRequest"))
    ]
    return tuple(_named(one) for one in workloads if any(one[column] for column, _what in lacking))[:MOST_WORKLOADS]


def _named(one: Mapping[str, Any]) -> str:
    return f"{one['workload_kind']} {one['workload_name']}"


def _workloads(namespaces: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
    live = Pod.objects.filter(namespace_id__in=namespaces, gone_at=None, ended_at=None)
    rows = (
        live.values("namespace_id", "workload_kind", "workload_name")
        .annotate(
            cpu=Max("cpu_m"),
            memory=Max("memory_bytes"),
            bare_cpu=Count("pk", filter=Q(cpu_m=0)),
            bare_memory=Count("pk", filter=Q(memory_bytes=0)),
        )
        .order_by("workload_kind", "workload_name")
    )
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["namespace_id"]].append(row)
    return dict(found)
