"""The door to the webhook: one signed POST for each event.

The receiver checks `Paddock-Signature`: `sha256=` and the HMAC-SHA256, in hexadecimal, of `<Paddock-Timestamp>.<body>`
under the shared secret. `Paddock-Id` is the same in every attempt.
"""

import hashlib
import hmac
from types import TracebackType

from django.conf import settings
from django.utils.translation import gettext as _

from portal.core import clock, egress, outgoing
from portal.outbox.answers import MessageRefused, Sent, TargetDown
from portal.outbox.models import Message
from portal.outbox.targets import WebhookTarget

BUSY = {408, 425, 429}


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of `Paddock-Signature`."""
    signed = b"%d." % timestamp + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class Session:
    """Posts to one receiver; each event has a connection of its own."""

    def __init__(self, target: WebhookTarget) -> None:
        self._target = target

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def send(self, message: Message) -> Sent:
        """Post one event. Raises `TargetDown`, `MessageRefused`."""
        body, timestamp = message.body.encode(), int(clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Paddock-Id": str(message.pk),
            "Paddock-Event": message.event,
            "Paddock-Timestamp": str(timestamp),
            "Paddock-Signature": signature(self._target.secret, timestamp, body),
        }
        return judge(post(self._target.url, headers, body, public_only=True))


def post(url: str, headers: dict[str, str], body: bytes, *, public_only: bool) -> int:
    """Post and return the status; of the answer nothing else is kept. Raises `TargetDown`."""
    try:
        answer = outgoing.request(
            "POST",
            url,
            headers=headers,
            body=body,
            limit=1 << 16,
            ca_pem=settings.OUTBOX_CA or None,
            public_only=public_only,
        )
    except outgoing.Unreachable as error:
        raise TargetDown(error.reason) from None
    except egress.AddressRefused as error:
        raise TargetDown(str(error)) from None
    return answer.status


def judge(status: int) -> Sent:
    """Tell by its status what the receiver did with the message. Raises `TargetDown`, `MessageRefused`."""
    words = _("answered with status %d") % status
    if 200 <= status < 300:
        return Sent(words)
    if status >= 500 or status in BUSY:
        raise TargetDown(words)
    raise MessageRefused(words)


def session() -> Session:
    """Return a conversation with the configured receiver."""
    target = settings.OUTBOX_WEBHOOK
    if target is None:
        raise TargetDown(_("no target is configured"))
    return Session(target)
