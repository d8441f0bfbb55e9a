"""The door to the collector of audit lines: syslog (RFC 5424, octet counting) over TCP or TLS, or HTTPS.

Syslog knows no answer: what the system has handed to the connection counts as sent.
"""

import base64
import contextlib
import socket
import ssl
from types import TracebackType

from django.conf import settings
from django.utils.translation import gettext as _

from portal.core import formats
from portal.outbox import webhook, wire
from portal.outbox.answers import Sent, TargetDown, reason_of
from portal.outbox.models import Message
from portal.outbox.targets import StreamTarget

# Facility 13 (log audit), severity 5 (notice).
PRIORITY = 13 * 8 + 5
LONGEST_NAME = 32


def frames(message: Message) -> bytes:
    """Return the lines as they go over the wire: of each its length in octets, a space, and the record."""
    name = "".join(letter for letter in message.event if 33 <= ord(letter) <= 126)[:LONGEST_NAME] or "-"
    head = f"<{PRIORITY}>1 {formats.iso(message.created_at)} - paddock - {name} - "
    records = [(head + line).encode() for line in message.body.split("\n")]
    return b"".join(b"%d %b" % (len(record), record) for record in records)


class SyslogSession:
    """One connection over several messages."""

    def __init__(self, target: StreamTarget) -> None:
        self._target = target
        self._wire: socket.socket | None = None

    def __enter__(self) -> "SyslogSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, message: Message) -> Sent:
        """Hand the lines to the connection; after an error all of them go again. Raises `TargetDown`."""
        try:
            if self._wire is None or _ended(self._wire):
                self._close()
                self._wire = self._open()
            with wire.Deadline(self._wire):
                self._wire.sendall(frames(message))
        except OSError as error:
            self._close()
            raise TargetDown(reason_of(error)) from None
        return Sent(_("handed to the connection; syslog gives no answer"))

    def _open(self) -> socket.socket:
        raw = wire.connect(self._target.host, self._target.port)
        if self._target.scheme != "syslog+tls":
            return raw
        try:
            with wire.Deadline(raw):
                return wire.tls().wrap_socket(raw, server_hostname=self._target.host)
        except OSError:
            raw.close()
            raise

    def _close(self) -> None:
        held, self._wire = self._wire, None
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_WR)
            held.close()


def _ended(held: socket.socket) -> bool:
    """Tell whether the collector has closed the connection since the last line."""
    held.settimeout(0)
    try:
        return held.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        held.settimeout(wire.STEP_SECONDS)


class HttpsSession:
    """One POST for each message, of one line or several."""

    def __init__(self, target: StreamTarget) -> None:
        self._target = target

    def __enter__(self) -> "HttpsSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def send(self, message: Message) -> Sent:
        """Post the lines. Raises `TargetDown`, `MessageRefused`."""
        headers = {
            "Content-Type": "application/x-ndjson",
            "Paddock-Id": str(message.pk),
            "Paddock-Event": message.event,
        }
        if self._target.username:
            pair = f"{self._target.username}:{self._target.password}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        # Collectors live inside the company; the operator names this one.
        status = webhook.post(self._target.url, headers, message.body.encode() + b"\n", public_only=False)
        return webhook.judge(status)


def session() -> SyslogSession | HttpsSession:
    """Return a conversation with the configured collector."""
    target = settings.OUTBOX_STREAM
    if target is None:
        raise TargetDown(_("no target is configured"))
    return SyslogSession(target) if target.scheme.startswith("syslog") else HttpsSession(target)
