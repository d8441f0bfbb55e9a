"""What a list of all kinds writes where nothing changed: rows of object tables, and bytes of the log about them."""

from typing import Any

from django.db import connection

from clusters.inventory.merge.tables import TABLES
from clusters.kube.objects.table import KINDS
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.database import wal_of

OBJECT_TABLES = (*TABLES, "object_body", "charged_fact", "occurrence", "quota_hour")
# A table, its indexes, and the table of long values with its index.
FILES = """WITH tables AS (SELECT oid, reltoastrelid FROM pg_class
    WHERE relname = ANY(%s) AND relnamespace = 'public'::regnamespace),
every AS (SELECT oid FROM tables UNION SELECT reltoastrelid FROM tables)
SELECT pg_relation_filenode(oid) FROM every WHERE oid <> 0
UNION SELECT pg_relation_filenode(indexrelid) FROM pg_index WHERE indrelid IN (SELECT oid FROM every)"""


def paddock(inputs: dict[str, Any]) -> Sample:
    cluster = estate.attached()
    estate.forget(*KINDS)
    rows, start = _rows(), _position()
    estate.demand(estate.read(cluster), listed=None, changed=0)
    end = _position()
    written = sum(len(after - before) for before, after in zip(rows, _rows(), strict=True))
    about_objects, everything = wal_of(inputs["wal_reader"], start, end, _files())
    return {
        "cost": written + about_objects,
        "rows": written,
        "wal_objects": about_objects,
        "wal_everything": everything,
    }


def _rows() -> list[set[tuple[str, str, str]]]:
    """Where each row lies, who wrote it and who locked it."""
    found = []
    with connection.cursor() as cursor:
        for table in OBJECT_TABLES:
            cursor.execute(f"SELECT ctid::text, xmin::text, xmax::text FROM {table}")
            found.append(set(cursor.fetchall()))
    return found


def _position() -> str:
    with connection.cursor() as cursor:
        # All that was logged so far has to be in the files, for the reader and for an end that is whole.
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        return str(cursor.fetchone()[0])


def _files() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(FILES, [list(OBJECT_TABLES)])
        return {int(number) for (number,) in cursor.fetchall()}
