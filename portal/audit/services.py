"""Recording what happened, and steering what keeps the record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from portal.audit import denials, masking, sealing, signing
from portal.audit.kinds import KINDS
from portal.audit.models import Check, Event, SigningKey
from portal.core import clock
from portal.core.actors import Actor, Subject
from portal.jobs import services as jobs
from portal.jobs.models import Job


def record(
    kind: str,
    *,
    by: Actor,
    on: Subject,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an event in the caller's transaction; call it beside the change itself.

    Secrets are masked at every depth. What names another team's or project's things does not belong into an event
    with `on.team` or `on.project`: their owners read it. Raises `ValueError` for a kind that `kinds.KINDS` does not
    list.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not in portal/audit/kinds.py")
    Event.objects.create(
        at=clock.now(),
        kind=kind,
        actor_kind=by.kind,
        actor_id=masking.plain(by.id, 64),
        actor_label=masking.label(by.label, 200),
        as_label=masking.label(by.as_label, 200),
        token=masking.plain(by.token, 64),
        address=masking.plain(by.address, 64),
        request_id=masking.plain(by.request_id, 32),
        team_id=_team_of(on),
        project_id=UUID(on.project) if on.project else None,
        on_type=masking.plain(on.type, 40),
        on_id=masking.plain(on.id, 100),
        on_label=masking.label(on.label, 300),
        # Half an address leads nowhere.
        on_url=on.url if len(on.url) <= 500 else "",
        before=masking.masked(before),
        after=masking.masked(after),
    )


def said_since(since: datetime, kind: str, *, by: Actor, after: dict[str, Any]) -> bool:
    """Tell whether the same was recorded from the same address after an instant: what strangers cause, once is enough.

    Events are never deleted, so that nobody may make as many as they like without signing in.
    """
    same = Event.objects.filter(at__gt=since, kind=kind, address=by.address, actor_id=by.id)
    return same.filter(after=after).exists()


def record_denial(by: Actor, *, permission: str, path: str, method: str, on: str) -> None:
    """Write that somebody was refused. Called by the gate, outside of any change.

    The first of a minute is an event at once; the others are counted, and become one event when the minute ends.
    """
    with transaction.atomic():
        denied = denials.count(by, permission=permission, path=path, at=clock.now())
        if denied.is_first:
            subject = Subject("address", path[:100], f"{method} {path}")
            record(denied.kind, by=by, on=subject, after={"permission": permission, "on": on})


def tell_repeats(*, at: datetime) -> int:
    """Write the counted refusals of the minutes that ended, each as one event, and forget them. Returns how many."""
    with transaction.atomic():
        ended = denials.ended(at)
        for row in ended:
            if row.count > 1:
                subject = Subject("address", row.pattern[:100], row.pattern)
                after = {"permission": row.permission, "times": row.count - 1, "minute": row.minute.isoformat()}
                record("access.repeated", by=Actor.from_json(row.actor), on=subject, after=after)
        denials.forget(ended)
    return len(ended)


def ask_for_check(*, by: Actor, at: datetime) -> Check:
    """Have the whole chain read by a job; one that is under way is returned instead of a second."""
    with transaction.atomic():
        sealing.lock(sealing.CHECKS)
        running = Check.objects.filter(finished_at=None).order_by("-asked_at").first()
        if running is not None and running.job_id and Job.objects.open().filter(pk=running.job_id).exists():
            return running
        check = Check.objects.create(asked_at=at, asked_by=by.label)
        check.job_id = jobs.enqueue("portal.audit.verify", key=f"{check.pk} 0", by=by, check_id=str(check.pk)).pk
        check.save(update_fields=["job_id"])
    return check


def rotate_key(*, by: Actor, at: datetime) -> SigningKey:
    """Sign with a new key from now on; the old one introduces it, and its heads stay good."""
    with transaction.atomic():
        sealing.lock(sealing.SEALER)
        key = signing.replace(at=at)
        subject = Subject("audit_key", str(key.pk), key.public)
        record("audit.key.rotate", by=by, on=subject, after={"introduced": bool(key.introduction)})
    return key


def _team_of(on: Subject) -> UUID | None:
    if on.team or not on.project:
        return UUID(on.team) if on.team else None
    # Whose the project is at this moment: asked of the room that knows, which lies above this one.
    found = import_string(settings.SCOPE_PARENTS["project"])(UUID(on.project))
    return UUID(str(found)) if found else None
