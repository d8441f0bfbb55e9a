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
from tests.bench import accounts
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

ROUNDS = 20
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
    """The middle of some rounds, after one that opens the connection and warms the database."""
    cells()
    walls = []
    for _round in range(ROUNDS):
        with Clock() as clock:
            count, text = cells()
        walls.append(clock.wall)
    if count != accounts.DAYS * accounts.teams(inputs["size"]):
        raise RuntimeError(f"there are {count} cells")
    return {"cost": statistics.median(walls), "cells": count, "bytes": len(text)}
