"""A database of its own: a real superuser against the exported heads, and the two roles of the documentation."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from portal.local import binaries, folders, postgres

ROOT = Path(__file__).resolve().parents[3]
APP_PASSWORD = "choose-one"
GUIDE = ROOT / "docs" / "how-to" / "audit.md"
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class House:
    """A server whose role `paddock` is a superuser and owns the tables of the audit."""

    url: str
    folder: Path

    def run(self, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of Paddock on this database."""
        return subprocess.run(
            [sys.executable, *words],
            env={**os.environ, "DATABASE_URL": url or self.url, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words: str) -> str:
        """The same where it must go well."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The embedded server, made a superuser's in single-user mode, with its tables."""
    with folders.temporary() as folder:
        server = postgres.Postgres(folder / "postgres", durable=False)
        with server:
            pass
        program = binaries.postgres() / "postgres"
        flags = server._flags()
        server._run(
            program, "--single", "-D", server.cluster, *flags, "postgres", text="ALTER ROLE paddock SUPERUSER\n"
        )
        with server:
            built = House(server.url, folder)
            built.done("manage.py", "migrate", "-v", "0")
            yield built


def verify(house: House, *words: str) -> tuple[int, str]:
    """Run the command; its code and what it says."""
    done = house.run("manage.py", "verify_audit", *words)
    return done.returncode, done.stdout + done.stderr


def test_a_superuser_rewrites_a_row_and_every_later_hash(house: House) -> None:
    kept = house.folder / "heads.jsonl"
    house.done("-m", "tests.portal.audit.as_superuser", "write", str(kept))
    assert verify(house, "--heads", str(kept))[0] == 0
    house.done("-m", "tests.portal.audit.as_superuser", "rewrite")
    code, said = verify(house)
    assert (code, "Places 5 to 8" in said) == (1, True), said
    house.done("-m", "tests.portal.audit.as_superuser", "sign")
    # Reading before told the audit of the break; that event is sealed too, and changes nothing of what follows.
    assert verify(house)[0] == 0, "signed with the key of the house, it tells nothing by itself"
    code, said = verify(house, "--heads", str(kept))
    assert code == 1
    assert re.search(r"Places 5 to 8, \d{4}-\d{2}: .*exported", said), said


def app_url(house: House) -> str:
    """The database as the application's role reaches it."""
    return f"postgresql://paddock_app:{APP_PASSWORD}@{house.url.split('@', 1)[1]}"


@pytest.fixture(scope="module")
def apart(house: House) -> House:
    """The same with the second role, made by the lines of the documentation."""
    (lines,) = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    connection = psycopg2.connect(house.url)
    with connection, connection.cursor() as cursor:
        cursor.execute(lines)
    connection.close()
    return house


@pytest.mark.parametrize("table", ["audit_event", "audit_link", "audit_head", "audit_checkpoint"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER USER"]
)
def test_the_role_of_the_application_can_only_add(apart: House, table: str, change: str) -> None:
    column = "id" if table in {"audit_event", "audit_checkpoint"} else "seq"
    connection = psycopg2.connect(app_url(apart))
    with connection, connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(change.format(table, column, column))
    connection.close()


def test_the_application_records_seals_verifies_and_says_that_roles_are_apart(apart: House) -> None:
    script = (
        "from tests.portal.audit.chains import sealed, verified; from portal.audit import selectors;"
        "sealed(3); print(selectors.roles_apart(), verified().events >= 3)"
    )
    done = apart.run("manage.py", "shell", "-v", "0", "-c", script, url=app_url(apart))
    assert done.stdout.split() == ["True", "True"], done.stderr[-2000:]
    done = apart.run(
        "manage.py", "shell", "-v", "0", "-c", "from portal.audit import selectors; print(selectors.roles_apart())"
    )
    assert done.stdout.split() == ["False"], done.stderr[-2000:]
