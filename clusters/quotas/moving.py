"""Moving shares of a pool from one namespace to another, in an order that keeps the pool whatever fails between.

One share is lowered so: read the object, write down (`Books.begin`) that somebody is about to change it and what to,
send that with the version that was read, and only when the cluster has confirmed it count the difference as free
(`Books.settle`). A raise is counted first (`Books.grant`) and sent after. Each write carries the version that was read
and changes the object, so a request that arrives late finds another version and is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from clusters.quotas import pool
from clusters.quotas.pool import Amounts, Key, Standing

# How often a share is read again when its object changed between reading and writing.
TRIES = 3


class NotReached(Exception):
    """The cluster did not answer, or nobody knows whether it did what was asked."""


@dataclass(frozen=True)
class Seen:
    """A limit in its cluster, read just now."""

    version: str
    uid: str
    hard: Amounts
    used: Amounts


@dataclass(frozen=True)
class Move:
    """A change of a limit that was written down: `number` rises with each one of the namespace."""

    key: Key
    number: int
    hard: Amounts


class Books(Protocol):
    """What is written down about the shares of one pool."""

    def pool(self) -> Amounts:
        """Return the pool in force."""
        ...

    def rows(self) -> Sequence[Standing]:
        """Return how each namespace stands."""
        ...

    def note(self, goal: Mapping[Key, Amounts]) -> None:
        """Keep what each namespace should have, for the page."""
        ...

    def begin(self, key: Key, lower: Amounts) -> Move | None:
        """Write down a change: each resource as granted, or as `lower` says where that is less.

        None where the namespace is no longer part of the pool, or somebody else is changing it.
        """
        ...

    def settle(self, move: Move, version: str) -> bool:
        """Count what a confirmed change has freed; False where another change has begun since."""
        ...

    def give_up(self, move: Move) -> None:
        """Note that a change surely did not happen."""
        ...

    def grant(self, wanted: Mapping[Key, Amounts]) -> Mapping[Key, Amounts]:
        """Count raises, as far as there is room at this moment. Returns what was granted."""
        ...


class Door(Protocol):
    """The way to the clusters."""

    def read(self, key: Key) -> Seen | None:
        """Return the object now, None where there is none of ours. Raises `NotReached`."""
        ...

    def write(self, move: Move, seen: Seen) -> str | None:
        """Send a change. Returns the new version, None where the object changed meanwhile. Raises `NotReached`."""
        ...


@dataclass
class Report:
    """What a pass did: shares lowered, limits raised, objects that could not be reached, and that are not made yet."""

    lowered: int = 0
    raised: int = 0
    waiting: int = 0
    unmade: int = 0


def balance(books: Books, door: Door) -> Report:
    """Move shares towards what each namespace should have. Raises `pool.FloorsExceed`."""
    report = Report()
    rows = books.rows()
    goal = pool.split(books.pool(), rows)
    books.note(goal)
    for key, amounts in pool.lowers(goal, rows).items():
        report.lowered += _lower(books, door, key, amounts, report)
    rows = books.rows()
    wanted = pool.raises(books.pool(), pool.split(books.pool(), rows), rows)
    for key in books.grant(wanted) if wanted else {}:
        report.raised += _send(books, door, key, report)
    for row in rows:
        if row.key not in wanted and row.behind and not row.frozen:
            _send(books, door, row.key, report)
    return report


def _lower(books: Books, door: Door, key: Key, amounts: Amounts, report: Report) -> bool:
    row = next((row for row in books.rows() if row.key == key), None)
    for _attempt in range(TRIES if row is not None else 0):
        try:
            seen = door.read(key)
            if seen is None:
                report.unmade += 1  # the loop that writes everything makes it
                return False
            assert row is not None
            floor = row.floor
            least = {name: max(amount, seen.used.get(name, 0), floor.get(name, 0)) for name, amount in amounts.items()}
            move = books.begin(key, least)
            if move is None:
                return False
            version = door.write(move, seen)
        except NotReached:
            report.waiting += 1
            return False
        if version is not None:
            return books.settle(move, version)
        books.give_up(move)
    return False


def _send(books: Books, door: Door, key: Key, report: Report) -> bool:
    """Send what is granted."""
    return _lower(books, door, key, {}, report)
