"""Clusters in memory that hold limits, lose answers, deliver late and freeze; and books in memory."""

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clusters.quotas import moving
from clusters.quotas.moving import Move, NotReached, Seen
from clusters.quotas.pool import Amounts, Key, Standing

RESOURCES = ("requests.cpu", "pods")


class OverThePool(AssertionError):
    """More stands in the clusters than the pool has."""


@dataclass
class Object:
    """A ResourceQuota in its cluster."""

    version: int
    hard: dict[str, int]
    used: dict[str, int]
    mark: int = 0


@dataclass
class Late:
    """A request that is still on its way."""

    key: Key
    version: int
    hard: dict[str, int]
    mark: int


@dataclass
class Estate:
    """Objects by namespace; `watch` is what an independent watcher checks after every change."""

    pool: dict[str, int]
    chance: random.Random
    objects: dict[Key, Object] = field(default_factory=dict)
    frozen: set[Key] = field(default_factory=set)
    late: list[Late] = field(default_factory=list)
    peak: dict[str, int] = field(default_factory=dict)
    writes: int = 0

    def check(self) -> None:
        """Σ hard ≤ pool, of each resource."""
        for resource, most in self.pool.items():
            total = sum(one.hard.get(resource, 0) for one in self.objects.values())
            self.peak[resource] = max(self.peak.get(resource, 0), total)
            if total > most:
                raise OverThePool(f"{resource}: {total} of {most}")

    def arrive(self, request: Late) -> bool:
        """What a server does with an apply that carries a version."""
        found = self.objects[request.key]
        if found.version != request.version:
            return False
        if found.hard != request.hard or found.mark != request.mark:
            self.writes += 1
            found.hard, found.mark, found.version = dict(request.hard), request.mark, found.version + 1
            self.check()
        return True

    def load(self) -> None:
        """Somebody uses more or less, within the limits, which changes the object's version as a server does."""
        found = self.objects[self.chance.choice(sorted(self.objects, key=str))]
        for resource, hard in found.hard.items():
            if self.chance.random() < 0.5:
                found.used[resource] = self.chance.randint(0, max(hard, found.used.get(resource, 0)))
        found.version += 1


@dataclass
class Flaky:
    """A door to the estate; `meanwhile` runs whatever else happens between two requests."""

    estate: Estate
    meanwhile: Callable[[], None]
    trouble: float

    def read(self, key: Key) -> Seen | None:
        self.meanwhile()
        if key in self.estate.frozen or self.estate.chance.random() < self.trouble / 4:
            raise NotReached
        found = self.estate.objects[key]
        seen = Seen(str(found.version), "", dict(found.hard), dict(found.used))
        self.meanwhile()
        return seen

    def write(self, move: Move, seen: Seen) -> str | None:
        self.meanwhile()
        request = Late(move.key, int(seen.version), dict(move.hard), move.number)
        fate = self.estate.chance.random()
        if move.key in self.estate.frozen or fate < self.trouble / 2:
            if fate < self.trouble / 4:
                self.estate.late.append(request)
            raise NotReached
        done = self.estate.arrive(request)
        if fate < self.trouble:
            raise NotReached
        version = str(self.estate.objects[move.key].version) if done else None
        self.meanwhile()
        return version


@dataclass
class Share:
    """One namespace of the books."""

    granted: dict[str, int]
    confirmed: dict[str, int]
    moves: int = 0
    moving: bool = False


@dataclass
class MemoryBooks:
    """Books as `clusters.quotas.services.books` keeps them in the database."""

    estate: Estate
    floor: int
    shares: dict[Key, Share] = field(default_factory=dict)

    def pool(self) -> Amounts:
        return self.estate.pool

    def rows(self) -> Sequence[Standing]:
        return [
            Standing(
                key=key,
                name=key[1],
                granted=dict(share.granted),
                used=dict(self.estate.objects[key].used),
                floor=dict.fromkeys(RESOURCES, self.floor),
                recent=dict(self.estate.objects[key].used),
                frozen=key in self.estate.frozen,
                asked={"pods": 1} if self.estate.chance.random() < 0.2 else {},
                behind=share.granted != share.confirmed,
            )
            for key, share in self.shares.items()
        ]

    def note(self, goal: Mapping[Key, Amounts]) -> None:
        pass

    def begin(self, key: Key, lower: Amounts) -> Move | None:
        share = self.shares[key]
        if share.moving:
            return None
        share.moves, share.moving = share.moves + 1, True
        return Move(
            key, share.moves, {name: min(amount, lower.get(name, amount)) for name, amount in share.granted.items()}
        )

    def settle(self, move: Move, version: str) -> bool:
        share = self.shares[move.key]
        if share.moves != move.number or not share.moving:
            return False
        for name, amount in move.hard.items():
            share.granted[name] = min(share.granted[name], amount)
        share.confirmed, share.moving = dict(move.hard), False
        return True

    def give_up(self, move: Move) -> None:
        share = self.shares[move.key]
        if share.moves == move.number:
            share.moving = False

    def grant(self, wanted: Mapping[Key, Amounts]) -> Mapping[Key, Amounts]:
        room = {
            name: most - sum(share.granted[name] for share in self.shares.values())
            for name, most in self.estate.pool.items()
        }
        given: dict[Key, dict[str, int]] = {}
        for key, amounts in wanted.items():
            for name, amount in amounts.items():
                gap = min(amount - self.shares[key].granted[name], room[name])
                if gap > 0:
                    self.shares[key].granted[name] += gap
                    room[name] -= gap
                    given.setdefault(key, {})[name] = self.shares[key].granted[name]
        return given

    def time_passes(self) -> None:
        """Changes that somebody began and never ended are nobody's any more."""
        for share in self.shares.values():
            share.moving = False


def populate(estate: Estate, books: MemoryBooks, count: int) -> None:
    """Namespaces with nothing yet, each with its object."""
    for number in range(count):
        key = (uuid.UUID(int=number % 2), f"namespace-{number}")
        books.shares[key] = Share(dict.fromkeys(RESOURCES, 0), dict.fromkeys(RESOURCES, 0))
        estate.objects[key] = Object(1, dict.fromkeys(RESOURCES, 0), dict.fromkeys(RESOURCES, 0))


@dataclass
class World:
    """Everything that can happen beside a pass: load, freezing, late requests, a second worker, the general loop."""

    estate: Estate
    books: Any
    trouble: float
    steps: int = 0
    depth: int = 0
    errors: list[str] = field(default_factory=list)
    snapshots: list[Late] = field(default_factory=list)

    def happen(self) -> None:
        chance, estate = self.estate.chance, self.estate
        self.steps += 1
        what = chance.random()
        if what < 0.35:
            estate.load()
        elif what < 0.45:
            key = chance.choice(sorted(estate.objects, key=str))
            estate.frozen ^= {key}
        elif what < 0.55 and estate.late:
            estate.arrive(estate.late.pop(chance.randrange(len(estate.late))))
        elif what < 0.62 and self.depth < 3:
            self.work()
        elif what < 0.7:
            self.restore()
        elif what < 0.74:
            self.books.time_passes()

    def work(self) -> None:
        """A pass of a worker, perhaps while another one is in the middle of its own."""
        self.depth += 1
        try:
            moving.balance(self.books, Flaky(self.estate, self.happen, self.trouble))
        finally:
            self.depth -= 1

    def restore(self) -> None:
        """The loop that writes everything: reads the version first, then what is granted, and may send late."""
        if self.snapshots and self.estate.chance.random() < 0.5:
            self.estate.arrive(self.snapshots.pop(0))
            return
        key = self.estate.chance.choice(sorted(self.estate.objects, key=str))
        share = self.books.shares[key]
        if not share.moving:
            found = self.estate.objects[key]
            self.snapshots.append(Late(key, found.version, dict(share.granted), found.mark))

    def calm(self) -> None:
        """No more trouble: what is on its way arrives, everything answers."""
        self.estate.frozen.clear()
        for request in self.estate.late:
            self.estate.arrive(request)
        self.books.time_passes()
