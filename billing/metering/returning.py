"""Things of a cluster that was detached and attached again: nobody sees them change, so no fact tells of them."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from billing.metering import folding, rows

# Kind of a segment -> table and stream of the inventory.
_TABLES = {"pod": "pod", "node": "node", "volume": "volume", "load_balancer": "service"}
_COPIED = ", ".join(rows.MEASURE)


def _resume(kind: str, table: str) -> str:
    """Begin a segment like the last one where the thing is still there and was confirmed since the return."""
    return f"""
INSERT INTO segment (cluster_id, kind, uid, name, namespace_name, starts_at, seen_at, {_COPIED})
SELECT cluster_id, kind, uid, name, namespace_name, %(at)s, %(at)s, {_COPIED}
FROM (
    SELECT DISTINCT ON (uid) * FROM segment
    WHERE cluster_id = %(cluster)s AND kind = '{kind}' ORDER BY uid, starts_at DESC
) last
WHERE last.end_flag = 'detached' AND last.ends_at <= %(at)s
    AND EXISTS (SELECT FROM {table} live WHERE live.cluster_id = last.cluster_id AND live.uid = last.uid
        AND live.gone_at IS NULL AND live.ended_at IS NULL)
    AND EXISTS (SELECT FROM stream WHERE stream.cluster_id = last.cluster_id AND stream.kind = '{table}'
        AND stream.last_ok_at > %(at)s)"""  # noqa: S608 - the names are constants of this package


def resume(cluster_id: UUID, attached_at: datetime) -> int:
    """Open the segments of things that outlived a detachment, from the return on. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM segment WHERE cluster_id = %s AND end_flag = 'detached' AND ends_at <= %s)",
            [cluster_id, attached_at],
        )
        if cursor.fetchone() != (True,):
            return 0
        folding.lock(cursor, cluster_id)
        opened = 0
        for kind, table in _TABLES.items():
            cursor.execute(_resume(kind, table), {"cluster": cluster_id, "at": attached_at})
            opened += cursor.rowcount
    return opened
