"""The chain's arithmetic: the canonical form of an event and the hash over it. Pure rules.

    hash(n) = SHA-256( "paddock audit 1" LF n LF hash(n-1) LF canonical(event) )

The canonical form is one JSON object with every column of the table, keys sorted, no spaces, UTF-8.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

VERSION = "paddock audit 1"
GENESIS = "0" * 64
# Every column of the table of events. A later column that is left out where it is null keeps old hashes true.
COLUMNS = (
    "id",
    "at",
    "kind",
    "actor_kind",
    "actor_id",
    "actor_label",
    "as_label",
    "token",
    "address",
    "request_id",
    "team_id",
    "project_id",
    "on_type",
    "on_id",
    "on_label",
    "on_url",
    "before",
    "after",
)
_STRUCTURED = frozenset({"id", "before", "after"})


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the table as JSON carries it: instants in UTC, ids as text."""
    return {name: row[name] if name in _STRUCTURED else _text(row[name]) for name in COLUMNS}


def canonical(row: Mapping[str, Any]) -> str:
    """Return the one text that stands for a row."""
    return json.dumps(plain(row), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hashed(seq: int, previous: str, row: Mapping[str, Any]) -> str:
    """Return the hash of link `seq`, in hexadecimal."""
    return sha256(f"{VERSION}\n{seq}\n{previous}\n{canonical(row)}".encode()).hexdigest()


def head_text(*, seq: int, hash_: str, at: datetime, key: str) -> bytes:
    """Return what is signed of a head."""
    return f"{VERSION} head\n{seq}\n{hash_}\n{_text(at)}\n{key}".encode()


def checkpoint_text(*, seq: int, hash_: str, cutoff: datetime, at: datetime, key: str) -> bytes:
    """Return what is signed of a checkpoint."""
    return f"{VERSION} checkpoint\n{seq}\n{hash_}\n{_text(cutoff)}\n{_text(at)}\n{key}".encode()


def introduction_text(public: str) -> bytes:
    """Return what the key before signs of a new key."""
    return f"{VERSION} key\n{public}".encode()


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
