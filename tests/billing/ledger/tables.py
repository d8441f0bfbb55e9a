"""Puts a world into the tables the close reads, and reads back what it stored in the oracle's words.

The world is one the SQL knows: requests only, no network, no rules, claims that hold for a volume's whole life.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from billing.ledger.allocation import model
from billing.ledger.allocation.model import Resource, Result
from billing.ledger.models import AssetHour, CostHour, SharedNamespace
from billing.metering.models import PriceKey, Segment
from billing.pricing.models import BookCluster, PriceBook, Rate
from clusters.inventory import selectors as inventory
from clusters.inventory.models import Stream
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team
from clusters.registry.models import Cluster, State
from portal.core.periods import Period

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
COLUMNS = {
    Resource.CPU: "cpu",
    Resource.MEMORY: "memory",
    Resource.GPU: "gpu",
    Resource.STORAGE: "storage",
    Resource.LOAD_BALANCER: "units",
    Resource.FEE: "fee",
}
Key = tuple[Any, ...]
Figures = Mapping[str, tuple[int, Decimal | None]]


@dataclass
class Loaded:
    """The ids under which the things of a world stand."""

    world: model.World
    clusters: dict[str, UUID] = field(default_factory=dict)
    teams: dict[str, UUID] = field(default_factory=dict)
    projects: dict[str, UUID] = field(default_factory=dict)


def cluster_row(name: str, *, at: datetime = BEGINNING) -> Cluster:
    """Make an attached cluster that nobody reads."""
    return Cluster.objects.create(
        name=name,
        slug=f"{name}-{uuid4().hex[:8]}",
        state=State.ATTACHED,
        server="https://127.0.0.1:1",
        credential="sealed",
        kube_system_uid=str(uuid4()),
        attached_at=at,
    )


def confirm(cluster_id: UUID, at: datetime) -> None:
    """Say that every charged stream of the cluster was confirmed."""
    for kind in inventory.CHARGED_KINDS:
        Stream.objects.update_or_create(cluster_id=cluster_id, kind=kind, defaults={"last_ok_at": at})


def load(world: model.World) -> Loaded:
    """Write a world."""
    loaded = Loaded(world)
    for cluster in world.clusters:
        row = cluster_row(cluster.id)
        loaded.clusters[cluster.id] = row.pk
        confirm(row.pk, world.window.end)
        _book(world, cluster.id, row)
    _owners(loaded)
    names = {(one.cluster, one.uid): one.name for one in world.namespaces}
    Segment.objects.bulk_create(_segments(loaded, names))
    for entry in world.shared or ():
        SharedNamespace.objects.create(
            cluster_id=loaded.clusters[entry.cluster], name=entry.name, period=_period(entry.span)
        )
    return loaded


def _period(span: Period) -> tuple[datetime, datetime | None]:
    return max(span.start, BEGINNING), None if span.end == model.ALWAYS.end else span.end


def _book(world: model.World, cluster: str, row: Cluster) -> None:
    reference = world.reference_prices
    book = PriceBook.objects.create(
        slug=f"book-{row.slug}",
        name=cluster,
        currency=world.currency,
        cpu_ratio=reference.cpu,
        memory_ratio=reference.memory,
        gpu_ratio=reference.gpu,
    )
    BookCluster.objects.create(cluster=row, book=book)
    rates = [
        Rate(
            book=book,
            asset=one.asset,
            instance_type=one.instance_type,
            region=one.region,
            capacity_class=one.capacity_class,
            storage_class=one.storage_class,
            provider_id=one.provider_id,
            price=one.amount,
            unit=one.unit.value,
            period=_period(one.span),
            version=1,
        )
        for one in world.prices
        if one.asset != "network"
    ]
    rates += [
        Rate(
            book=book,
            asset="fee",
            provider_id=fee.id,
            price=fee.amount,
            unit=fee.unit.value,
            period=_period(fee.span),
            version=1,
        )
        for fee in world.fees
        if fee.cluster == cluster
    ]
    Rate.objects.bulk_create(rates)


def _owners(loaded: Loaded) -> None:
    world = loaded.world
    tag = uuid4().hex[:8]
    for name in sorted({one.team for one in world.projects}):
        loaded.teams[name] = Team.objects.create(slug=f"{name}-{tag}", name=f"{name} {tag}").pk
    for name in sorted({one.project for one in world.projects} | {one.project for one in world.memberships}):
        loaded.projects[name] = Project.objects.create(slug=f"{name}-{tag}", name=f"{name} {tag}").pk
    for owned in world.projects:
        ProjectTenure.objects.create(
            project_id=loaded.projects[owned.project], team_id=loaded.teams[owned.team], period=_period(owned.span)
        )
    for held in world.memberships:
        NamespaceTenure.objects.create(
            project_id=loaded.projects[held.project],
            cluster_id=loaded.clusters[held.cluster],
            namespace_uid=held.namespace,
            namespace_name=held.namespace,
            period=_period(held.span),
        )


def _key(**columns: Any) -> PriceKey:
    return PriceKey.objects.get_or_create(**columns)[0]


def _segments(loaded: Loaded, names: Mapping[tuple[str, str], str]) -> Iterable[Segment]:
    world = loaded.world

    def row(kind: str, one: Any, **columns: Any) -> Segment:
        starts_at, ends_at = _period(one.life)
        namespace = columns.get("namespace_uid", "")
        return Segment(
            cluster_id=loaded.clusters[one.cluster],
            kind=kind,
            uid=one.uid,
            name=one.uid,
            namespace_name=names.get((one.cluster, namespace), ""),
            starts_at=starts_at,
            ends_at=ends_at,
            seen_at=starts_at,
            **columns,
        )

    for node in world.nodes:
        yield row(
            "node",
            node,
            provider_id=node.provider_id,
            cpu_m=node.capacity.cpu,
            memory_bytes=node.capacity.memory,
            gpu_m=node.capacity.gpu,
            reserved_cpu_m=node.capacity.cpu - node.allocatable.cpu,
            reserved_memory_bytes=node.capacity.memory - node.allocatable.memory,
            reserved_gpu_m=node.capacity.gpu - node.allocatable.gpu,
            price_key=_key(
                asset="node",
                instance_type=node.instance_type,
                region=node.region,
                capacity_class=node.capacity_class,
            ),
        )
    for pod in world.segments:
        assert not pod.usage
        yield row(
            "pod",
            pod,
            namespace_uid=pod.namespace,
            node_uid=pod.node or "",
            cpu_m=pod.requests.cpu,
            memory_bytes=pod.requests.memory,
            gpu_m=pod.requests.gpu,
            owner_kind="Deployment",
            owner_name=f"app-{sum(pod.uid.encode()) % 3}",
        )
    for volume in world.volumes:
        yield row(
            "volume",
            volume,
            namespace_uid=volume.claims[0].namespace if volume.claims else "",
            storage_bytes=volume.capacity,
            price_key=_key(asset="volume", region=volume.region, storage_class=volume.storage_class),
        )
    for balancer in world.load_balancers:
        yield row(
            "load_balancer",
            balancer,
            namespace_uid=balancer.namespace,
            units=balancer.units,
            price_key=_key(asset="load_balancer", region=balancer.region),
        )


def expected_rows(result: Result, loaded: Loaded) -> dict[Key, Figures]:
    """Return the oracle's direct rows by their key."""
    return {
        (
            loaded.clusters[row.cluster],
            row.hour,
            row.span.start,
            row.span.end,
            row.namespace or "",
            row.namespace_name,
            loaded.teams[row.team] if row.team else None,
            loaded.projects[row.project] if row.project else None,
            row.kind.value,
            row.shared,
            row.price_key,
            row.overcommitted,
            row.amount,
        ): _figures(row.quantities, row.amounts)
        for row in result.allocations
    }


def expected_assets(result: Result, loaded: Loaded) -> dict[Key, Figures]:
    """Return the oracle's assets by their key."""
    return {
        (
            loaded.clusters[asset.cluster],
            asset.hour,
            asset.span.start,
            asset.span.end,
            asset.price_key,
            asset.overcommitted,
            asset.amount,
        ): _figures(asset.quantities, asset.amounts)
        for asset in result.assets
    }


def _figures(quantities: Mapping[Resource, int], amounts: Mapping[Resource, Decimal | None]) -> Figures:
    found = {
        column: (quantities.get(resource, 0), amounts.get(resource, Decimal(0))) for resource, column in COLUMNS.items()
    }
    return {column: figures for column, figures in found.items() if any(figures) or figures[1] is None}


def stored_rows(loaded: Loaded) -> dict[Key, Figures]:
    """Return the stored rows by the same key."""
    keys = _price_keys()
    rows = list(CostHour.objects.filter(cluster_id__in=loaded.clusters.values()))
    found = {
        (
            row.cluster_id,
            row.hour,
            row.starts_at,
            row.ends_at,
            row.namespace_uid,
            row.namespace_name,
            row.team_id,
            row.project_id,
            row.kind,
            row.shared,
            keys[row.price_key_id] if row.price_key_id else None,
            row.overcommitted,
            row.amount,
        ): _stored(row)
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def stored_assets(loaded: Loaded) -> dict[Key, Figures]:
    """Return the stored assets by the same key."""
    keys = _price_keys()
    return {
        (
            asset.cluster_id,
            asset.hour,
            asset.starts_at,
            asset.ends_at,
            keys[asset.price_key_id],
            asset.overcommitted,
            asset.amount,
        ): _stored(asset)
        for asset in AssetHour.objects.filter(cluster_id__in=loaded.clusters.values())
    }


def _price_keys() -> dict[int, model.PriceKey]:
    return {
        key.pk: model.PriceKey(
            key.asset, key.instance_type, key.region, key.capacity_class, key.storage_class, key.provider_id
        )
        for key in PriceKey.objects.all()
    }


def _stored(row: CostHour | AssetHour) -> Figures:
    found = {one: (int(getattr(row, f"{one}_q")), getattr(row, f"{one}_amount")) for one in COLUMNS.values()}
    return {column: figures for column, figures in found.items() if any(figures) or figures[1] is None}
