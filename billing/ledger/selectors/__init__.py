"""Reads of the room. Every figure that leaves the ledger comes from the rows `visible` gives."""

from billing.ledger.selectors.counted import (
    Counted,
    Standing,
    counted_days,
    first_day,
    standing,
    visible_runs,
)
from billing.ledger.selectors.rows import (
    COSTS,
    KINDS,
    QUANTITIES,
    TABLES,
    UNPRICED,
    grouped,
    narrowed,
    stored_hours,
    visible,
)
from billing.ledger.selectors.settled import begins, bounds, currency, zone
from billing.ledger.selectors.stored import Behind, behind
from billing.ledger.selectors.sums import Cell, Spend, by_kind, cells, dearest, spend, spend_by_project, total

__all__ = [
    "COSTS",
    "KINDS",
    "QUANTITIES",
    "TABLES",
    "UNPRICED",
    "Behind",
    "Cell",
    "Counted",
    "Spend",
    "Standing",
    "begins",
    "behind",
    "bounds",
    "by_kind",
    "cells",
    "counted_days",
    "currency",
    "dearest",
    "first_day",
    "grouped",
    "narrowed",
    "spend",
    "spend_by_project",
    "standing",
    "stored_hours",
    "total",
    "visible",
    "visible_runs",
    "zone",
]
