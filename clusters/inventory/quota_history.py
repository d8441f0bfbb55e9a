"""How limits and use of quotas went, hour by hour, for 100 days: written where sync sees them change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from clusters.inventory.models import Quota, QuotaHour
from clusters.kube import quantities

KEPT = timedelta(days=100)
FORGET_ROWS = 5_000
HOUR = timedelta(hours=1)

# The last state of the hour counts. A state like that of the last row adds none.
_NOTE = """INSERT INTO quota_hour (cluster_id, namespace_id, quota_uid, quota_name, hour, hard, used)
SELECT q.cluster_id, q.namespace_id, q.uid, q.name, date_trunc('hour', %(at)s::timestamptz, 'UTC'), q.hard, q.used
FROM quota q
LEFT JOIN LATERAL (SELECT hard, used FROM quota_hour h WHERE h.cluster_id = q.cluster_id AND h.quota_uid = q.uid
    ORDER BY h.hour DESC LIMIT 1) last ON TRUE
WHERE q.cluster_id = %(cluster)s AND q.uid = ANY(%(uids)s) AND q.gone_at IS NULL
    AND (q.hard, q.used) IS DISTINCT FROM (last.hard, last.used)
ON CONFLICT (cluster_id, quota_uid, hour) DO UPDATE
    SET hard = EXCLUDED.hard, used = EXCLUDED.used,
        namespace_id = COALESCE(EXCLUDED.namespace_id, quota_hour.namespace_id)"""
# The newest row from before the limit stays while the quota does: it says how the time behind the limit began.
_FORGET = """DELETE FROM quota_hour WHERE id IN (SELECT old.id FROM quota_hour old WHERE old.hour < %(before)s
    AND (EXISTS (SELECT 1 FROM quota_hour next WHERE next.cluster_id = old.cluster_id
            AND next.quota_uid = old.quota_uid AND next.hour > old.hour AND next.hour <= %(before)s)
        OR NOT EXISTS (SELECT 1 FROM quota q WHERE q.cluster_id = old.cluster_id AND q.uid = old.quota_uid))
    LIMIT %(rows)s)"""


def note(cursor: CursorWrapper, *, cluster_id: UUID, uids: Sequence[str], at: datetime) -> None:
    """Keep the present state of these quotas for the hour; called in the transaction that wrote them."""
    cursor.execute(_NOTE, {"cluster": cluster_id, "uids": list(uids), "at": at})


def forget(*, at: datetime) -> int:
    """Delete what is older than 100 days. Returns how many rows."""
    forgotten = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_FORGET, {"before": at - KEPT, "rows": FORGET_ROWS})
            if not cursor.rowcount:
                return forgotten
            forgotten += cursor.rowcount


@dataclass(frozen=True)
class Use:
    """Limit and use of one resource of a quota at the end of an hour; cores, bytes or pieces."""

    hour: datetime
    resource: str
    hard: Decimal
    used: Decimal


def of(quota: Quota, *, since: datetime, until: datetime) -> list[Use]:
    """Return the use per hour in [since, until), oldest first, each hour that is known and each resource.

    Hours in which nothing changed are filled from the one before; those before the first row are not there. An
    amount that is no quantity is left out.
    """
    rows = QuotaHour.objects.filter(cluster_id=quota.cluster_id, quota_uid=quota.uid, hour__lt=until)
    first = rows.filter(hour__lte=since).order_by("-hour").first()
    later = list(rows.filter(hour__gt=since).order_by("hour"))
    return [use for hour, row in _hours([*filter(None, [first]), *later], since, until) for use in _uses(hour, row)]


def _hours(rows: Sequence[QuotaHour], since: datetime, until: datetime) -> Iterator[tuple[datetime, QuotaHour]]:
    for row, ends in zip(rows, [*(row.hour for row in rows[1:]), until], strict=True):
        hour = max(row.hour, since.replace(minute=0, second=0, microsecond=0))
        while hour < ends:
            yield hour, row
            hour += HOUR


def _uses(hour: datetime, row: QuotaHour) -> Iterator[Use]:
    for resource in sorted(row.hard):
        try:
            hard, used = quantities.parse(row.hard[resource]), quantities.parse(row.used.get(resource, "0"))
        except quantities.BadQuantity:
            continue
        yield Use(hour, resource, hard, used)
