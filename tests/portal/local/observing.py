"""How tests look at servers and processes from outside."""

import os
from collections.abc import Callable
from pathlib import Path

import psycopg2

from portal.local import processes


def ask(url: str, statement: str) -> object:
    """Return the first value of the first row."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    assert processes.wait_until(condition, seconds=seconds), "it did not happen in time"


def gone(*pids: int) -> bool:
    return not any(processes.identity_of(pid) for pid in pids)


def session_of(leader: int) -> set[int]:
    """Return every living process of the session that this process began."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid for pid in numbers if processes.identity_of(pid) and _session(pid) == leader}


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
