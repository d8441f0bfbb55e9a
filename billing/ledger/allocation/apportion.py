"""Splitting so that the parts add up: whole numbers, stored amounts and cents."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from portal.core.money import EXACT

CENT = Decimal("0.01")
PICO_PER_CENT = 10**10


class Ordered(Protocol):
    """Something ties can be broken by."""

    def __lt__(self, other: Any, /) -> bool: ...
    def __hash__(self) -> int: ...


K = TypeVar("K", bound=Ordered)
Weight = int | Fraction


def whole(count: int, weights: Mapping[K, Weight]) -> dict[K, int]:
    """Split a whole number by weight: floors first, the rest to the largest remainders, ties by key.

    Weights that are all zero count as equal. No weights at all give an empty split.
    """
    exact = {key: Fraction(weight) for key, weight in weights.items()}
    weight_sum = sum(exact.values(), Fraction(0))
    if weight_sum == 0:
        exact = dict.fromkeys(exact, Fraction(1))
        weight_sum = Fraction(len(exact))
    sign = -1 if count < 0 else 1
    parts: dict[K, int] = {}
    remainders: dict[K, Fraction] = {}
    for key, weight in exact.items():
        share = abs(count) * weight / weight_sum
        parts[key] = int(share)
        remainders[key] = share - int(share)
    missing = abs(count) - sum(parts.values())
    by_key = sorted(parts)
    for key in sorted(by_key, key=lambda key: remainders[key], reverse=True)[:missing]:
        parts[key] += 1
    return {key: sign * part for key, part in parts.items()}


def money(amount: Decimal, weights: Mapping[K, Weight]) -> dict[K, Decimal]:
    """Split an amount of twelve places by weight, at 1E-12 (see `whole`)."""
    return {key: from_pico(part) for key, part in whole(to_pico(amount), weights).items()}


def cents(lines: Mapping[K, Decimal]) -> dict[K, Decimal]:
    """Round lines to cents that add up to their rounded total: floors, then the largest remainders."""
    due = sum(lines.values(), Decimal(0)).quantize(CENT, context=EXACT)
    floors = {key: to_pico(amount) // PICO_PER_CENT for key, amount in lines.items()}
    rests = {key: to_pico(amount) % PICO_PER_CENT for key, amount in lines.items()}
    missing = to_pico(due) // PICO_PER_CENT - sum(floors.values())
    by_key = sorted(lines)
    for key in sorted(by_key, key=lambda key: rests[key], reverse=True)[:missing]:
        floors[key] += 1
    return {key: floor * CENT for key, floor in floors.items()}


def running(parts: Sequence[int], room: int) -> list[int]:
    """Shrink whole numbers in proportion so that they add up to `room` exactly, in the order given.

    Each part is floor(sum so far × room ÷ sum) less the same for the part before: a window function in SQL.
    """
    whole_sum = sum(parts)
    shrunk, before, so_far = [], 0, 0
    for part in parts:
        so_far += part
        after = so_far * room // whole_sum if whole_sum else 0
        shrunk.append(after - before)
        before = after
    return shrunk


def to_pico(amount: Decimal) -> int:
    """Return an amount of at most twelve places as a whole number of 1E-12."""
    scaled = amount.scaleb(12, context=EXACT)
    count = int(scaled)
    if count != scaled:
        raise ValueError("an amount has more than twelve places")
    return count


def from_pico(count: int) -> Decimal:
    """Return a whole number of 1E-12 as an amount."""
    return Decimal(count).scaleb(-12, context=EXACT)
