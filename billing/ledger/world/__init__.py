"""A world written as JSON: parsed, checked, described by a JSON Schema, and allocated.

Used by `manage.py allocate`, and by whoever wants to check an amount without a database.
"""

import json
from decimal import Decimal
from typing import Any

from billing.ledger.allocation import model
from billing.ledger.world import answering, building, checks, fields, layout
from billing.ledger.world.fields import Fault, Faults, NotFinite

__all__ = ["WorldError", "answer", "parse", "schema"]


class WorldError(ValueError):
    """A world that cannot be read; `faults` in the order they were found, each with its path."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


def parse(text: str) -> model.World:
    """Read a world. Raises WorldError with the path of each fault."""
    faults = Faults()
    members = fields.read_members(layout.WORLD, _decoded(text), "", faults)
    if members is None or faults.found:
        raise WorldError(faults.found)
    checks.check(members, faults)
    zone = checks.zone_of(members["time_zone"])
    if zone is None or faults.found:
        raise WorldError(faults.found)
    return building.build(members, zone)


def answer(text: str) -> str:
    """Read a world, allocate it and return the result as JSON. Raises WorldError."""
    return json.dumps(answering.answer(parse(text)), indent=1)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a world, with descriptions, and units as `x-unit`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "World",
        "description": "Everything one allocation reads. Spans are [from, to), instants in whole seconds.",
        **fields.object_schema(layout.WORLD),
    }


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=NotFinite, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise WorldError([Fault("", f"not JSON: line {error.lineno}, column {error.colno}: {error.msg}")]) from None
    except RecursionError:
        raise WorldError([Fault("", "not JSON: nested too deeply")]) from None
    except ValueError as error:
        # Only an integer of thousands of digits, or a repeated name, comes here
        raise WorldError([Fault("", f"not JSON: {error}")]) from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return members
