"""Where messages go: read from addresses of the environment. Pure; secrets are kept out of every representation."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

Security = Literal["plain", "starttls", "tls"]
LEAST_SECRET = 16
PORTS = {"smtp": 25, "smtps": 465, "syslog+tls": 6514, "syslog+tcp": 601, "https": 443, "http": 80}


@dataclass(frozen=True)
class MailTarget:
    """A relay. `sender` is the plain address that mail is from."""

    host: str
    port: int
    security: Security
    sender: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """Return the relay as pages name it."""
        words = {"plain": "without TLS", "starttls": "STARTTLS", "tls": "TLS"}
        return f"{self.host}:{self.port} ({words[self.security]})"


@dataclass(frozen=True)
class WebhookTarget:
    """Where events are posted. The path may be a secret of the receiver, so only the host is ever shown."""

    host: str
    url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Return the receiver as pages name it."""
        return self.host


@dataclass(frozen=True)
class StreamTarget:
    """A collector of audit lines: syslog over TCP or TLS, or HTTPS. `username` and `password` are for HTTPS."""

    scheme: Literal["syslog+tls", "syslog+tcp", "https", "http"]
    host: str
    port: int
    url: str = field(repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """Return the collector as pages name it."""
        return f"{self.host}:{self.port} ({self.scheme})"


def parse_mail(url: str, sender: str) -> MailTarget | None:
    """Read `smtp://user:password@host:587?starttls=1` or `smtps://…`; None where it is empty.

    Raises `ValueError` with the remedy; the address itself, which holds a password, is never part of it.
    """
    if not url:
        return None
    parts = _split(url, {"smtp", "smtps"}, "smtp://host:port?starttls=1 or smtps://host:port")
    starttls = parse_qs(parts.query).get("starttls", ["0"])[-1] in {"1", "true", "yes", "on"}
    security: Security = "tls" if parts.scheme == "smtps" else "starttls" if starttls else "plain"
    if parts.username and security == "plain" and not is_loopback(parts.hostname or ""):
        raise ValueError("a password is never sent without TLS: use smtps:// or add ?starttls=1")
    if sender.count("@") != 1 or not sender.isascii() or any(letter.isspace() for letter in sender):
        raise ValueError("PADDOCK_MAIL_FROM must be one plain address, such as paddock@example.org")
    return MailTarget(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        security=security,
        sender=sender,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def parse_webhook(url: str, secret: str) -> WebhookTarget | None:
    """Read an https address and the key of its signatures; None where there is no address. Raises `ValueError`."""
    if not url:
        return None
    parts = _split(url, {"https", "http"}, "https://host/path")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("use https://")
    if parts.username or parts.password:
        raise ValueError("leave user and password out; the receiver checks the signature instead")
    if len(secret) < LEAST_SECRET:
        raise ValueError(f"PADDOCK_WEBHOOK_SECRET needs {LEAST_SECRET} characters or more, known to the receiver too")
    return WebhookTarget(host=_place(parts), url=url, secret=secret)


def parse_stream(url: str) -> StreamTarget | None:
    """Read `syslog+tls://host:6514`, `syslog+tcp://host:601` or `https://…`; None where it is empty.

    Raises `ValueError`.
    """
    if not url:
        return None
    known = "syslog+tls://host:6514, syslog+tcp://host:601 or https://host/path"
    parts = _split(url, {"syslog+tls", "syslog+tcp", "https", "http"}, known)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("use https://")
    return StreamTarget(
        scheme=parts.scheme,  # type: ignore[arg-type]
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        url=parts._replace(netloc=_place(parts), fragment="").geturl(),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host, as written, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str, schemes: set[str], remedy: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise ValueError(f"use {remedy}")
    return parts


def _place(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port else host
