"""The cells of a month by team and day, as JSON: the query layer behind page, API and file.

The reference is one statement over the same rollup, its rows through orjson. Both read amounts to twelve places.
"""

import statistics
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from django.db import connection

from billing.ledger import selectors
from billing.ledger.asking import Ask
from tests.bench import accounts, estate
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

# The database's CPU is counted in steps of 10 ms, so that many rounds are added up.
ROUNDS = 50
RAW = """SELECT day, team_id, max(team_name), kind, shared, sum(amount)::text FROM cost_project_day
WHERE day >= %s AND day < %s GROUP BY day, team_id, kind, shared"""


def paddock(inputs: dict[str, Any]) -> Sample:
    reader, ask = accounts.reader(), Ask(accounts.MONTH, accounts.NEXT, by="team")

    def cells() -> tuple[int, bytes]:
        found = selectors.cells(reader, ask)
        return len(found), msgspec.json.encode(found)

    return _timed(cells, inputs)


def reference(inputs: dict[str, Any]) -> Sample:
    def cells() -> tuple[int, bytes]:
        with connection.cursor() as cursor:
            cursor.execute(RAW, [accounts.MONTH, accounts.NEXT])
            found = cursor.fetchall()
        return len(found), orjson.dumps(found)

    return _timed(cells, inputs)


def _timed(cells: Callable[[], tuple[int, bytes]], inputs: dict[str, Any]) -> Sample:
    """CPU of the process and of the database for one of some rounds, after one that warms both."""
    cells()
    walls, clock = [], Clock(estate.backend())
    for _round in range(ROUNDS):
        wall = clock.wall
        with clock:
            count, text = cells()
        walls.append(clock.wall - wall)
    if count != accounts.DAYS * accounts.teams(inputs["size"]):
        raise RuntimeError(f"there are {count} cells")
    return {
        "cost": (clock.cpu + clock.database) / ROUNDS,
        "client": clock.cpu / ROUNDS,
        "database": clock.database / ROUNDS,
        "wall": statistics.median(walls),
        "cells": count,
        "bytes": len(text),
    }
