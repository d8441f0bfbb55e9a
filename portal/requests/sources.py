"""Requests of other rooms on the pages of requests (`REQUEST_SOURCES`).

A source is a module by dotted path. `waiting(person, at) -> list[Asked]` is what waits for a person's decision,
`count(person) -> int` how many, and `own(person) -> list[Asked]` what waits of their own. Each entry brings the
addresses that decide it: what is decided, and by whom, is the room's own affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import ModuleType

from django.conf import settings

from portal.access.scopes import Person


@dataclass(frozen=True)
class Asked:
    """A request of another room, finished for its page.

    `effect` says line by line what approving does. `hidden` are fields that the decision brings along.
    """

    id: str
    asker: str
    title: str
    reason: str
    effect: Sequence[str] = ()
    warning: str = ""
    approve_url: str = ""
    reject_url: str = ""
    withdraw_url: str = ""
    hidden: Sequence[tuple[str, str]] = ()


def waiting(person: Person, at: datetime) -> list[Asked]:
    """Return what waits for the person's decision in all rooms."""
    return [one for source in _sources() for one in source.waiting(person, at)]


def count(person: Person) -> int:
    """Return how many wait for the person's decision in all rooms."""
    return sum(source.count(person) for source in _sources())


def own(person: Person) -> list[Asked]:
    """Return what waits of the person's own in all rooms."""
    return [one for source in _sources() for one in source.own(person)]


def _sources() -> list[ModuleType]:
    return [import_module(path) for path in settings.REQUEST_SOURCES]
