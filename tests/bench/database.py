"""A PostgreSQL of the run's own, written to disk as in production, with one database per ground."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from portal.local import binaries, postgres
from tests import environment

ROOT = Path(__file__).resolve().parents[2]
MIGRATED = postgres.DATABASE


class Database:
    """The server, and the database `name` on it."""

    def __init__(self, server: postgres.Postgres, name: str) -> None:
        self._server = server
        self.url = urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))

    @property
    def environment(self) -> dict[str, str]:
        """What a process of Paddock needs to use it."""
        return environment.FIXED | {
            "DATABASE_URL": self.url,
            "PADDOCK_DATA_DIR": str(self._server.data_dir.parent / "data"),
        }

    @property
    def wal_reader(self) -> list[str]:
        """The command that prints the write-ahead log, without its two positions."""
        return [str(binaries.postgres() / "pg_waldump"), "--path", str(self._server.cluster / "pg_wal")]

    def restart(self) -> None:
        """Everything is on disk then, as after a checkpoint, and nothing is in the server's memory."""
        self._server.stop()
        self._server.start()

    def execute(self, *statements: str) -> None:
        """Run statements one by one, outside a transaction."""
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()


class Databases:
    """Makes copies of one migrated database."""

    def __init__(self, server: postgres.Postgres) -> None:
        self._server = server
        self._migrated: Database | None = None

    @contextmanager
    def copy(self, name: str) -> Iterator[Database]:
        """A database of its own for as long as it is used; its tables are vacuumed by nobody else."""
        if self._migrated is None:
            self._migrated = Database(self._server, MIGRATED)
            _migrate(self._migrated)
        server = Database(self._server, "postgres")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {MIGRATED}")
        try:
            made = Database(self._server, name)
            made.execute(*_without_vacuum(made))
            yield made
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(database: Database) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env={**os.environ, **database.environment},
        check=True,
    )


def _without_vacuum(database: Database) -> list[str]:
    connection = psycopg2.connect(database.url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            return [f'ALTER TABLE "{name}" SET (autovacuum_enabled = off)' for (name,) in cursor.fetchall()]
    finally:
        connection.close()


_LENGTH = re.compile(r"len \(rec/tot\):\s*\d+/\s*(\d+)")
_FILE = re.compile(r"rel \d+/\d+/(\d+)")


def wal_of(reader: list[str], start: str, end: str, files: set[int]) -> tuple[int, int]:
    """Bytes of the log between two positions: of records that name one of these files, and of all."""
    if start == end:
        return 0, 0
    done = subprocess.run([*reader, "--start", start, "--end", end], capture_output=True, text=True, check=True)
    ours = everything = 0
    for line in done.stdout.splitlines():
        length = _LENGTH.search(line)
        if length is None:
            continue
        everything += int(length[1])
        if files.intersection(map(int, _FILE.findall(line))):
            ours += int(length[1])
    return ours, everything
