"""Making events, sealing them, and changing them past Paddock as whoever owns the database can."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portal.audit import chain, checks, sealing
from portal.audit import services as audit
from portal.audit.models import Check, Event, Head, Link, SigningKey
from portal.core import clock
from portal.core.actors import SYSTEM, Subject

ON = Subject("thing", "1", "a thing")


def written(count: int) -> None:
    """Record events."""
    for number in range(count):
        audit.record("demo.load", by=SYSTEM, on=ON, after={"number": number})


def sealed(*rounds: int, at: datetime | None = None) -> None:
    """Record so many events and seal them, once for each round."""
    for count in rounds:
        written(count)
        while sealing.seal(at=at or clock.now()):
            pass


def verified(pins: dict[int, str] | None = None) -> Check:
    """Read the whole chain."""
    return checks.at_once(asked_by="a test", at=clock.now(), pins=pins or {})


def broken(pins: dict[int, str] | None = None) -> dict[str, Any]:
    """Read the whole chain and return what is found; it must be something."""
    found: dict[str, Any] | None = verified(pins).found
    assert found is not None
    return found


def exported() -> list[str]:
    """Return the heads as they are downloaded."""
    keys = {key.pk: key.public for key in SigningKey.objects.all()}
    return [sealing.head_line(head, keys[head.key_id]) for head in Head.objects.order_by("seq")]


@contextmanager
def past_the_triggers() -> Iterator[Any]:
    """Give a cursor for which no trigger runs, as for a superuser or the owner of the tables."""
    tables = ("audit_event", "audit_link", "audit_head", "audit_checkpoint", "audit_key")
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def rechained(cursor: Any, first: int) -> None:
    """Work out every hash from a place on again, and write it over the old one."""
    before = Link.objects.filter(seq__lt=first).order_by("-seq").first()
    previous = before.hash if before else chain.GENESIS
    for link in Link.objects.filter(seq__gte=first).order_by("seq"):
        row = Event.objects.filter(pk=link.event_id).values(*chain.COLUMNS).get()
        own = chain.hashed(link.seq, previous, row)
        cursor.execute("UPDATE audit_link SET previous = %s, hash = %s WHERE seq = %s", [previous, own, link.seq])
        previous = own
