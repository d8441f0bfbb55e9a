"""Which groups somebody is in through others. Pure rules."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def reached(direct: Iterable[Key], parents: Mapping[Key, Iterable[Key]]) -> set[Key]:
    """Return the direct groups with all that they stand in; groups that stand in each other end the walk."""
    found: set[Key] = set()
    waiting = list(direct)
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting.extend(parents.get(group, ()))
    return found
