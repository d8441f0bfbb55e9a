"""How well the audit is kept: what is sealed, what waits, who could change it, what the last reading found."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from portal.audit import signing, verification
from portal.audit.models import Check, Checkpoint, Event, Head, SigningKey, Unsealed

# What waits longer than this means that nobody seals.
SEALED_WITHIN = timedelta(minutes=1)
VERIFIED_WITHIN = timedelta(days=2)


@dataclass(frozen=True)
class Integrity:
    """The state of the chain. `running` is a reading under way, `last` the newest that ended."""

    first: int
    last_place: int
    head: Head | None
    key: SigningKey | None
    checkpoint: Checkpoint | None
    unsealed: int
    oldest_unsealed_at: datetime | None
    roles_apart: bool
    running: Check | None
    last: Check | None
    good: Check | None

    def is_late(self, at: datetime) -> bool:
        """Something waits for the sealer longer than it should."""
        return self.oldest_unsealed_at is not None and at - self.oldest_unsealed_at > SEALED_WITHIN

    def is_unread(self, at: datetime) -> bool:
        """No reading ended lately."""
        return self.last is None or self.last.finished_at is None or at - self.last.finished_at > VERIFIED_WITHIN


def integrity() -> Integrity:
    """Return how the chain stands now."""
    first, last_place = verification.span()
    checks = Check.objects.order_by("-asked_at")
    ended = checks.exclude(finished_at=None)
    waiting = Unsealed.objects.order_by("event_id")
    oldest = waiting.values_list("event_id", flat=True).first()
    return Integrity(
        first=first,
        last_place=last_place,
        head=Head.objects.order_by("-seq").first(),
        key=signing.newest(),
        checkpoint=Checkpoint.objects.order_by("-seq").first(),
        unsealed=waiting[:10_001].count(),
        oldest_unsealed_at=Event.objects.filter(pk=oldest).values_list("at", flat=True).first() if oldest else None,
        roles_apart=roles_apart(),
        running=checks.filter(finished_at=None, job_id__isnull=False).first(),
        last=ended.first(),
        good=ended.filter(found=None).first(),
    )


def roles_apart() -> bool:
    """Tell whether the role of this process could not change the audit if it wanted to."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                AND NOT pg_has_role(current_user, relowner, 'USAGE')
                AND NOT has_table_privilege(oid, 'UPDATE')
                AND NOT has_table_privilege(oid, 'DELETE')
                AND NOT has_table_privilege(oid, 'TRUNCATE')
            FROM pg_class WHERE oid = 'audit_event'::regclass
            """
        )
        (apart,) = cursor.fetchone()
    return bool(apart)
