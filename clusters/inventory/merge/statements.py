"""The SQL of the room, built once per table: merge what changed, feed billing, mark what is gone, link namespaces.

Everything inside is a constant of this package; values are passed as parameters. One statement sees one snapshot:
the facts compare incoming rows with the rows as they stood before it.
"""

from functools import cache

from clusters.inventory.merge.feeds import COMMON, FEEDS, Feed
from clusters.inventory.merge.tables import TABLES, Table

# ruff: noqa: S608 - the identifiers below are constants of this package, never input


def incoming_table(table: Table) -> str:
    """Make the temporary table of a connection; it lives as long as the connection and is empty between uses."""
    columns = ", ".join(f"{name} {kind}" for name, kind in table.incoming)
    return f"CREATE TEMP TABLE IF NOT EXISTS incoming_{table.name} ({columns}) ON COMMIT DELETE ROWS"


INCOMING_BODIES = "CREATE TEMP TABLE IF NOT EXISTS incoming_body (uid text, body bytea) ON COMMIT DELETE ROWS"


def copy_rows(table: Table) -> str:
    """Take rows in the text format of `copying.text`."""
    columns = ", ".join(name for name, _kind in table.incoming)
    return f"COPY incoming_{table.name} ({columns}) FROM STDIN WITH (NULL E'\\x02')"


COPY_BODIES = "COPY incoming_body (uid, body) FROM STDIN WITH (FORMAT binary)"
_KEEP_BODY = "ON CONFLICT (cluster_id, uid) DO UPDATE SET body = EXCLUDED.body"
MERGE_BODIES = (
    "INSERT INTO object_body (cluster_id, uid, body) SELECT %(cluster)s, uid, body FROM incoming_body " + _KEEP_BODY
)
PUT_BODIES = (
    "INSERT INTO object_body (cluster_id, uid, body)"
    " SELECT %(cluster)s, * FROM unnest(%(uids)s::text[], %(bodies)s::bytea[]) " + _KEEP_BODY
)


@cache
def merge(table_name: str, *, small: bool, labelled: bool) -> str:
    """Merge incoming rows into their table and write the facts that follow.

    Parameters: cluster, at; `rows` (JSON) where `small`, else the temporary table; `label_keys` where `labelled`.
    Returns one row: how many live rows appeared, how many vanished, how many were written, the ids of inserted rows,
    and the ids of namespaces whose cost labels changed.
    """
    table = TABLES[table_name]
    feed = FEEDS.get(table_name)
    parts = [
        _source(table, small=small),
        *_places(table),
        _fresh(table, feed),
        *([_feed_changes(table, feed, labelled)] if feed else []),
        _write(table, feed),
    ]
    return (
        "WITH "
        + ",\n".join(parts)
        + """
SELECT count(*) FILTER (WHERE NOT gone AND (old_id IS NULL OR old_gone_at IS NOT NULL)),
       count(*) FILTER (WHERE gone AND old_id IS NOT NULL AND old_gone_at IS NULL),
       count(*),
       (SELECT array_agg(id) FROM merged WHERE inserted),
       """
        + (_RELABELLED if labelled and table_name == "namespace" else "NULL")
        + " FROM fresh"
    )


def _source(table: Table, *, small: bool) -> str:
    if not small:
        return f"t AS (SELECT * FROM incoming_{table.name})"
    columns = ", ".join(f"{name} {kind}" for name, kind in table.incoming)
    return f"t AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS given({columns}))"


_NAMESPACE_OF = """(SELECT id, uid FROM namespace
    WHERE cluster_id = %(cluster)s AND name = named.name ORDER BY gone_at IS NOT NULL, id DESC LIMIT 1)"""


def _places(table: Table) -> list[str]:
    """Look the few names of a page up once each, not once per row."""
    column = "claim_namespace" if table.name == "volume" else "namespace_name"
    if not table.namespaced and table.name != "volume":
        return []
    parts = [
        f"""places AS MATERIALIZED (SELECT named.name, found.id, found.uid
    FROM (SELECT DISTINCT {column} AS name FROM t WHERE {column} <> '') named
    CROSS JOIN LATERAL {_NAMESPACE_OF} found)"""
    ]
    if table.name == "pod":
        parts.append(
            """hosts AS MATERIALIZED (SELECT named.name, found.uid
    FROM (SELECT DISTINCT node AS name FROM t WHERE node <> '') named
    CROSS JOIN LATERAL (SELECT uid FROM node WHERE cluster_id = %(cluster)s AND name = named.name
        AND gone_at IS NULL ORDER BY id DESC LIMIT 1) found)"""
        )
    return parts


def _fresh(table: Table, feed: Feed | None) -> str:
    """The rows to write, with everything that is worked out from the stored row. What is known already is left out."""
    more, joins = "", ""
    if table.namespaced:
        # A namespace never changes under an object, so the first link stays.
        more += ", COALESCE(old.namespace_id, places.id) AS namespace_id"
        joins = "LEFT JOIN places ON places.name = t.namespace_name"
    if table.name == "volume":
        more += """, CASE WHEN old.claim_uid = t.claim_uid AND old.claim_namespace_uid <> ''
        THEN old.claim_namespace_uid ELSE COALESCE(places.uid, '') END AS claim_namespace_uid"""
        joins = "LEFT JOIN places ON places.name = t.claim_namespace"
    if feed:
        more += f", {feed.started} AS started_at, {feed.finish} AS finish"
    ended = ", CASE WHEN s.finish IS NOT NULL THEN GREATEST(s.finish, s.started_at) END AS ended_at" if feed else ""
    # Looked up row by row: without statistics the planner would read the whole cluster once a page.
    return f"""fresh AS MATERIALIZED (SELECT s.*{ended}
    FROM (SELECT t.*, old.id AS old_id, old.gone_at AS old_gone_at, old.was{more}
        FROM t LEFT JOIN LATERAL (SELECT p.*, p AS was FROM {table.name} p
            WHERE p.cluster_id = %(cluster)s AND p.uid = t.uid LIMIT 1) old ON TRUE {joins}
        WHERE old.id IS NULL OR old.resource_version <> t.resource_version
            OR t.gone <> (old.gone_at IS NOT NULL)) s)"""


def _feed_changes(table: Table, feed: Feed, labelled: bool) -> str:
    compared = feed.compared
    now = ", ".join(f"r.{name}" for name in compared)
    then = ", ".join(f"(r.was).{name}" for name in compared)
    changed = f"({now}) IS DISTINCT FROM ({then})"
    if labelled and table.namespaced:
        changed = f"({changed} OR {_cost_labels('r.labels')} IS DISTINCT FROM {_cost_labels('(r.was).labels')})"
    hosts = "LEFT JOIN hosts h ON h.name = r.node" if table.name == "pod" else ""
    return f"fed AS ({_facts(table, feed, labelled, f'fresh r {_namespace(table)} {hosts}', changed)})"


def _namespace(table: Table) -> str:
    return "LEFT JOIN namespace n ON n.id = r.namespace_id" if table.namespaced else ""


def _facts(table: Table, feed: Feed, labelled: bool, source: str, condition: str, *, flag: str = "''") -> str:
    columns = COMMON | {"kind": f"'{feed.kind}'", "end_flag": flag} | feed.columns
    if labelled and table.namespaced:
        columns["labels"] = _cost_labels("n.labels || r.labels")
    names, expressions = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO charged_fact ({names}) SELECT {expressions} FROM {source} WHERE {feed.charged} AND {condition}"


def _cost_labels(labels: str) -> str:
    return f"""(SELECT COALESCE(jsonb_object_agg(key, value), '{{}}'::jsonb)
        FROM jsonb_each({labels}) WHERE key = ANY(%(label_keys)s))"""


_RELABELLED = f"""array_agg(old_id) FILTER (WHERE old_id IS NOT NULL
    AND {_cost_labels("labels")} IS DISTINCT FROM {_cost_labels("(was).labels")})"""


@cache
def relabel() -> str:
    """Feed billing the running pods of namespaces whose cost labels changed. Parameters: namespaces, label_keys, at."""
    source = f"pod r JOIN namespace n ON n.id = r.namespace_id {_host('r')}"
    running = "r.namespace_id = ANY(%(namespaces)s) AND r.gone_at IS NULL AND r.ended_at IS NULL"
    return _facts(TABLES["pod"], FEEDS["pod"], True, source, running)


def _write(table: Table, feed: Feed | None) -> str:
    columns = list(table.stored)
    if table.namespaced:
        columns.append("namespace_id")
    if table.name == "volume":
        columns.append("claim_namespace_uid")
    if feed:
        columns += ["started_at", "ended_at"]
    names = ", ".join(columns)
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in [*columns, "observed_at", "gone_at"])
    return f"""merged AS (INSERT INTO {table.name} (cluster_id, {names}, observed_at, gone_at)
    SELECT %(cluster)s, {names}, %(at)s, CASE WHEN gone THEN %(at)s::timestamptz END FROM fresh
    ON CONFLICT (cluster_id, uid) DO UPDATE SET {updates}
    RETURNING id, xmax = 0 AS inserted)"""


@cache
def sweep(table_name: str, *, labelled: bool) -> str:
    """Mark what a complete list no longer holds; a charged thing ends when it was last known to be there.

    Parameters: cluster, at, uids, last_ok; `label_keys` where `labelled`.
    """
    table = TABLES[table_name]
    feed = FEEDS.get(table_name)
    found = (
        f"old AS MATERIALIZED (SELECT * FROM {table.name}"
        " WHERE cluster_id = %(cluster)s AND uid = ANY(%(uids)s) AND gone_at IS NULL)"
    )
    ends = f", ended_at = COALESCE(old.ended_at, {feed.missed})" if feed else ""
    was = ", old.ended_at AS was_ended" if feed else ""
    swept = f"""swept AS (UPDATE {table.name} live SET gone_at = %(at)s{ends}
    FROM old WHERE live.id = old.id RETURNING live.*{was})"""
    if feed is None:
        return f"WITH {found}, {swept} SELECT count(*) FROM swept"
    hosts = _host("r") if table.name == "pod" else ""
    facts = _facts(
        table,
        feed,
        labelled,
        f"swept r {_namespace(table)} {hosts}",
        "r.was_ended IS NULL",
        flag="CASE WHEN r.ended_at >= COALESCE(%(last_ok)s, %(at)s) THEN 'missed' ELSE '' END",
    )
    return f"WITH {found}, {swept}, fed AS ({facts}) SELECT count(*) FROM swept"


def _host(row: str) -> str:
    return f"""LEFT JOIN LATERAL (SELECT uid FROM node WHERE cluster_id = %(cluster)s AND name = {row}.node
        AND gone_at IS NULL ORDER BY id DESC LIMIT 1) h ON TRUE"""


@cache
def link(table_name: str, *, labelled: bool) -> str:
    """Give rows that were read before their namespace the namespace, and feed billing those that are charged.

    A namespace made again under an old name also takes the rows made since then. Parameters: cluster, at,
    namespaces (ids of new rows); `label_keys` where `labelled`.
    """
    table = TABLES[table_name]
    feed = FEEDS.get(table_name)
    if table.name == "volume" and feed:
        moved = """moved AS (UPDATE volume live SET claim_namespace_uid = made.uid FROM made
    WHERE live.cluster_id = %(cluster)s AND live.gone_at IS NULL AND live.claim_namespace = made.name
        AND live.claim_namespace_uid = '' RETURNING live.*)"""
        source = "moved r"
    else:
        moved = f"""hits AS (SELECT live.id, made.id AS namespace_id FROM made CROSS JOIN LATERAL
        (SELECT id FROM {table.name} WHERE cluster_id = %(cluster)s AND namespace_id IS NULL
            AND gone_at IS NULL AND namespace_name = made.name
        UNION ALL SELECT id FROM {table.name} WHERE namespace_id = ANY(made.former)
            AND gone_at IS NULL AND created_at >= made.created_at) live),
    moved AS (UPDATE {table.name} live SET namespace_id = hits.namespace_id FROM hits
    WHERE live.id = hits.id RETURNING live.*)"""
        source = f"moved r {_namespace(table)} {_host('r') if table.name == 'pod' else ''}"
    made = """made AS MATERIALIZED (SELECT n.id, n.uid, n.name, n.created_at,
        ARRAY(SELECT o.id FROM namespace o
            WHERE o.cluster_id = %(cluster)s AND o.name = n.name AND o.id <> n.id) AS former
    FROM namespace n WHERE n.id = ANY(%(namespaces)s) AND n.gone_at IS NULL)"""
    if feed is None:
        return f"WITH {made}, {moved} SELECT count(*) FROM moved"
    facts = _facts(table, feed, labelled, source, "TRUE")
    return f"WITH {made}, {moved}, fed AS ({facts}) SELECT count(*) FROM moved"


LINKED = (*[table.name for table in TABLES.values() if table.namespaced], "volume")

# No row: another holder, another registration, or no longer attached. Both rows stay as they are until the end of the
# transaction. The planner knows nothing of a temporary table and would read whole tables for a page's 500 rows.
HOLD = """SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
FROM lease JOIN cluster ON cluster.id = lease.cluster_id
WHERE lease.cluster_id = %(cluster)s AND lease.fence = %(fence)s
    AND cluster.generation = %(generation)s AND cluster.state = 'attached'
FOR SHARE"""
