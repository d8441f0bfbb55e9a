"""The result of an allocation as JSON: amounts and quantities as decimal strings, instants in UTC."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.ledger import allocation
from billing.ledger.allocation import charging, efficiency, model
from billing.ledger.allocation.model import Allocation, AssetHour, PodShare, PriceKey, Resource

# Names of quantities say their unit.
QUANTITY_NAMES = {
    Resource.CPU: "cpu_millicore_seconds",
    Resource.MEMORY: "memory_byte_seconds",
    Resource.GPU: "gpu_milli_unit_seconds",
    Resource.STORAGE: "storage_byte_seconds",
    Resource.LOAD_BALANCER: "load_balancer_milli_unit_seconds",
    Resource.NETWORK: "network_bytes",
    Resource.FEE: "fee_milli_unit_seconds",
}


def answer(world: model.World) -> dict[str, Any]:
    """Allocate a world and return everything that came of it, ready for JSON."""
    result = allocation.allocate(world)
    return {
        "method_version": allocation.METHOD_VERSION,
        "currency": world.currency,
        "time_zone": world.zone.key,
        "grain": world.grain.value,
        "window": {"from": _instant(world.window.start), "to": _instant(world.window.end)},
        "totals": {
            "assets": _plain(_known(asset.amounts for asset in result.assets)),
            "allocations": _plain(_known(row.amounts for row in result.allocations)),
            "pod_seconds_off_node": charging.seconds_off_node(world),
            "unpriced_rows": sum(row.amount is None for row in result.allocations),
        },
        "assets": [_asset(asset) for asset in result.assets],
        "allocations": [_row(row) for row in result.allocations],
        "pods": [_pod(share) for share in result.pods],
        "efficiency": [_efficiency(one) for one in efficiency.work_out(world, result.allocations)],
    }


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, ".12f")


def _known(amounts: Iterable[Mapping[Resource, Decimal | None]]) -> Decimal:
    return sum((one for row in amounts for one in row.values() if one is not None), Decimal(0))


def _key(key: PriceKey | None) -> dict[str, str] | None:
    return None if key is None else {("class" if k == "capacity_class" else k): v for k, v in asdict(key).items()}


def _figures(one: AssetHour | Allocation | PodShare) -> dict[str, Any]:
    return {
        "price_key": _key(one.price_key),
        "quantities": {QUANTITY_NAMES[resource]: str(one.quantities[resource]) for resource in sorted(one.quantities)},
        "amounts": {resource.value: _plain(one.amounts[resource]) for resource in sorted(one.amounts)},
        "amount": _plain(model.total(one.quantities, one.amounts)),
    }


def _place(one: AssetHour | Allocation | PodShare) -> dict[str, Any]:
    return {
        "hour": _instant(one.hour),
        "from": _instant(one.span.start),
        "to": _instant(one.span.end),
        "cluster": one.cluster,
    }


def _asset(asset: AssetHour) -> dict[str, Any]:
    return {**_place(asset), "overcommitted": asset.overcommitted, **_figures(asset)}


def _row(row: Allocation) -> dict[str, Any]:
    return {
        **_place(row),
        "namespace": row.namespace,
        "namespace_name": row.namespace_name,
        "team": row.team,
        "project": row.project,
        "kind": row.kind.value,
        "shared": row.shared,
        "overcommitted": row.overcommitted,
        **_figures(row),
    }


def _pod(share: PodShare) -> dict[str, Any]:
    return {**_place(share), "namespace": share.namespace, "pod": share.pod, **_figures(share)}


def _efficiency(one: efficiency.Efficiency) -> dict[str, Any]:
    ratios = {"cpu": one.cpu, "memory": one.memory, "total": one.total}
    return {
        "cluster": one.cluster,
        "namespace": one.namespace,
        **{
            name: {"state": ratio.state.value, "ratio": None if ratio.value is None else format(ratio.value, ".6f")}
            for name, ratio in ratios.items()
        },
    }
