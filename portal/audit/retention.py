"""Forgetting: whole months that are older than thirteen months, behind a signed checkpoint."""

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from portal.audit import chain, sealing, services, signing
from portal.audit.models import Check, Checkpoint, Event, Link
from portal.core.actors import SYSTEM, Subject

MONTHS = 13
BATCH = 5_000


def cutoff(at: datetime) -> datetime:
    """Return the first instant that is kept: the beginning of the month thirteen months ago, in UTC."""
    month = at.year * 12 + at.month - 1 - MONTHS
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def set_checkpoint(*, at: datetime) -> Checkpoint | None:
    """Sign the place behind which everything is old enough; the newest one again while it is not cleared yet.

    None where nothing is old enough, and where the last reading of the chain found a break: what may be evidence is
    kept until a reading finds nothing.
    """
    newest = Checkpoint.objects.order_by("-seq").first()
    if newest is not None and Link.objects.filter(seq__lte=newest.seq).exists():
        return newest
    last = Check.objects.exclude(finished_at=None).order_by("-finished_at").first()
    place = _last_old(newest.seq if newest else 0, cutoff(at))
    if place is None or (last is not None and last.found is not None):
        return None
    with transaction.atomic():
        sealing.lock(sealing.SEALER)
        return _sign(place, at)


def clear(checkpoint: Checkpoint, most: int = BATCH) -> int:
    """Remove some of what lies behind the checkpoint, oldest first. Returns how many; zero at the end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_prune(%s, %s)", [checkpoint.pk, most])
        (gone,) = cursor.fetchone()
    return int(gone)


def forget_checks(*, at: datetime) -> None:
    """Forget readings as old as the events they read."""
    Check.objects.filter(asked_at__lt=cutoff(at) - timedelta(days=1)).delete()


def _last_old(after: int, kept_from: datetime) -> Link | None:
    """The last link before the first event that is kept."""
    old: Link | None = None
    while True:
        links = list(Link.objects.filter(seq__gt=old.seq if old else after).order_by("seq")[:BATCH])
        instants = dict(Event.objects.filter(pk__in=[link.event_id for link in links]).values_list("id", "at"))
        for link in links:
            if link.event_id not in instants or instants[link.event_id] >= kept_from:
                return old
            old = link
        if not links:
            return old


def _sign(place: Link, at: datetime) -> Checkpoint:
    key, kept_from = signing.current(at=at), cutoff(at)
    text = chain.checkpoint_text(seq=place.seq, hash_=place.hash, cutoff=kept_from, at=at, key=str(key.pk))
    signature = signing.sign(key, text)
    made = Checkpoint.objects.create(
        seq=place.seq, hash=place.hash, cutoff=kept_from, at=at, key_id=key.pk, signature=signature
    )
    on = Subject("audit_checkpoint", str(made.pk), str(made))
    services.record("audit.month.prune", by=SYSTEM, on=on, after={"before": kept_from.isoformat(), "up_to": place.seq})
    return made
