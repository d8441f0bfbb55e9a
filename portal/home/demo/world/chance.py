"""Chance that falls the same way each time: every place of the world draws from its own stream of one seed."""

import random
import uuid
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# The letters Kubernetes makes names of: without vowels and look-alikes.
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Chance:
    """`place` names the stream, so that a change in one place of the catalogue moves nothing in another."""

    def __init__(self, seed: int, *place: str) -> None:
        self._random = random.Random("/".join((str(seed), *place)))  # noqa: S311 - repeatable on purpose

    def uid(self) -> str:
        """Return a UUID as Kubernetes gives them."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """Return the random end of a name."""
        return "".join(self._random.choices(LETTERS, k=length))

    def within(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return self._random.randint(low, high)

    def several(self, among: Sequence[T], count: int) -> list[T]:
        """Return some of them, none twice."""
        return self._random.sample(among, count)

    def digits(self, length: int) -> str:
        """Return hexadecimal digits."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"
