"""A month by team from its rollup, as the page asks for it, against the same sums from the month's hour rows."""

import statistics
from typing import Any

from django.db import connection

from billing.ledger import selectors
from billing.ledger.asking import Ask
from billing.ledger.models import RESOURCES
from tests.bench import accounts
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

ROUNDS = 20
SUMS = ", ".join(f"sum({one}_q), sum({one}_amount)" for one in RESOURCES)
HOURS = f"""SELECT team_id, max(team_name), kind, shared, {SUMS}, sum(amount) FROM cost_hour
WHERE month = %s GROUP BY team_id, kind, shared"""


def paddock(inputs: dict[str, Any]) -> Sample:
    reader, ask = accounts.reader(), Ask(accounts.MONTH, accounts.NEXT, by="team")
    _read(reader, ask)
    walls = []
    for _round in range(ROUNDS):
        with Clock() as clock:
            count = _read(reader, ask)
        walls.append(clock.wall)
    return _sample(statistics.median(walls), count, inputs)


def reference(inputs: dict[str, Any]) -> Sample:
    with connection.cursor() as cursor:
        cursor.execute(HOURS, [accounts.MONTH])
        cursor.fetchall()
        with Clock() as clock:
            cursor.execute(HOURS, [accounts.MONTH])
            count = len(cursor.fetchall())
    return _sample(clock.wall, count, inputs)


def _read(reader: Any, ask: Ask) -> int:
    return len(list(selectors.grouped(selectors.narrowed(reader, ask), ask)))


def _sample(cost: float, rows: int, inputs: dict[str, Any]) -> Sample:
    if rows != accounts.teams(inputs["size"]):
        raise RuntimeError(f"there are {rows} teams")
    return {"cost": cost, "rows": rows}
