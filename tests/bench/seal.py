"""The audit: writing events, sealing them into the chain, and reading the chain from its beginning.

`record` writes each event in a transaction of its own, against the bare INSERT of the same row. `chain` and `verify`
stand against the same rows read by one statement, written as text and hashed one by one.
"""

import hashlib
from typing import Any

from django.db import connection, transaction

from portal.audit import chain, sealing, verification
from portal.audit import services as audit
from portal.audit.models import Check, Event
from portal.core import clock
from portal.core.actors import Actor, Subject
from tests.bench import estate
from tests.bench.contest import Sample
from tests.bench.measuring import Clock

BY = Actor("user", "5ad3a6a7-0f27-4c5e-9c5e-3f3b7c0a8d11", "somebody", "192.0.2.7", "0123456789abcdef")
BEFORE = {"name": "Shop", "description": "What is sold", "team": "Retail"}
AFTER = {"name": "Shop", "description": "What is sold over the counter", "team": "Retail"}


def prepare(inputs: dict[str, Any]) -> Sample:
    """Events there are before: recorded, sealed and verified once."""
    _record(inputs["size"])
    return {"sealed": _seal()}


def paddock(inputs: dict[str, Any]) -> Sample:
    size, part = inputs["size"], inputs["part"]
    timed = Clock(estate.backend())
    if part == "record":
        with timed:
            _record(size)
        return _sample(timed, 1, events=size)
    if part == "chain":
        _seal()
        _record(size)
        with timed:
            sealed = _seal()
        if sealed != size:
            raise RuntimeError(f"{sealed} events were sealed")
        return _sample(timed, 1, events=sealed)
    check = Check.objects.create(asked_at=clock.now(), asked_by="bench")
    with timed:
        verification.advance(check, pins={}, is_over=lambda: False, tell=lambda: None)
    if check.found or check.events < size:
        raise RuntimeError(f"{check.events} events were read, and this was found: {check.found}")
    return _sample(timed, size / check.events, events=check.events)


def reference(inputs: dict[str, Any]) -> Sample:
    size, timed = inputs["size"], Clock(estate.backend())
    if inputs["part"] == "record":
        insert, values = _insert()
        with timed:
            for _number in range(size):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(insert, values)
        _seal()
        return _sample(timed, 1, events=size)
    with timed, connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(chain.COLUMNS)} FROM audit_event ORDER BY id LIMIT %s", [size])
        link = b""
        for row in cursor.fetchall():
            link = hashlib.sha256(link + repr(row).encode()).digest()
    return _sample(timed, 1, events=size)


def _sample(timed: Clock, share: float, *, events: int) -> Sample:
    """Wall, and CPU of both sides, for the size: `share` is what one of the events worked on counts for."""
    parts = {"cost": timed.wall, "client": timed.cpu, "database": timed.database}
    return {**{name: value * share for name, value in parts.items()}, "events": events}


def _record(count: int) -> None:
    on = Subject("project", "", "Shop", "/projects/shop/", team="0c8e1d9c-95a5-4b0d-9d2e-6f6a9f0f8a11")
    for _number in range(count):
        with transaction.atomic():
            audit.record("projects.project.change", by=BY, on=on, before=BEFORE, after=AFTER)


def _seal() -> int:
    """Seal all that waits, in batches as the job does."""
    sealed = 0
    while part := sealing.seal(at=clock.now()):
        sealed += part
    return sealed


def _insert() -> tuple[str, list[Any]]:
    """The bare statement that writes a row like the last one."""
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(str(field.column) for field in fields)
    last = Event.objects.order_by("-id")[0]
    values = [field.get_db_prep_save(getattr(last, field.attname), connection) for field in fields]
    return f"INSERT INTO audit_event ({columns}) VALUES ({', '.join(['%s'] * len(fields))})", values
