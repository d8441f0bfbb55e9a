"""CSV that a spreadsheet cannot be tricked with: UTF-8, RFC 4180, made row by row.

Text that a spreadsheet would take for a formula gets a leading apostrophe. Figures are marked as such by
their type and stay figures, negative ones included.
"""

from collections.abc import Iterable, Iterator, Sequence


class Figure(str):
    """Digits that are already written out (an exact decimal); never treated as text."""

    __slots__ = ()


Cell = str | int | bool | None

# Tab, return and newline are dropped by spreadsheets on import, and what follows then begins the cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_QUOTED = frozenset(',"\r\n')
_BATCH = 200


def guarded(text: str) -> str:
    """Text as a spreadsheet reads it back: an apostrophe in front of what would be a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def cell(value: Cell) -> str:
    """One cell, quoted where its content asks for it. None is empty, truth is `true` or `false`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Figure):
        return str(value)
    text = guarded(value.replace("\0", ""))
    return '"' + text.replace('"', '""') + '"' if not _QUOTED.isdisjoint(text) else text


def line(cells: Iterable[Cell]) -> str:
    """One record with its line end."""
    return ",".join(map(cell, cells)) + "\r\n"


def remark(*cells: Cell) -> str:
    """A record after the data: its first cell begins with `# `, which readers of CSV can be told to skip."""
    first, *others = cells
    return line([f"# {first}", *others])


def stream(header: Sequence[str], rows: Iterable[Sequence[Cell]], footer: Iterator[str]) -> Iterator[bytes]:
    """The file in pieces. The header goes out alone, so that the first byte does not wait for the first row.

    `footer` is read after the last row: totals that were counted while the rows passed are complete then.
    """
    yield line(header).encode()
    batch: list[str] = []
    for row in rows:
        batch.append(line(row))
        if len(batch) >= _BATCH:
            yield "".join(batch).encode()
            batch.clear()
    yield ("".join(batch) + "".join(footer)).encode()
