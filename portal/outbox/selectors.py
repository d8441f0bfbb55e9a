"""What is configured, and how it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from portal.outbox.models import OPEN, Kind, Message, TargetState
from portal.outbox.targets import MailTarget, StreamTarget, WebhookTarget

Target = MailTarget | WebhookTarget | StreamTarget
VARIABLE = {
    Kind.MAIL.value: "PADDOCK_MAIL_URL",
    Kind.WEBHOOK.value: "PADDOCK_WEBHOOK_URL",
    Kind.STREAM.value: "PADDOCK_AUDIT_STREAM_URL",
}


@dataclass(frozen=True)
class TargetNow:
    """A target as its page shows it; `place` is None where none is configured."""

    kind: Kind
    place: str | None
    variable: str
    open: int
    state: TargetState | None


def target_of(kind: str) -> Target | None:
    """Return the configured target of a kind."""
    found: dict[str, Target | None] = {
        Kind.MAIL.value: settings.OUTBOX_MAIL,
        Kind.WEBHOOK.value: settings.OUTBOX_WEBHOOK,
        Kind.STREAM.value: settings.OUTBOX_STREAM,
    }
    return found[kind]


def has_target(kind: str) -> bool:
    """Tell whether messages of a kind have somewhere to go."""
    return target_of(kind) is not None


def targets() -> Sequence[TargetNow]:
    """Return every kind's target with what waits for it."""
    states = {state.kind: state for state in TargetState.objects.all()}
    waiting = {kind: Message.objects.filter(kind=kind, state__in=OPEN)[:1001].count() for kind in Kind.values}
    return [
        TargetNow(
            kind=Kind(kind),
            place=target.shown if (target := target_of(kind)) else None,
            variable=VARIABLE[kind],
            open=waiting[kind],
            state=states.get(kind),
        )
        for kind in Kind.values
    ]


def kinds_due(at: datetime) -> list[str]:
    """Return the kinds with something to deliver now whose target is not left alone."""
    resting = set(TargetState.objects.filter(rests_until__gt=at).values_list("kind", flat=True))
    # A target that is no longer configured needs no rest: its messages are only marked.
    return [
        kind
        for kind in Kind.values
        if (kind not in resting or not has_target(kind)) and Message.objects.due(kind, at).exists()
    ]
