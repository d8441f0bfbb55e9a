"""The connection under LDAP: a judged address, TLS with a demanded certificate, and limits that hold.

libldap's own handshake waits for ever on a server that accepts and stays silent, resolves names without a limit and
connects again in the clear. So the connection is made here, by Python's TLS, and libldap gets one end of a pair
of sockets whose other end a thread joins to it. It cannot open another one.
"""

import contextlib
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from portal.accounts.providers.answers import ProviderDown
from portal.core import egress

CHUNK = 64 * 1024
# A relay that nobody ends (a server that stops inside a TLS record) ends itself.
STUCK_SECONDS = 60.0

# LDAPMessage 1, ExtendedRequest, requestName 1.3.6.1.4.1.1466.20037 (RFC 4511, 4.14)
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
_LONGEST_ANSWER = 4096

Left = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Server:
    """One address of a directory. `starts_tls`: begins in the clear and changes to TLS before anything is said."""

    host: str
    port: int
    starts_tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def server_of(url: str) -> Server:
    """`ldaps://host[:636]`, or `ldap://host[:389]`, which always changes to TLS."""
    parts = urlsplit(url)
    plain = parts.scheme == "ldap"
    return Server(parts.hostname or "", parts.port or (389 if plain else 636), plain)


def time_limit(seconds: float) -> Left:
    """The seconds that are left, above zero; raises ProviderDown when there are none."""
    end = time.monotonic() + seconds

    def left() -> float:
        remaining = end - time.monotonic()
        if remaining <= 0:
            raise ProviderDown(_("the directory did not answer in time"))
        return remaining

    return left


def resolve(server: Server, *, allow_loopback: bool, left: Left) -> list[egress.Address]:
    try:
        return egress.resolve(server.host, server.port, allow_loopback=allow_loopback, seconds=left())
    except (egress.AddressRefused, egress.NameNotResolved) as error:
        raise ProviderDown(str(error)) from error


def secure(server: Server, addresses: list[egress.Address], *, ca_pem: str, left: Left) -> ssl.SSLSocket:
    """A TLS connection to the first address that takes one."""
    plain = _connected(server, addresses, left)
    try:
        if server.starts_tls:
            _start_tls(plain, server, left)
        context = ssl.create_default_context(cadata=ca_pem or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        plain.settimeout(left())  # of the whole handshake, not of each read
        return context.wrap_socket(plain, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        raise ProviderDown(
            _("the certificate of %(server)s is refused: %(reason)s")
            % {"server": server, "reason": error.verify_message}
        ) from error
    except TimeoutError as error:
        raise ProviderDown(_("%(server)s takes connections and does not answer") % {"server": server}) from error
    except (OSError, ValueError) as error:
        raise ProviderDown(
            _("no TLS with %(server)s: %(reason)s") % {"server": server, "reason": _reason(error)}
        ) from error
    finally:
        # After wrap_socket this one holds no descriptor any more.
        plain.close()


def relay(tls: ssl.SSLSocket) -> int:
    """The descriptor of a plain socket that speaks through `tls`. Closing it closes the connection."""
    near, far = socket.socketpair()
    tls.settimeout(STUCK_SECONDS)
    threading.Thread(target=_carry, args=(tls, far), name="ldap relay", daemon=True).start()
    return near.detach()


def _connected(server: Server, addresses: list[egress.Address], left: Left) -> socket.socket:
    reason = "no address"
    for address in addresses:
        try:
            made = socket.create_connection((address.ip, address.port), timeout=left())
        except OSError as error:
            reason = "no answer" if isinstance(error, TimeoutError) else _reason(error)
            continue
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    raise ProviderDown(_("no connection to %(server)s: %(reason)s") % {"server": server, "reason": reason})


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _start_tls(plain: socket.socket, server: Server, left: Left) -> None:
    """Reads exactly the answer and no byte more: what came behind it in the clear must not count as protected."""
    plain.settimeout(left())
    plain.sendall(_START_TLS)
    tag, length = _header(plain, left)
    if tag != 0x30 or length > _LONGEST_ANSWER:
        raise ProviderDown(_("%(server)s does not speak LDAP") % {"server": server})
    code = _result_code(_exactly(plain, length, left))
    if code != 0:
        raise ProviderDown(_("%(server)s refuses StartTLS (result %(code)s)") % {"server": server, "code": code})


def _header(plain: socket.socket, left: Left) -> tuple[int, int]:
    """Tag and length of a BER value."""
    tag, length = _exactly(plain, 2, left)
    if length & 0x80:
        length = int.from_bytes(_exactly(plain, length & 0x7F, left), "big")
    return tag, length


def _exactly(plain: socket.socket, count: int, left: Left) -> bytes:
    found = b""
    while len(found) < count:
        plain.settimeout(left())
        more = plain.recv(count - len(found))
        if not more:
            raise ProviderDown(_("the directory ended the connection"))
        found += more
    return found


def _result_code(body: bytes) -> int:
    """The resultCode of an ExtendedResponse: message id, then [24] { ENUMERATED … }; 80 (other) if it is none."""
    try:
        place = 2 + body[1]
        if body[0] != 0x02 or body[place] != 0x78:
            return 80
        place += 2 + (body[place + 1] & 0x7F if body[place + 1] & 0x80 else 0)
        return body[place + 2] if body[place : place + 2] == b"\x0a\x01" else 80
    except IndexError:
        return 80


def _carry(tls: ssl.SSLSocket, far: socket.socket) -> None:
    """Carries bytes both ways until one side ends; an end of the server is an end for libldap."""
    with tls, far, selectors.DefaultSelector() as either, contextlib.suppress(OSError):
        either.register(tls, selectors.EVENT_READ)
        either.register(far, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in either.select()}
            if tls in ready and not _drain(tls, far):
                return
            if far in ready:
                asked = far.recv(CHUNK)
                if not asked:
                    return
                tls.sendall(asked)


def _drain(tls: ssl.SSLSocket, far: socket.socket) -> bool:
    """What has come, with what TLS has already decrypted: the selector does not see that. False at the end."""
    while True:
        told = tls.recv(CHUNK)
        if not told:
            return False
        far.sendall(told)
        if not tls.pending():
            return True
