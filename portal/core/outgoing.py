"""The one client of outgoing HTTPS, but for clusters, whose door is `clusters.kube`.

The address is judged and connected to as judged (`egress`); certificates are always checked; redirects are not
followed, so that no credential travels to another origin; time and size are bounded as a whole. What the other side
answers never stands in an error.
"""

import functools
import ipaddress
import json
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11
from django.conf import settings
from django.utils.translation import gettext as _

from portal.core import egress

SECONDS = 8.0
LIMIT = 1 << 20  # bytes of a body
HEADERS_LIMIT = 32 * 1024  # bytes of status line and headers
CONNECT_SECONDS = 3.0  # for one address of several
_CHUNK = 64 * 1024
_MOST_INTERIM = 8  # answers of the 1xx kind before the real one
_TARGET = re.compile(r"[!-~]*", re.ASCII)


class Unreachable(Exception):
    """No whole answer. `reason` is a text for people; nothing of an answer stands in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by their names in small letters; a repeated header is joined by commas."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Raises Unreachable when the body is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unreachable(_("the answer is not JSON")) from None


@dataclass(frozen=True, slots=True)
class _Target:
    """One address to ask, taken apart."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class _Deadline:
    """One span for the whole request, whatever drips in meanwhile."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unreachable(_("no whole answer within %(seconds)g seconds") % {"seconds": self._seconds})
        return left


def request(  # noqa: PLR0913  (one call, every bound named)
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: float = SECONDS,
    limit: int = LIMIT,
    ca_pem: str | None = None,
    public_only: bool = False,
) -> Answer:
    """Ask once. Without `ca_pem` the machine's authorities vouch. `seconds` bound everything, the look-up included.

    `public_only` is for addresses that people type: private networks are refused unless the operator lists them in
    PADDOCK_OUTGOING_ALLOWED. Raises Unreachable and egress.AddressRefused.
    """
    target = _target(url)
    deadline = _Deadline(seconds)
    try:
        addresses = egress.resolve(
            target.host,
            target.port,
            allow_loopback=settings.ALLOW_LOOPBACK,
            seconds=min(egress.RESOLVE_SECONDS, seconds),
        )
    except egress.NameNotResolved:
        raise Unreachable(_("the name %(host)s could not be resolved") % {"host": target.host}) from None
    if public_only:
        _demand_public(target.host, addresses)
    # Built before the connection stands: a header that cannot be sent must not cost one.
    sent = _Conversation(method, target, headers or {}, body)
    try:
        with _connected(target, addresses, ca_pem, deadline) as connection:
            return sent.run(connection, deadline, limit)
    except TimeoutError:
        deadline.left()
        raise Unreachable(_("no answer in time")) from None
    except ssl.SSLError as error:
        raise Unreachable(_tls_reason(error)) from None
    except OSError as error:
        raise Unreachable(_("the connection broke: %(why)s") % {"why": error.strerror or _("cut")}) from None


def _target(url: str) -> _Target:
    """Raises egress.AddressRefused for what is no plain https address; the message does not repeat the path."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise egress.AddressRefused("", _("not an address")) from None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # `urlsplit` drops line breaks and tabs in silence; what was given must be what is asked.
    if not host or "@" in parts.netloc or "\\" in url or not _TARGET.fullmatch(url) or not path.startswith("/"):
        raise egress.AddressRefused(host[:253], _("an address with user, blanks or other signs that do not belong"))
    if parts.scheme == "http" and settings.ALLOW_LOOPBACK and _is_loopback(host):
        return _Target(False, host, 80 if port is None else port, path)
    if parts.scheme != "https":
        raise egress.AddressRefused(host[:253], _("only https is spoken"))
    return _Target(True, host, 443 if port is None else port, path)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _demand_public(host: str, addresses: Sequence[egress.Address]) -> None:
    allowed = [ipaddress.ip_network(network) for network in settings.OUTGOING_ALLOWED]
    for address in addresses:
        ip = ipaddress.ip_address(address.ip)
        if not egress.is_public(ip) and not any(ip in network for network in allowed):
            raise egress.AddressRefused(host, _("an address of a private network"))


def _connected(
    target: _Target, addresses: Sequence[egress.Address], ca_pem: str | None, deadline: _Deadline
) -> socket.socket:
    """To the first judged address that takes the connection."""
    for number, address in enumerate(addresses):
        last = number == len(addresses) - 1
        plain = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            plain.settimeout(deadline.left() if last else min(CONNECT_SECONDS, deadline.left()))
            plain.connect(address.sockaddr)
        except OSError:
            plain.close()
            if last:
                raise
            continue
        except BaseException:
            plain.close()
            raise
        return _secured(plain, target, ca_pem, deadline) if target.secure else plain
    raise Unreachable(_("the name has no address"))


def _secured(plain: socket.socket, target: _Target, ca_pem: str | None, deadline: _Deadline) -> ssl.SSLSocket:
    try:
        # The time-out of a handshake is one span for all its steps.
        plain.settimeout(deadline.left())
        # A cut must not look like the end of a body.
        return _context(ca_pem).wrap_socket(plain, server_hostname=target.host, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise


@functools.lru_cache(maxsize=32)
def _context(ca_pem: str | None) -> ssl.SSLContext:
    """The given authorities alone, or those of the machine."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_pem:
        try:
            made.load_verify_locations(cadata=ca_pem)
        except (ssl.SSLError, ValueError):
            raise Unreachable(_("the given authorities are not certificates")) from None
    else:
        made.load_default_certs()
    return made


class _Conversation:
    """One request and its answer over a connection that is closed afterwards."""

    def __init__(self, method: str, target: _Target, headers: Mapping[str, str], body: bytes) -> None:
        self._speaker = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADERS_LIMIT)
        given = {name.lower(): value for name, value in headers.items()}
        lines = {
            "host": target.authority,
            "user-agent": "Paddock",
            "accept-encoding": "identity",
            **given,
            "connection": "close",
        }
        if body or method in {"POST", "PUT", "PATCH"}:
            lines["content-length"] = str(len(body))
        try:
            asked = h11.Request(method=method, target=target.path, headers=list(lines.items()))
            self._out = [self._speaker.send(asked), self._speaker.send(h11.Data(data=body))]
            self._out.append(self._speaker.send(h11.EndOfMessage()))
        except (h11.LocalProtocolError, UnicodeEncodeError):
            raise ValueError("the request holds a method or header that cannot be sent") from None

    def run(self, connection: socket.socket, deadline: _Deadline, limit: int) -> Answer:
        connection.settimeout(deadline.left())
        connection.sendall(b"".join(part for part in self._out if part))
        try:
            return self._read(connection, deadline, limit)
        except h11.RemoteProtocolError:
            raise Unreachable(_("the answer is not HTTP, too long in its headers, or cut")) from None

    def _read(self, connection: socket.socket, deadline: _Deadline, limit: int) -> Answer:
        head: h11.Response | None = None
        body = bytearray()
        interim = 0
        while True:
            event = self._speaker.next_event()
            if event is h11.NEED_DATA:
                connection.settimeout(deadline.left())
                self._speaker.receive_data(connection.recv(_CHUNK))
            elif isinstance(event, h11.InformationalResponse):
                interim += 1
                if interim > _MOST_INTERIM:
                    raise Unreachable(_("interim answers without end"))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > limit:
                    raise Unreachable(_("an answer of more than %(limit)d bytes") % {"limit": limit})
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return _answer(head, bytes(body))
            else:
                raise Unreachable(_("the connection ended without an answer"))


def _answer(head: h11.Response, body: bytes) -> Answer:
    headers: dict[str, str] = {}
    for name, value in head.headers:
        key, text = name.decode("ascii"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        # Unpacking is how a small answer becomes a large one.
        raise Unreachable(_("the answer is packed, which was not asked for"))
    return Answer(head.status_code, headers, body)


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        known = {
            9: _("the certificate is not valid yet"),
            10: _("the certificate has expired"),
            62: _("the certificate is for another name"),
            64: _("the certificate is for another address"),
        }
        return known.get(error.verify_code, _("the certificate is not vouched for by a known authority"))
    if isinstance(error, ssl.SSLEOFError):
        return _("the connection was cut")
    return _("the other side does not speak TLS 1.2 or later as it should")
