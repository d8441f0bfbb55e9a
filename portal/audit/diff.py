"""What an event changed, field by field. Pure rules."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

How = Literal["added", "removed", "changed", "same"]


@dataclass(frozen=True)
class Line:
    """One field, named by its path (`labels.team`), on both sides; None where a side does not have it."""

    path: str
    before: str | None
    after: str | None
    how: How


def lines(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Line]:
    """Return every field of either side, by path."""
    old, new = dict(_flat(before or {}, "")), dict(_flat(after or {}, ""))
    return [_line(path, old.get(path), new.get(path)) for path in sorted({*old, *new})]


def sentence(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """Return what changed as one line: `role: viewer → owner`; what is empty on its only side is left out."""
    parts = []
    for one in lines(before, after):
        if one.how == "changed":
            parts.append(f"{one.path}: {one.before or '–'} → {one.after or '–'}")
        elif one.how != "same" and (only := one.after if one.before is None else one.before):
            parts.append(f"{one.path}: {only}")
    return "; ".join(parts)


def _line(path: str, before: str | None, after: str | None) -> Line:
    if before is None or after is None:
        return Line(path, before, after, "added" if before is None else "removed")
    return Line(path, before, after, "same" if before == after else "changed")


def _flat(values: Mapping[str, Any], under: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        path = f"{under}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}.")
        else:
            yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
