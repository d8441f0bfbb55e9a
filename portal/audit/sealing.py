"""The sealer: numbers and chains what was committed, signs the end of the chain, and sends it out.

The order of the chain is the order of sealing. A transaction that commits late gets a later number, whatever its
events' ids are: `audit_unsealed` names what is left to do, not the highest id.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portal.audit import chain, signing
from portal.audit.models import Checkpoint, Event, Head, Link, SigningKey, Unsealed
from portal.outbox import selectors as targets
from portal.outbox import services as outbox
from portal.outbox.models import Kind

BATCH = 500
# Numbers of advisory locks: one sealer, one asker for checks.
SEALER, CHECKS = 74_010_001, 74_010_002


def lock(number: int) -> None:
    """Wait for a lock that ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def seal(*, at: datetime, most: int = BATCH) -> int:
    """Seal what is committed, oldest first. Returns how many; zero too where another sealer is at it."""
    with transaction.atomic():
        if not _is_alone():
            return 0
        rows = waiting(most)
        if not rows:
            return 0
        links = _links(rows)
        Link.objects.bulk_create(links)
        head = _head(links, at)
        Unsealed.objects.filter(event_id__in=[link.event_id for link in links]).delete()
        _send(rows, links, head)
    return len(links)


def waiting(most: int) -> list[dict[str, Any]]:
    """Return the committed rows that the chain does not hold, in the order of their ids."""
    left = Event.objects.filter(pk__in=Unsealed.objects.values("event_id"))
    return list(left.order_by("id").values(*chain.COLUMNS)[:most])


def end() -> tuple[int, str]:
    """Return the number and the hash that the next link follows."""
    last = Link.objects.order_by("-seq").values_list("seq", "hash").first()
    if last is not None:
        return last
    pruned = Checkpoint.objects.order_by("-seq").values_list("seq", "hash").first()
    return pruned or (0, chain.GENESIS)


def head_line(head: Head, public: str) -> str:
    """Return a head as the line that leaves: the same fields as in the download."""
    fields = {
        "audit": "head",
        "seq": head.seq,
        "hash": head.hash,
        "events": head.events,
        "at": head.at.isoformat(),
        "key": str(head.key_id),
        "public": public,
        "signature": head.signature,
    }
    return _one_line(fields)


def _one_line(fields: dict[str, Any]) -> str:
    # Spaces in a row are written out, since what carries the line may make one of them.
    return json.dumps(fields, separators=(",", ":")).replace("  ", " \\u0020")


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALER])
        (alone,) = cursor.fetchone()
    return bool(alone)


def _links(rows: Sequence[dict[str, Any]]) -> list[Link]:
    seq, previous = end()
    links = []
    for row in rows:
        seq += 1
        own = chain.hashed(seq, previous, row)
        links.append(Link(seq=seq, event_id=row["id"], previous=previous, hash=own))
        previous = own
    return links


def _head(links: Sequence[Link], at: datetime) -> tuple[Head, SigningKey]:
    last, key = links[-1], signing.current(at=at)
    text = chain.head_text(seq=last.seq, hash_=last.hash, at=at, key=str(key.pk))
    head = Head(
        seq=last.seq, hash=last.hash, events=len(links), at=at, key_id=key.pk, signature=signing.sign(key, text)
    )
    head.save(force_insert=True)
    return head, key


def _send(rows: Sequence[dict[str, Any]], links: Sequence[Link], sealed: tuple[Head, SigningKey]) -> None:
    """Send the events as JSON lines where a collector is configured, many to a message, and the head in any case."""
    head, key_row = sealed
    if targets.has_target(Kind.STREAM):
        for batch in _batches(rows, links):
            (first, _line), (last, _last) = batch[0], batch[-1]
            key = f"audit events {first.seq}-{last.seq} {last.hash[:16]}"
            outbox.stream(target="audit", lines=[line for _link, line in batch], key=key, at=head.at)
    body = head_line(head, key_row.public)
    outbox.stream(target="audit", lines=[body], key=f"audit head {head.seq} {head.hash[:16]}", at=head.at)


def _batches(rows: Sequence[dict[str, Any]], links: Sequence[Link]) -> Iterator[list[tuple[Link, str]]]:
    """Lines of events, as many together as one message should hold; a longer line is alone."""
    batch: list[tuple[Link, str]] = []
    size = 0
    for row, link in zip(rows, links, strict=True):
        line = _one_line({"audit": "event", "seq": link.seq, "hash": link.hash, "event": chain.plain(row)})
        # Plain ASCII, so that letters are bytes; one more for the line's end.
        size += len(line) + 1
        if batch and size > outbox.LINES_BYTES:
            yield batch
            batch, size = [], len(line) + 1
        batch.append((link, line))
    if batch:
        yield batch
