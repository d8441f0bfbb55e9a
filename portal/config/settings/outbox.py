"""Where messages go. Addresses hold secrets: a wrong one stops the start without being repeated."""

from collections.abc import Callable
from ssl import SSLError, create_default_context
from typing import TypeVar

from portal.config import env
from portal.outbox import targets

T = TypeVar("T")


def checked(name: str, read: Callable[[], T]) -> T:
    """Return what `read` makes of a variable. Raises `env.Wrong` with the remedy and without the value."""
    try:
        return read()
    except ValueError as error:
        raise env.Wrong(f"{name} cannot be used: {error}.") from None


def authorities(pem: str) -> str:
    """Return PEM certificates. Raises `ValueError`."""
    try:
        create_default_context(cadata=pem or None)
    except SSLError:
        raise ValueError("use certificates in PEM form; PADDOCK_OUTBOX_CA_FILE may name their file") from None
    return pem


OUTBOX_CA = checked("PADDOCK_OUTBOX_CA", lambda: authorities(env.text("PADDOCK_OUTBOX_CA")))
OUTBOX_MAIL = checked(
    "PADDOCK_MAIL_URL", lambda: targets.parse_mail(env.text("PADDOCK_MAIL_URL"), env.text("PADDOCK_MAIL_FROM"))
)
OUTBOX_WEBHOOK = checked(
    "PADDOCK_WEBHOOK_URL",
    lambda: targets.parse_webhook(env.text("PADDOCK_WEBHOOK_URL"), env.text("PADDOCK_WEBHOOK_SECRET")),
)
OUTBOX_STREAM = checked("PADDOCK_AUDIT_STREAM_URL", lambda: targets.parse_stream(env.text("PADDOCK_AUDIT_STREAM_URL")))
# The audit lies above the outbox, since its heads leave through it.
OUTBOX_RECORDER = "portal.audit.services.record"
