"""Where rows come from: a query, or dicts in memory. Both page by keyset, count to a cap, and add up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, F, Model, Q, QuerySet, Sum
from django.db.models.expressions import OrderBy

from portal.core import money
from portal.core.listing.cursors import Cursor
from portal.core.listing.declare import Column, Row, Total

COUNT_CAP = 1_000
CHUNK = 2_000
MOST_UNITS = 20

Rows = QuerySet[Any, dict[str, Any]] | Sequence[Row]


@dataclass(frozen=True)
class Key:
    """One key of an order. Going backwards turns both its direction and the place of its NULLs."""

    name: str
    descends: bool = False
    nulls_last: bool = True
    nullable: bool = True

    def turned(self) -> "Key":
        """The same key read from the other end."""
        return replace(self, descends=not self.descends, nulls_last=not self.nulls_last)


def keys_of(keyset: Sequence[str], *, reverse: bool) -> tuple[Key, ...]:
    """The keys of a declared order; `reverse` turns the direction and leaves NULLs last."""
    return tuple(Key(name.removeprefix("-"), name.startswith("-") != reverse) for name in keyset)


@dataclass(frozen=True)
class Window:
    """The rows of one page in list order, and whether there are more on each side."""

    rows: list[Row]
    before: bool
    after: bool


class Source(Protocol):
    """What a list needs of its rows."""

    def narrowed(self, lookups: Mapping[str, Any]) -> "Source":
        """The rows that fit every lookup."""

    def count(self) -> int:
        """How many rows, at most one more than `COUNT_CAP`."""

    def totals(self, columns: Sequence[Column]) -> dict[str, Total]:
        """The sums over all rows, by column key."""

    def some(self, keys: tuple[Key, ...], after: tuple[Any, ...] | None, limit: int) -> list[Row]:
        """At most `limit` rows in the order of `keys`, strictly after the given values."""

    def stream(self, keys: tuple[Key, ...]) -> Iterator[Row]:
        """All rows in the order of `keys`."""


def window(source: Source, keys: tuple[Key, ...], cursor: Cursor | None, size: int) -> Window:
    """One page: at the beginning, after a cursor, or before it."""
    if cursor is None or cursor.forward:
        found = source.some(keys, cursor.values if cursor else None, size + 1)
        return Window(found[:size], before=cursor is not None, after=len(found) > size)
    found = source.some(tuple(key.turned() for key in keys), cursor.values, size + 1)
    return Window(found[:size][::-1], before=len(found) > size, after=True)


@dataclass(frozen=True)
class QuerySource:
    """Rows of a `QuerySet.values(...)`."""

    query: QuerySet[Any, dict[str, Any]]

    def narrowed(self, lookups: Mapping[str, Any]) -> "QuerySource":
        """Add WHERE, or HAVING for an annotation over groups."""
        return QuerySource(self.query.filter(**lookups)) if lookups else self

    def count(self) -> int:
        """Count no further than the cap: an exact count of a million rows costs more than its page."""
        return self.query.order_by()[: COUNT_CAP + 1].count()

    def totals(self, columns: Sequence[Column]) -> dict[str, Total]:
        """One aggregate query for all columns, after one for the units of each unit column."""
        if not columns:
            return {}
        query = self.query.order_by()
        units = {
            key: list(query.values_list(key, flat=True).distinct()[:MOST_UNITS])
            for key in {column.unit_key for column in columns if column.unit_key}
        }
        asked: dict[str, Any] = {"rows_in_all": Count("*")}
        for at, column in enumerate(columns):
            asked[f"known_{at}"] = Count(column.key)
            for number, unit in enumerate(units.get(column.unit_key, [""])):
                asked[f"sum_{at}_{number}"] = Sum(column.key, filter=_of_unit(column, unit))
        found = query.aggregate(**asked)
        return {
            column.key: Total(
                sums=_sums(units.get(column.unit_key, [""]), [found.get(f"sum_{at}_{n}") for n in range(MOST_UNITS)]),
                missing=found["rows_in_all"] - found[f"known_{at}"],
            )
            for at, column in enumerate(columns)
        }

    def some(self, keys: tuple[Key, ...], after: tuple[Any, ...] | None, limit: int) -> list[Row]:
        """One range of the index, at any depth."""
        exact = self._nullable(keys)
        query = self.query.order_by(*(_order_by(key) for key in exact))
        if after is not None:
            beyond = _beyond(exact, after)
            if beyond is None:
                return []
            query = query.filter(beyond)
        return list(query[:limit])

    def stream(self, keys: tuple[Key, ...]) -> Iterator[Row]:
        """Rows by a server-side cursor, so that a large export neither waits nor fills memory."""
        ordered = self.query.order_by(*(_order_by(key) for key in self._nullable(keys)))
        return iter(ordered.iterator(chunk_size=CHUNK))

    def _nullable(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        annotated = self.query.query.annotations
        return tuple(
            replace(key, nullable=key.name in annotated or _may_be_null(self.query.model, key.name)) for key in keys
        )


def _may_be_null(model: type[Model], name: str) -> bool:
    """Whether the column can be NULL; a path over relations or an unknown name counts as nullable."""
    try:
        return bool(getattr(model._meta.get_field(name), "null", True))
    except FieldDoesNotExist:
        return name != "pk"


def _order_by(key: Key) -> OrderBy:
    column = F(key.name)
    if not key.nullable:
        return column.desc() if key.descends else column.asc()
    place = {"nulls_last": True} if key.nulls_last else {"nulls_first": True}
    return column.desc(**place) if key.descends else column.asc(**place)


def _beyond(keys: tuple[Key, ...], values: tuple[Any, ...]) -> Q | None:
    """Rows strictly after `values`; None when there can be none.

    (a, b) after (x, y) is `a > x or (a = x and b > y)`. The leading `a >= x` says nothing new; it gives the
    database a range of the index to begin with.
    """
    branches = Q()
    same = Q()
    for key, value in zip(keys, values, strict=True):
        past = _past(key, value)
        if past is not None:
            branches |= same & past
        same &= Q(**{f"{key.name}__isnull": True}) if value is None else Q(**{key.name: value})
    if not branches:
        return None
    first, value = keys[0], values[0]
    if len(keys) > 1 and not first.nullable:
        branches = Q(**{f"{first.name}__{'lte' if first.descends else 'gte'}": value}) & branches
    return branches


def _past(key: Key, value: Any) -> Q | None:
    if value is None:
        return None if key.nulls_last else Q(**{f"{key.name}__isnull": False})
    past = Q(**{f"{key.name}__{'lt' if key.descends else 'gt'}": value})
    if key.nullable and key.nulls_last:
        past |= Q(**{f"{key.name}__isnull": True})
    return past


def _of_unit(column: Column, unit: Any) -> Q | None:
    if not column.unit_key:
        return None
    return Q(**{f"{column.unit_key}__isnull": True}) if unit is None else Q(**{column.unit_key: unit})


def _sums(units: Sequence[Any], sums: Sequence[Any]) -> dict[str, Decimal]:
    return {str(unit or ""): Decimal(amount) for unit, amount in zip(units, sums, strict=False) if amount is not None}


@dataclass(frozen=True)
class MemorySource:
    """Rows that are in memory already, for raw SQL of bounded size. Same order, same pages as a query."""

    rows: Sequence[Row]

    def narrowed(self, lookups: Mapping[str, Any]) -> "MemorySource":
        """Only equality with a key of the rows: a list in memory has no joins."""
        return MemorySource([row for row in self.rows if all(row[key] == value for key, value in lookups.items())])

    def count(self) -> int:
        """The number of rows, capped like that of a query."""
        return min(len(self.rows), COUNT_CAP + 1)

    def totals(self, columns: Sequence[Column]) -> dict[str, Total]:
        """Exact sums over all rows."""
        found = {}
        for column in columns:
            adder = Adder(column)
            for row in self.rows:
                adder.add(row)
            found[column.key] = adder.total()
        return found

    def some(self, keys: tuple[Key, ...], after: tuple[Any, ...] | None, limit: int) -> list[Row]:
        """The sorted rows, from the first one past the cursor on."""
        ordered = self._sorted(keys)
        if after is None:
            return ordered[:limit]
        edge = _places(keys, after)
        return [row for row in ordered if _places(keys, tuple(row[key.name] for key in keys)) > edge][:limit]

    def stream(self, keys: tuple[Key, ...]) -> Iterator[Row]:
        """All rows in order."""
        return iter(self._sorted(keys))

    def _sorted(self, keys: tuple[Key, ...]) -> list[Row]:
        return sorted(self.rows, key=lambda row: _places(keys, tuple(row[key.name] for key in keys)))


class _Downwards:
    """Compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downwards) and bool(self.value == other.value)

    def __lt__(self, other: "_Downwards") -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


def _places(keys: tuple[Key, ...], values: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    """A sortable place: NULLs on their side, values in their direction."""
    return tuple(
        (
            (value is None) == key.nulls_last,
            0 if value is None else _Downwards(value) if key.descends else value,
        )
        for key, value in zip(keys, values, strict=True)
    )


class Adder:
    """Adds one column up while rows pass by, so that an export's total is that of its own rows."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.sums: dict[str, Decimal] = {}
        self.missing = 0

    def add(self, row: Row) -> None:
        """Count one row."""
        value = row[self.column.key]
        if value is None:
            self.missing += 1
            return
        unit = str(row[self.column.unit_key] or "") if self.column.unit_key else ""
        self.sums[unit] = money.EXACT.add(self.sums.get(unit, Decimal(0)), Decimal(value))

    def total(self) -> Total:
        """The sums so far."""
        return Total(self.sums, self.missing)


def of(rows: Rows) -> Source:
    """The source for what a list's `rows` gave."""
    if isinstance(rows, QuerySet):
        return QuerySource(rows)
    return MemorySource(rows)
