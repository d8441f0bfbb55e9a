"""Refusals of one minute, counted outside of the audit so that nobody fills it by asking."""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection
from django.urls import Resolver404, resolve

from portal.audit import masking
from portal.audit.models import Denial
from portal.core.actors import Actor

# A minute is told this long after its end: whoever counts into it has done so by then.
GRACE = timedelta(seconds=5)
AT_A_TIME = 500
# So many addresses of strangers get rows of their own in a minute; the others share one.
MOST_STRANGERS = 100

_COUNT = """
INSERT INTO audit_denial (minute, actor, actor_kind, actor_id, address, permission, pattern, count)
VALUES (%s, %s, %s, %s, %s, %s, %s, 1)
ON CONFLICT (minute, actor_kind, actor_id, address, permission, pattern) DO UPDATE SET count = audit_denial.count + 1
RETURNING count
"""


@dataclass(frozen=True)
class Denied:
    """A refusal that was counted: the kind of its event, and whether it is the first of its minute."""

    kind: str
    is_first: bool


def count(by: Actor, *, permission: str, path: str, at: datetime) -> Denied:
    """Count one refusal. Strangers are counted by their network, whatever they asked for."""
    minute = _minute(at)
    stranger = by.kind == "anonymous"
    if stranger:
        by, permission, pattern = _stranger(by, minute), "", ""
    else:
        pattern = _pattern(path)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [
                minute,
                json.dumps(by.as_json()),
                by.kind,
                masking.plain(by.id, 64),
                masking.plain(by.address, 64),
                permission[:60],
                pattern,
            ],
        )
        (times,) = cursor.fetchone()
    return Denied("access.stranger" if stranger else "access.denied", times == 1)


def ended(at: datetime) -> Sequence[Denial]:
    """Lock and return rows of minutes that are over; those another worker has are left to it."""
    over = Denial.objects.filter(minute__lt=_minute(at - GRACE))
    return list(over.select_for_update(skip_locked=True).order_by("minute", "id")[:AT_A_TIME])


def are_due(at: datetime) -> bool:
    """Tell whether there is a minute to tell of."""
    return Denial.objects.filter(minute__lt=_minute(at - GRACE)).exists()


def forget(rows: Sequence[Denial]) -> None:
    """Remove rows that were told, in the transaction that told them."""
    Denial.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _pattern(path: str) -> str:
    try:
        return masking.plain(f"/{resolve(path).route}", 200)
    except Resolver404:
        return masking.plain(path, 200)


def _stranger(by: Actor, minute: datetime) -> Actor:
    network = _network(by.address)
    strangers = Denial.objects.filter(minute=minute, actor_kind="anonymous")
    if not strangers.filter(address=network).exists() and strangers.count() >= MOST_STRANGERS:
        network = ""
    # Of many requests only the first is named, by its own event.
    return replace(by, address=network, request_id="")


def _network(address: str) -> str:
    """Return the address, of version 6 the /64 that one household has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network((int(found), 64), strict=False)) if found.version == 6 else str(found)
