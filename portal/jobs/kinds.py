"""What a kind of job is; the list itself is settings' (`JOB_KINDS`), since it names the rooms above."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    `handler` is the dotted path of a function `(run: JobRun, **ids) -> dict | None`. `permission` is what its author
    must still hold when it runs, "system" for what Paddock does for itself. `seconds` bounds one attempt.
    """

    key: str
    label: str | Promise
    handler: str
    queue: str
    seconds: int
    attempts: int
    permission: str
    # Finished rows of frequent kinds are history that another row keeps: they go after a minute.
    prune: bool = False


QUEUES = ("default", "sync", "billing", "apply")


class UnknownKind(ValueError):
    """A kind that is not in the list."""


@cache
def known() -> Mapping[str, Kind]:
    """Return the kinds by key."""
    listed: tuple[Kind, ...] = import_string(settings.JOB_KINDS)
    return {kind.key: kind for kind in listed}


def get(key: str) -> Kind:
    """Return a kind. Raises `UnknownKind`."""
    try:
        return known()[key]
    except KeyError:
        raise UnknownKind(f"{key} is not in {settings.JOB_KINDS}") from None
