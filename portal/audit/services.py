"""Recording what happened."""

from datetime import datetime
from typing import Any

from portal.audit.kinds import KINDS
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import Actor, Subject

SECRET_WORDS = ("password", "token", "secret", "credential", "kubeconfig", "client_key")
MASK = "…"


def record(
    kind: str,
    *,
    by: Actor,
    on: Subject,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write an event in the caller's transaction; call it beside the change itself.

    Values whose name speaks of a secret are masked. Raises `ValueError` for a kind that `kinds.KINDS` does not list.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not in portal/audit/kinds.py")
    Event.objects.create(
        at=clock.now(),
        kind=kind,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_label=by.label,
        address=by.address,
        request_id=by.request_id,
        on_type=on.type,
        on_id=on.id,
        on_label=on.label[:300],
        on_url=on.url,
        before=_mask(before),
        after=_mask(after),
    )


def said_since(since: datetime, kind: str, *, by: Actor, after: dict[str, Any]) -> bool:
    """Tell whether the same was recorded from the same address after an instant: what strangers cause, once is enough.

    Events are never deleted, so that nobody may make as many as they like without signing in.
    """
    same = Event.objects.filter(at__gt=since, kind=kind, address=by.address, actor_id=by.id)
    return same.filter(after=after).exists()


def record_denial(by: Actor, *, permission: str, path: str, method: str, on: str) -> None:
    """Write that a signed-in person was refused. Called by the gate, outside of any change."""
    subject = Subject("address", path[:100], f"{method} {path}"[:300])
    record("access.denied", by=by, on=subject, after={"permission": permission, "on": on})


def _mask(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {
        key: MASK if any(word in key.lower() for word in SECRET_WORDS) and not isinstance(value, bool) else value
        for key, value in values.items()
    }
