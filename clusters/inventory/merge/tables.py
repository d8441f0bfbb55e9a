"""Which columns each kind fills, and an item as plain values in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from clusters.inventory import owners
from clusters.kube.objects import metadata
from clusters.kube.objects.metadata import Item
from clusters.kube.objects.pod import PodRow
from clusters.kube.objects.table import Kind, Row

LARGEST = 2**63 - 1
REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")

Field = tuple[str, str]
Values = tuple[Any, ...]

# What every incoming row begins with. `gone` is true for the last state of a deleted object.
HEAD: tuple[Field, ...] = (
    ("uid", "text"),
    ("resource_version", "text"),
    ("name", "text"),
    ("labels", "jsonb"),
    ("created_at", "timestamptz"),
    ("deleting_since", "timestamptz"),
    ("gone", "boolean"),
)
NAMESPACE: tuple[Field, ...] = (("namespace_name", "text"),)


@dataclass(frozen=True)
class Table:
    """A table and the fields of its kinds' rows, in order; `extra` are worked out here from the item."""

    name: str
    namespaced: bool
    fields: tuple[Field, ...]
    extra: tuple[Field, ...] = ()

    @property
    def incoming(self) -> tuple[Field, ...]:
        """All columns of an incoming row."""
        return HEAD + (NAMESPACE if self.namespaced else ()) + self.fields + self.extra

    @property
    def stored(self) -> tuple[str, ...]:
        """The columns that go from the incoming row to the table as they are."""
        dropped = {"gone", "first_start", "last_finish"}
        if self.name not in {"namespace", "pod"}:
            dropped.add("deleting_since")
        return tuple(name for name, _type in self.incoming if name not in dropped)


class OddObject(ValueError):
    """The object cannot be stored as it is: to be set aside and counted."""


def _fields(kind: str, *names: str) -> tuple[Field, ...]:
    return tuple((name, kind) for name in names)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("namespace", False, _fields("text", "phase", "rancher_project")),
        Table(
            "node",
            False,
            _fields("text", "provider_id", "instance_type", "region", "zone", "capacity_class")
            + (("roles", "text[]"),)
            + _fields("bigint", "cpu_m", "memory_bytes", "gpu_m", "pods")
            + _fields(
                "bigint",
                "allocatable_cpu_m",
                "allocatable_memory_bytes",
                "allocatable_gpu_m",
                "allocatable_pods",
            )
            + _fields("boolean", "ready", "unschedulable")
            + _fields("text", "kubelet_version", "architecture", "operating_system"),
        ),
        Table(
            "pod",
            True,
            _fields("text", "node", "phase", "reason", "owner_kind", "owner_name", "owner_uid")
            + _fields("bigint", "cpu_m", "memory_bytes", "gpu_m")
            + _fields("bigint", "restarts", "containers", "containers_ready", "priority")
            + _fields("text", "priority_class", "qos"),
            _fields("text", "workload_kind", "workload_name") + _fields("timestamptz", "first_start", "last_finish"),
        ),
        Table(
            "workload",
            True,
            _fields("text", "kind")
            + _fields("bigint", "desired", "ready", "updated", "available")
            + _fields("text", "owner_kind", "owner_name", "owner_uid")
            + _fields("boolean", "paused")
            + _fields("bigint", "completions", "active", "succeeded", "failed")
            + _fields("text", "schedule", "time_zone")
            + _fields("timestamptz", "started_at", "finished_at", "last_scheduled_at", "last_succeeded_at")
            + (("images", "text[]"),),
        ),
        Table("service", True, _fields("text", "type", "cluster_ip") + (("ingress", "text[]"),)),
        Table(
            "volume_claim",
            True,
            _fields("text", "phase", "volume", "storage_class")
            + _fields("bigint", "requested_bytes", "capacity_bytes")
            + (("access_modes", "text[]"),),
        ),
        Table(
            "volume",
            False,
            _fields("text", "phase")
            + _fields("bigint", "capacity_bytes")
            + _fields("text", "storage_class", "reclaim_policy", "claim_namespace", "claim_name", "claim_uid")
            + _fields("text", "driver", "handle"),
            _fields("text", "region"),
        ),
        Table("quota", True, _fields("jsonb", "hard", "used")),
    )
}


def values_of(kind: Kind, item: Item, *, gone: bool = False) -> Values:
    """Return an incoming row. Raises `OddObject`."""
    table = TABLES[kind.table]
    try:
        row = kind.extract(item)
        found = _values(table, item, row, gone)
    except (ValueError, TypeError, OverflowError) as error:
        # A naive instant or a number out of range is as odd as a spec that does not decode.
        raise OddObject(str(error)) from None
    _demand_storable(found)
    return found


def _values(table: Table, item: Item, row: Row, gone: bool) -> Values:
    head = item.metadata
    common: Values = (
        head.uid,
        head.resource_version,
        head.name,
        head.labels or {},
        head.creation_timestamp,
        head.deletion_timestamp,
        gone,
    )
    if table.namespaced:
        common += (head.namespace or "",)
    own = tuple([getattr(row, name) for name, _type in table.fields])
    return common + own + _EXTRA.get(table.name, _nothing)(item, row)


def _nothing(item: Item, row: Row) -> Values:
    return ()


def _of_pod(item: Item, row: Row) -> Values:
    if not isinstance(row, PodRow):
        raise OddObject("not a pod")
    head = item.metadata
    kind, name = owners.workload_of(
        name=head.name,
        owner_kind=row.owner_kind,
        owner_name=row.owner_name,
        labels=head.labels or {},
        created_at=head.creation_timestamp,
    )
    return kind, name, row.started_at, row.finished_at


def _of_volume(item: Item, row: Row) -> Values:
    labels = item.metadata.labels or {}
    return (next((labels[name] for name in REGION_LABELS if labels.get(name)), ""),)


_EXTRA: dict[str, Callable[[Item, Row], Values]] = {"pod": _of_pod, "volume": _of_volume}


def _demand_storable(values: Values) -> None:
    """PostgreSQL has no zero byte in text and no integer above 63 bits."""
    for value in values:
        kind = type(value)
        if kind is str:
            if "\0" in value:
                raise OddObject("a text holds a zero byte")
        elif kind is int:
            if not -LARGEST <= value <= LARGEST:
                raise OddObject("a number is too large")
        elif kind is dict or kind is list:
            if "\0" in "".join([*value, *value.values()] if kind is dict else value):
                raise OddObject("a text holds a zero byte")
        elif kind is datetime and value.tzinfo is None:
            raise OddObject("an instant has no time zone")


def body_of(item: Item) -> bytes:
    """Return the JSON that a detail page shows."""
    return metadata.body_of(item)


def as_json(table: Table, rows: list[Values]) -> str:
    """Return rows for `jsonb_to_recordset`, the way of small batches."""
    names = [name for name, _type in table.incoming]
    return msgspec.json.encode([dict(zip(names, row, strict=True)) for row in rows]).decode()


def earliest(first: Values, second: Values) -> Values:
    """Return the second version of a pod with the earlier of both first starts."""
    at = _FIRST_START
    starts = [row[at] for row in (first, second) if row[at] is not None]
    return (*second[:at], min(starts, default=None), *second[at + 1 :])


_FIRST_START = [name for name, _type in TABLES["pod"].incoming].index("first_start")
