"""Places in a list: keyset values of a row, signed, so that only what was handed out comes back."""

import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core import signing


class BadCursor(Exception):
    """The text is not a cursor of this list and order."""


@dataclass(frozen=True)
class Cursor:
    """The row at the edge of a page. `forward` asks for the rows after it; `start` is how many rows lie
    before the page.
    """

    values: tuple[Any, ...]
    forward: bool
    start: int


# Tag -> how a value of this type is read back. datetime comes before date, bool before int: each is a kind of
# the other.
_TYPES: Sequence[tuple[str, type, Callable[[Any], Any], Callable[[Any], Any]]] = (
    ("b", bool, bool, bool),
    ("i", int, int, int),
    ("s", str, str, str),
    ("d", Decimal, str, Decimal),
    ("t", datetime, datetime.isoformat, datetime.fromisoformat),
    ("y", date, date.isoformat, date.fromisoformat),
    ("u", uuid.UUID, str, uuid.UUID),
    ("f", float, float, float),
)
_READ = {tag: read for tag, _kind, _write, read in _TYPES}


def _tagged(value: Any) -> list[Any]:
    if value is None:
        return ["n", None]
    for tag, kind, write, _read in _TYPES:
        if isinstance(value, kind):
            return [tag, write(value)]
    raise TypeError(f"a list cannot be ordered by values of type {type(value).__name__}")


def _signer(list_key: str, order: str) -> signing.Signer:
    return signing.Signer(salt=f"listing:{list_key}:{order}")


def write(cursor: Cursor, *, list_key: str, order: str) -> str:
    """The text of a cursor, bound to the list and its order."""
    content = [int(cursor.forward), cursor.start, [_tagged(value) for value in cursor.values]]
    packed = urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")
    return _signer(list_key, order).sign(packed)


def read(text: str, *, list_key: str, order: str, keys: int) -> Cursor:
    """Read back what `write` made; raises `BadCursor` for anything else."""
    try:
        packed = _signer(list_key, order).unsign(text)
        forward, start, tagged = json.loads(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        values = tuple(None if tag == "n" else _READ[tag](value) for tag, value in tagged)
    except (signing.BadSignature, ValueError, KeyError, TypeError):
        raise BadCursor from None
    if len(values) != keys:
        raise BadCursor
    return Cursor(values, bool(forward), int(start))
