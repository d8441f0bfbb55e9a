"""Readings of the chain: by a job in slices, or by the command at once."""

from collections.abc import Callable, Mapping
from datetime import datetime

from portal.audit import services, verification
from portal.audit.models import Check
from portal.core.actors import SYSTEM, Subject


def go_on(  # noqa: PLR0913 - how far, what is told, and what is compared
    check: Check,
    *,
    at: datetime,
    is_over: Callable[[], bool],
    tell: Callable[[], None],
    pins: Mapping[int, str],
    keys: frozenset[str] = frozenset(),
) -> bool:
    """Read on; at the end the row says so, and a break is told to the audit. Returns whether it has ended."""
    if not verification.advance(check, pins=pins, keys=keys, is_over=is_over, tell=tell):
        return False
    check.finished_at = at
    check.save(update_fields=["finished_at"])
    if check.found is not None:
        on = Subject("audit_check", str(check.pk), str(check))
        services.record("audit.chain.break", by=SYSTEM, on=on, after=check.found)
    return True


def at_once(*, asked_by: str, at: datetime, pins: Mapping[int, str], keys: frozenset[str] = frozenset()) -> Check:
    """Read the whole chain now, against exported places and the keys that signed them where they are given."""
    check = Check.objects.create(asked_at=at, asked_by=asked_by)
    go_on(check, at=at, is_over=lambda: False, tell=lambda: None, pins=pins, keys=keys)
    return check
