"""Asking the rooms that have a say before something is done.

A check is a function of its room, listed by dotted path under the action in `settings.ACTION_CHECKS`. It is given ids
in a frozen dataclass and returns verdicts. So a room can be asked by one below it that does not import it. A check that
raises, or takes longer than two seconds, blocks: nobody knows what it would have said.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.core import errors

log = structlog.get_logger(__name__)
SECONDS = 2.0


@dataclass(frozen=True)
class Verdict:
    """What a check says. `ok` with a text is something to know; without ok it blocks, at `field` of the form."""

    ok: bool
    field: str = ""
    text: str = ""


Check = Callable[[Any], Iterable[Verdict]]


class Blocked(errors.Conflict):
    """A check said no, or could not be asked."""

    code = "blocked"


def ask(action: str, ids: object) -> list[Verdict]:
    """Return what every check of an action says; one that fails is a verdict that blocks."""
    return [verdict for path in settings.ACTION_CHECKS.get(action, ()) for verdict in _one(action, path, ids)]


def demand(action: str, ids: object) -> list[Verdict]:
    """Return what is to be known before an action. Raises `Blocked` where one says no, with its text at its field."""
    verdicts = ask(action, ids)
    if stopped := [verdict for verdict in verdicts if not verdict.ok]:
        found: dict[str, list[str]] = {}
        for verdict in stopped:
            found.setdefault(verdict.field, []).append(verdict.text)
        raise Blocked(found)
    return verdicts


def _one(action: str, path: str, ids: object) -> list[Verdict]:
    begun = time.monotonic()
    try:
        # A savepoint: a check that fails leaves the caller's transaction usable, and what it wrote behind.
        with transaction.atomic():
            allowed = _statement_timeout()
            verdicts = list(import_string(path)(ids))
            _restore(allowed)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check, the action must not go on
        log.error("action_check.failed", action=action, check=path, reason=type(error).__name__)
        if isinstance(error, DatabaseError) and time.monotonic() - begun >= SECONDS:
            return [_late(path)]
        return [Verdict(False, "", _("A check could not be made, so nothing was done: %s.") % _name(path))]
    if time.monotonic() - begun > SECONDS:
        log.error("action_check.late", action=action, check=path)
        return [_late(path)]
    return verdicts


def _late(path: str) -> Verdict:
    return Verdict(False, "", _("A check took too long, so nothing was done: %s.") % _name(path))


def _name(path: str) -> str:
    return path.rpartition(".")[2].replace("_", " ")


def _statement_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = str(cursor.fetchone()[0])
        cursor.execute(f"SET LOCAL statement_timeout = {int(SECONDS * 1000)}")
    return before


def _restore(before: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
