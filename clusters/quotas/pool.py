"""How a pool is shared among namespaces of many clusters. Rules alone: no clock, no database, no cluster.

`split` says what each namespace should have; `lowers` and `raises` say which of it may be done next. What was granted
is the most that may stand in a cluster now: it falls only after the cluster confirmed the lower limit, and rises, while
there is room, before the higher one is sent. So the sum of what stands never exceeds the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

# (cluster id, uid of the namespace)
Key = tuple[UUID, str]
Amounts = Mapping[str, int]
# Changes below this part of what is granted are not worth a write.
LEAST_CHANGE = 20


@dataclass(frozen=True)
class Standing:
    """How a namespace stands; each mapping is by resource, in smallest units.

    `recent` weighs what is free. `frozen`: its cluster is not reached, so what was granted stays. `hungry` are the
    resources for lack of which something was refused lately. A resource that is not in `granted` has no limit yet.
    """

    key: Key
    name: str
    granted: Amounts
    used: Amounts
    floor: Amounts
    recent: Amounts = field(default_factory=dict)
    frozen: bool = False
    asked: Amounts = field(default_factory=dict)
    behind: bool = False

    def kept(self, resource: str) -> int:
        """Return the least that it may be lowered to."""
        return max(self.used.get(resource, 0), self.floor.get(resource, 0))


class FloorsExceed(Exception):
    """The least that each namespace needs is more than the pool: `by_resource` holds the sum and the names."""

    def __init__(self, by_resource: Mapping[str, tuple[int, tuple[str, ...]]]) -> None:
        super().__init__(", ".join(by_resource))
        self.by_resource = by_resource


def split(pool: Amounts, rows: Sequence[Standing]) -> dict[Key, dict[str, int]]:
    """Return what each namespace should have of each resource; the sums never exceed the pool.

    Floors come first, then what is in use beyond them, then what was refused lately, then the rest by recent use.
    Rows of a cluster that is not reached keep what was granted; where that leaves less than the others' floors, they
    share what is left. Raises `FloorsExceed`.
    """
    demand_floors(pool, rows)
    found: dict[Key, dict[str, int]] = {row.key: {} for row in rows}
    for resource, amount in pool.items():
        for key, share in _split_one(amount, resource, rows).items():
            found[key][resource] = share
    return found


def demand_floors(pool: Amounts, rows: Sequence[Standing]) -> None:
    """Refuse a pool that is smaller than the floors together. Raises `FloorsExceed`."""
    short: dict[str, tuple[int, tuple[str, ...]]] = {}
    for resource, amount in pool.items():
        floors = [(row.floor.get(resource, 0), row.name) for row in rows]
        if (least := sum(floor for floor, _name in floors)) > amount:
            short[resource] = (least, tuple(name for floor, name in floors if floor))
    if short:
        raise FloorsExceed(short)


def _split_one(pool: int, resource: str, rows: Sequence[Standing]) -> dict[Key, int]:
    shares = {row.key: row.granted.get(resource, 0) for row in rows if row.frozen}
    live = [row for row in rows if not row.frozen]
    left = max(pool - sum(shares.values()), 0)
    floors = [row.floor.get(resource, 0) for row in live]
    first = _up_to(left, floors)
    left -= sum(first)
    beyond = [max(row.used.get(resource, 0) - floor, 0) for row, floor in zip(live, floors, strict=True)]
    second = _up_to(left, beyond)
    left -= sum(second)
    wanted = _up_to(left, [row.asked.get(resource, 0) for row in live])
    left -= sum(wanted)
    # One more than the use, so that a namespace that used nothing is not stuck at nothing.
    third = proportional(left, [row.recent.get(resource, 0) + 1 for row in live])
    for row, *parts in zip(live, first, second, wanted, third, strict=True):
        shares[row.key] = sum(parts)
    return shares


def _up_to(amount: int, wanted: Sequence[int]) -> list[int]:
    """Give everybody what they want, or each the same part of it where it is not enough."""
    return list(wanted) if sum(wanted) <= amount else proportional(amount, wanted)


def proportional(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide a whole amount by weights, exactly: the largest remainders, then the first, get what rounding left."""
    total = sum(weights)
    if total <= 0:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place))
    for place in remainders[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def lowers(goal: Mapping[Key, Amounts], rows: Sequence[Standing]) -> dict[Key, dict[str, int]]:
    """Return what is to be lowered to what: never below use or floor, and only what is worth it or needed."""
    needed = {
        resource
        for row in rows
        for resource, share in goal[row.key].items()
        if share > row.granted.get(resource, 0) and (resource in row.asked or _is_short(row, resource))
    }
    found: dict[Key, dict[str, int]] = {}
    for row in rows:
        for resource, granted in row.granted.items():
            if row.frozen or resource not in goal[row.key]:
                continue
            to = max(goal[row.key][resource], row.kept(resource))
            if to < granted and (resource in needed or (granted - to) * LEAST_CHANGE > granted):
                found.setdefault(row.key, {})[resource] = to
    return found


def raises(pool: Amounts, goal: Mapping[Key, Amounts], rows: Sequence[Standing]) -> dict[Key, dict[str, int]]:
    """Return what is to be raised to what, within what no row has been granted.

    Who was refused something comes first, then who lies below the floor, then the widest gap.
    """
    found: dict[Key, dict[str, int]] = {}
    for resource, amount in pool.items():
        room = amount - sum(row.granted.get(resource, 0) for row in rows)
        for row in sorted(rows, key=lambda row: _urgency(row, resource, goal)):
            granted = row.granted.get(resource, 0)
            gap = min(goal[row.key].get(resource, 0) - granted, room)
            new = resource not in row.granted and not row.frozen
            urgent = resource in row.asked or _is_short(row, resource)
            if row.frozen or not (new or (gap > 0 and (urgent or gap * LEAST_CHANGE > granted))):
                continue
            given = max(gap, 0)
            found.setdefault(row.key, {})[resource] = granted + given
            room -= given
    return found


def _urgency(row: Standing, resource: str, goal: Mapping[Key, Amounts]) -> tuple[bool, bool, int, str]:
    gap = goal[row.key].get(resource, 0) - row.granted.get(resource, 0)
    return (resource not in row.asked, not _is_short(row, resource), -gap, f"{row.key[0]} {row.key[1]}")


def _is_short(row: Standing, resource: str) -> bool:
    return row.granted.get(resource, 0) < row.floor.get(resource, 0)


def in_force(target: Amounts, rows: Iterable[Standing]) -> dict[str, int]:
    """Return the pool that holds now: the wanted one, or as long as more is granted still, that."""
    found = dict(target)
    standing = list(rows)
    for resource in found:
        found[resource] = max(found[resource], sum(row.granted.get(resource, 0) for row in standing))
    return found
