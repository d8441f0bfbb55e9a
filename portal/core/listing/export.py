"""A row as API and CSV carry it: exact, plain and the same in both."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portal.core import csvfile, formats
from portal.core.listing.declare import Column, Row, Total

_LINES = 200

Plain = str | int | bool | Mapping[str, Any] | None


def _decimal(value: Any) -> str:
    return formats.plain(value) if isinstance(value, Decimal) else str(value)


def _number(value: Any) -> Any:
    return formats.plain(value) if isinstance(value, Decimal) else value


def _instant(value: datetime) -> str:
    return formats.iso(value)


def _day(value: date) -> str:
    return value.isoformat()


def _labels(value: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(word) for key, word in value.items()}


_EXPORTS: Mapping[str, Callable[[Any], Any]] = {
    "text": str,
    "code": str,
    "state": str,
    "number": _number,
    "money": _decimal,
    "percent": _decimal,
    "cpu": int,
    "bytes": int,
    "duration": int,
    "instant": _instant,
    "age": _instant,
    "day": _day,
    "labels": _labels,
    "json": dict,
    "flag": bool,
}


def exported(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that leave the house, in order."""
    return tuple(column for column in columns if column.in_export)


def field_names(columns: Sequence[Column]) -> list[str]:
    """The field names of API and CSV: each column, and after it its unit where that differs by row."""
    names: list[str] = []
    for column in exported(columns):
        for name in (column.key, column.unit_key):
            if name and name not in names:
                names.append(name)
    return names


def row(columns: Sequence[Column], values: Row) -> dict[str, Plain]:
    """One row: money and quantities as decimal strings, cpu and bytes as integers, instants in ISO with Z,
    None as null.
    """
    plain: dict[str, Plain] = {}
    for column in exported(columns):
        value = values[column.key]
        plain[column.key] = None if value is None else _EXPORTS[column.kind](value)
        if column.unit_key:
            plain[column.unit_key] = values[column.unit_key]
    return plain


def csv_cell(column: Column, value: Plain) -> csvfile.Cell:
    """The same value in a file: figures stay figures, text is text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return csvfile.Figure(value) if column.is_figure else value


def csv_rows(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[list[csvfile.Cell]]:
    """The cells of each row, in the order of `field_names`."""
    names = field_names(columns)
    by_key = {column.key: column for column in columns}
    unit_only = Column("", "")
    for values in rows:
        plain = row(columns, values)
        yield [csv_cell(by_key.get(name, unit_only), plain[name]) for name in names]


def json_lines(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[bytes]:
    """One JSON object a line, with the fields of the API; what is read by programs carries no remarks."""
    lines: list[str] = []
    for values in rows:
        lines.append(json.dumps(row(columns, values), ensure_ascii=False, separators=(",", ":"), default=str) + "\n")
        if len(lines) >= _LINES:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def total_plain(total: Total) -> dict[str, str]:
    """Exact sums per unit."""
    return {unit: formats.plain(amount) for unit, amount in total.sums.items()}
