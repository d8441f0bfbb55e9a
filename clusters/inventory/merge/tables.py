"""Which columns each kind fills, and an item as plain values in their order.

The columns follow from the kind's row and its model: a new kind is named in neither place again. A list of text is an
array, a tuple of objects a JSON list, a dict a JSON object.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from clusters.inventory import owners
from clusters.inventory.models.observed import Charged, Namespaced, Observed
from clusters.kube.objects import metadata
from clusters.kube.objects.metadata import Item
from clusters.kube.objects.pod import PodRow
from clusters.kube.objects.table import KINDS, Kind, Row

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
    """A table and the fields of its kinds' rows, in order; `extra` are worked out here from the item.

    `unstored` come in and are not kept as they are.
    """

    name: str
    namespaced: bool
    fields: tuple[Field, ...]
    extra: tuple[Field, ...] = ()
    unstored: frozenset[str] = frozenset()

    @property
    def incoming(self) -> tuple[Field, ...]:
        """All columns of an incoming row."""
        return HEAD + (NAMESPACE if self.namespaced else ()) + self.fields + self.extra

    @property
    def stored(self) -> tuple[str, ...]:
        """The columns that go from the incoming row to the table as they are."""
        return tuple(name for name, _type in self.incoming if name not in self.unstored)


class OddObject(ValueError):
    """The object cannot be stored as it is: to be set aside and counted."""


# Worked out from item and row by the functions of _EXTRA below, in this order.
_EXTRA_FIELDS: dict[str, tuple[Field, ...]] = {
    "pod": (
        ("workload_kind", "text"),
        ("workload_name", "text"),
        ("first_start", "timestamptz"),
        ("last_finish", "timestamptz"),
    ),
    "volume": (("region", "text"),),
}


def _table(model: type[Observed], row: type[Row]) -> Table:
    """Derive the columns that a kind fills: those that its row and its model both have.

    The head is common to all, and the span of what is charged is worked out in the database.
    """
    columns = {field.name: str(field.db_type(connection)) for field in model._meta.concrete_fields}
    apart = {name for name, _type in HEAD}
    if issubclass(model, Charged):
        apart |= {field.name for field in Charged._meta.get_fields()}
    name = model._meta.db_table
    return Table(
        name=name,
        namespaced=issubclass(model, Namespaced),
        fields=tuple((each, columns[each]) for each in row.__struct_fields__ if each in columns and each not in apart),
        extra=_EXTRA_FIELDS.get(name, ()),
        unstored=frozenset({"gone", "first_start", "last_finish"} | ({"deleting_since"} - set(columns))),
    )


def _models(parent: type[Observed]) -> Iterator[type[Observed]]:
    for model in parent.__subclasses__():
        if not model._meta.abstract:
            yield model
        yield from _models(model)


def _tables() -> dict[str, Table]:
    models_of = {model._meta.db_table: model for model in _models(Observed)}  # type: ignore[type-abstract]
    # A kind without such a model has a reading of its own.
    return {kind.table: _table(models_of[kind.table], kind.row) for kind in KINDS if kind.table in models_of}


TABLES: dict[str, Table] = _tables()
# Those that several kinds fill together.
SHARED = frozenset(kind.table for kind in KINDS if sum(each.table == kind.table for each in KINDS) > 1)


def values_of(kind: Kind, item: Item, *, gone: bool = False) -> Values:
    """Return an incoming row. Raises `OddObject`."""
    table = TABLES[kind.table]
    try:
        row = kind.extract(item)
        found = _values(table, item, row, gone)
    except (ValueError, TypeError, OverflowError) as error:
        # A naive instant or a number out of range is as odd as a spec that does not decode.
        raise OddObject(str(error)) from None
    demand_storable(found)
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


def demand_storable(values: Values) -> None:
    """PostgreSQL has no zero byte in text and no integer above 63 bits."""
    for value in values:
        kind = type(value)
        if kind is str:
            if "\0" in value:
                raise OddObject("a text holds a zero byte")
        elif kind is int:
            if not -LARGEST <= value <= LARGEST:
                raise OddObject("a number is too large")
        elif kind in _JOINED:
            if "\0" in _JOINED[kind](value):
                raise OddObject("a text holds a zero byte")
        elif kind is datetime and value.tzinfo is None:
            raise OddObject("an instant has no time zone")


def _flat(value: dict[str, str]) -> str:
    return "".join([*value, *value.values()])


def _texts(value: Any) -> Iterator[str]:
    """Every text inside a list of JSON values, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


# All texts of a value together.
_JOINED: dict[type, Callable[[Any], str]] = {
    dict: _flat,
    list: "".join,
    tuple: lambda value: "".join(_texts(value)),
}


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
