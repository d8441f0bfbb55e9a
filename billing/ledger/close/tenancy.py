"""Who held which namespace when, and whether it was shared: cut exactly where that changes."""

from uuid import UUID

from django.db.backends.utils import CursorWrapper

from billing.ledger.allocation.model import SHARED_BY_DEFAULT
from portal.core.periods import Period

# Tenancy 0 is that of no namespace.
_TENANCY = """
DROP TABLE IF EXISTS close_tenancy;
CREATE TEMP TABLE close_tenancy ON COMMIT DROP AS
WITH named AS MATERIALIZED (
    SELECT namespace_uid AS uid, coalesce(nullif(max(namespace_name), ''), namespace_uid) AS name
    FROM segment
    WHERE cluster_id = %(cluster)s AND namespace_uid <> '' AND starts_at < %(until)s
        AND (ends_at IS NULL OR ends_at > %(since)s)
    GROUP BY namespace_uid
), held AS (
    SELECT namespace_uid AS uid, project_id, period FROM namespace_tenure
    WHERE cluster_id = %(cluster)s AND period && tstzrange(%(since)s, %(until)s)
), owned AS (
    SELECT project_id, team_id, period FROM project_tenure
    WHERE project_id IN (SELECT project_id FROM held) AND period && tstzrange(%(since)s, %(until)s)
), marked AS (
    SELECT name, shared, period FROM shared_namespace
    WHERE cluster_id = %(cluster)s AND period && tstzrange(%(since)s, %(until)s)
), moved AS (
    SELECT project_id, lower(period) AS at FROM owned UNION SELECT project_id, upper(period) FROM owned
), edge AS (
    SELECT uid, lower(period) AS at FROM held UNION SELECT uid, upper(period) FROM held
    UNION SELECT held.uid, moved.at FROM moved JOIN held USING (project_id)
    WHERE moved.at > %(since)s AND moved.at < %(until)s
    UNION SELECT named.uid, lower(period) FROM named JOIN marked USING (name)
    UNION SELECT named.uid, upper(period) FROM named JOIN marked USING (name)
), piece AS (
    SELECT uid, at AS starts_at, lead(at, 1, %(until)s) OVER (PARTITION BY uid ORDER BY at) AS ends_at
    FROM (
        SELECT uid, %(since)s AS at FROM named
        UNION SELECT uid, at FROM edge WHERE at > %(since)s AND at < %(until)s
    ) cuts
), holder AS (
    SELECT piece.uid, named.name, piece.starts_at, piece.ends_at, held.project_id, owned.team_id,
        coalesce(marked.shared, named.name = ANY(%(default)s)) AS shared
    FROM piece JOIN named USING (uid)
    LEFT JOIN held ON held.uid = piece.uid AND held.period @> piece.starts_at
    LEFT JOIN owned ON owned.project_id = held.project_id AND owned.period @> piece.starts_at
    LEFT JOIN marked ON marked.name = named.name AND marked.period @> piece.starts_at
), began AS (
    SELECT holder.*, ROW(project_id, team_id, shared) IS DISTINCT FROM
        lag(ROW(project_id, team_id, shared)) OVER (PARTITION BY uid ORDER BY starts_at) AS begins
    FROM holder
), island AS (
    SELECT began.*, count(*) FILTER (WHERE begins) OVER (PARTITION BY uid ORDER BY starts_at) AS number FROM began
)
SELECT 0 AS tenancy, '' AS uid, '' AS name, %(since)s AS starts_at, %(until)s AS ends_at,
    NULL::uuid AS project_id, NULL::uuid AS team_id, false AS shared
UNION ALL
SELECT row_number() OVER ()::int, uid, name, min(starts_at), max(ends_at), project_id, team_id, shared
FROM island GROUP BY uid, name, project_id, team_id, shared, number;
ANALYZE close_tenancy"""


def write(cursor: CursorWrapper, cluster_id: UUID, counted: Period) -> None:
    """Fill `close_tenancy` for every namespace that something was charged to."""
    # Text for the first select of a union, where PostgreSQL would not guess the type of a parameter
    instants = {"since": counted.start, "until": counted.end}
    query = _TENANCY.replace("%(since)s", "%(since)s::timestamptz").replace("%(until)s", "%(until)s::timestamptz")
    cursor.execute(query, {"cluster": cluster_id, "default": list(SHARED_BY_DEFAULT), **instants})
