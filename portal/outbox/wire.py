"""Connections to targets that do not speak HTTP: judged addresses, demanded certificates, an end to every attempt."""

import contextlib
import os
import socket
import ssl
import threading

from django.conf import settings

from portal.core import egress
from portal.outbox.answers import TargetDown, reason_of

STEP_SECONDS = 10.0
ATTEMPT_SECONDS = 30.0


def connect(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers. Raises `TargetDown`."""
    try:
        # The operator names relay and collector in the environment; both may live on this machine.
        addresses = egress.resolve(host, port, allow_loopback=True)
    except (egress.AddressRefused, egress.NameNotResolved) as error:
        raise TargetDown(str(error)) from None
    reason = ""
    for address in addresses:
        one = socket.socket(address.family, socket.SOCK_STREAM)
        one.settimeout(STEP_SECONDS)
        try:
            one.connect(address.sockaddr)
        except OSError as error:
            one.close()
            reason = reason_of(error)
        else:
            return one
    raise TargetDown(reason)


def tls() -> ssl.SSLContext:
    """Return what certificates are checked by: `PADDOCK_OUTBOX_CA`, else the machine's authorities."""
    context = ssl.create_default_context(cadata=settings.OUTBOX_CA or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Deadline:
    """Cut a connection when an attempt takes too long, however the other side drips its answers.

    A time-out of the socket alone counts from the last byte.
    """

    def __init__(self, raw: socket.socket, seconds: float = ATTEMPT_SECONDS) -> None:
        # A second descriptor of the same connection: whatever wraps the first one is left alone.
        self._other = socket.socket(fileno=os.dup(raw.fileno()))
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        self._timer.cancel()
        self._other.close()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self._other.shutdown(socket.SHUT_RDWR)
