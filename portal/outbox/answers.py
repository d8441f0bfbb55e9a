"""How a delivery ends. Texts are for people and hold nothing of a target but its host."""

import socket
import ssl
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.outbox import texts


@dataclass(frozen=True)
class Sent:
    """The target took the message, for a mail not to those `left`. `text` is what it said."""

    text: str = ""
    left: tuple[str, ...] = ()


class TargetDown(Exception):
    """The target cannot be spoken to, or says that it cannot serve: nothing else is worth trying now."""


class MessageRefused(Exception):
    """The target answers, and does not take this message."""


def reason_of(error: OSError) -> str:
    """Return what went wrong on the way, in words; system texts that could repeat an address are left out."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("its certificate is not accepted: %s") % (error.verify_message or _("unknown reason"))
    if isinstance(error, ssl.SSLError):
        return _("TLS failed: %s") % (error.reason or type(error).__name__)
    if isinstance(error, TimeoutError):
        return _("no answer in time")
    if isinstance(error, ConnectionRefusedError):
        return _("the connection was refused")
    if isinstance(error, ConnectionError):
        return _("the connection was cut")
    if isinstance(error, socket.gaierror):
        return _("the name could not be resolved")
    return _("the connection failed: %s") % type(error).__name__


def said(reply: bytes | str, *secrets: str) -> str:
    """Return a target's own words on one line, at most 200 characters, without any of our secrets."""
    text = texts.one_line(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply)
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text[:200]
