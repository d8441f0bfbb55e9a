"""What the tables of the ledger hold, as plain values that two states can be compared by."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db import models

from billing.ledger.models import (
    RESOURCES,
    AssetHour,
    CostDay,
    CostHour,
    CostMonth,
    CostProjectDay,
    CostWorkloadDay,
    PodHour,
)

ROLLUPS: dict[type[models.Model], tuple[str, ...]] = {
    CostDay: ("cluster_id", "day", "namespace_uid", "team_id", "project_id", "kind", "shared"),
    CostProjectDay: ("cluster_id", "day", "team_id", "project_id", "kind", "shared"),
    CostMonth: ("cluster_id", "month", "namespace_uid", "team_id", "project_id", "kind", "shared"),
}
WORK = ("cluster_id", "day", "namespace_uid", "team_id", "project_id")
Sums = dict[tuple[Any, ...], list[Any]]


def everything() -> dict[str, list[dict[str, Any]]]:
    """Return every row of the room's tables but the runs, without its id."""
    found = {}
    for model in (AssetHour, CostHour, PodHour, CostDay, CostProjectDay, CostMonth, CostWorkloadDay):
        rows = [{name: value for name, value in row.items() if name != "id"} for row in model._default_manager.values()]
        found[model.__name__] = sorted(rows, key=str)
    return found


def _figures(row: Any) -> list[Any]:
    quantities = [getattr(row, f"{one}_q") for one in RESOURCES]
    amounts = [getattr(row, f"{one}_amount") for one in RESOURCES]
    known = [amount or Decimal(0) for amount in amounts]
    unpriced = [quantity if amount is None else 0 for quantity, amount in zip(quantities, amounts, strict=True)]
    return [*quantities, *known, sum(known, Decimal(0)), *unpriced]


def of_hours(keys: tuple[str, ...], rows: models.QuerySet[Any]) -> Sums:
    """Return the sums over hour rows per key, added up here."""
    sums: Sums = defaultdict(lambda: [0] * (3 * len(RESOURCES) + 1))
    for row in rows:
        key = tuple(getattr(row, one) for one in keys)
        sums[key] = [old + new for old, new in zip(sums[key], _figures(row), strict=True)]
    return dict(sums)


def of_rollup(model: type[models.Model], keys: tuple[str, ...]) -> Sums:
    """Return what a rollup says per key."""
    sums: Sums = defaultdict(lambda: [0] * (3 * len(RESOURCES) + 1))
    names = [f"{one}_q" for one in RESOURCES] + [f"{one}_amount" for one in RESOURCES] + ["amount"]
    names += [f"unpriced_{one}_q" for one in RESOURCES]
    for row in model._default_manager.all():
        key = tuple(getattr(row, one) for one in keys)
        sums[key] = [old + getattr(row, name) for old, name in zip(sums[key], names, strict=True)]
    return dict(sums)


def assert_rollups_hold() -> None:
    """Every rollup is the sum of its hours, workloads' days add up to them, and pods' parts to their rows."""
    for model, keys in ROLLUPS.items():
        assert of_rollup(model, keys) == of_hours(keys, CostHour.objects.all()), model
    workload = CostHour.objects.filter(kind="workload")
    assert of_rollup(CostWorkloadDay, WORK) == of_hours(WORK, workload)


def assert_pods_hold() -> None:
    """The parts of pods and volumes add up to the rows of the same hour, namespace, owner and price key."""
    keys = ("cluster_id", "hour", "day", "namespace_uid", "team_id", "project_id", "price_key_id")
    rows = of_hours(keys, CostHour.objects.filter(kind="workload"))
    assert of_hours(keys, PodHour.objects.all()) == rows
