"""One non-blocking TLS connection to a judged address."""

import selectors
import socket
import ssl
import time
from collections.abc import Sequence

from clusters.kube import tls
from clusters.kube.errors import CutShort, KubeError, TlsFailed, Unreachable
from portal.core.egress import Address

CONNECT_SECONDS = 5.0
READ_BYTES = 256 * 1024

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Wire:
    """Made connecting; `ready` once the handshake is done. The certificate is checked against `host` always.

    `spoke` is true once a byte of the last `send` may have left. `wants` says what to select for. `due` is when
    connecting or shaking hands must be over (monotonic seconds).
    """

    def __init__(self, addresses: Sequence[Address], *, context: ssl.SSLContext, host: str) -> None:
        self._addresses = list(addresses)
        self._context = context
        self._host = host
        self._plain: socket.socket | None = None
        self._tls: ssl.SSLSocket | None = None
        self._out = b""
        self.ready = False
        self.used = False
        self.spoke = False
        self.wants = WRITE
        self.due = 0.0
        self._next_address()

    @property
    def socket(self) -> socket.socket:
        found = self._tls or self._plain
        if found is None:
            raise RuntimeError("the connection is closed")
        return found

    def send(self, data: bytes) -> None:
        self._out = data
        self.spoke = False
        if self.ready:
            self._flush()

    def advance(self) -> None:
        """One step of connecting, shaking hands or sending; raises Unreachable or TlsFailed."""
        if self.ready:
            self._flush()
        elif self._tls is None:
            self._connected()
        else:
            self._shake_hands()

    def expire(self) -> None:
        """`due` has passed: try the next address, or raise."""
        if self._tls is not None:
            raise Unreachable("The server does not answer the TLS handshake.")
        if not self._addresses:
            raise Unreachable("No connection came about in time.")
        self._next_address()

    def read(self, buffer: memoryview) -> int:
        """Fills as much of `buffer` as is there. -1: the server has closed the connection (and nothing was read)."""
        filled = 0
        found = self._tls
        if found is None:
            return 0
        # One call gives one TLS record of at most 16 KiB, so a large buffer takes several.
        while filled < len(buffer):
            try:
                count = found.recv_into(buffer[filled:])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except ssl.SSLError as error:
                raise self._broken(error) from None
            except OSError:
                count = 0
            if count == 0:
                return filled or -1
            filled += count
        return filled

    def close(self) -> None:
        for found in (self._tls, self._plain):
            if found is not None:
                found.close()
        self._tls = self._plain = None
        self.ready = False

    def _next_address(self) -> None:
        self.close()
        while self._addresses:
            address = self._addresses.pop(0)
            self._plain = socket.socket(address.family, socket.SOCK_STREAM)
            self._plain.setblocking(False)
            self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.due = time.monotonic() + CONNECT_SECONDS
            self.wants = WRITE
            try:
                self._plain.connect(address.sockaddr)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                continue
            return
        raise Unreachable("The address does not take connections.")

    def _connected(self) -> None:
        plain = self._plain
        if plain is None or plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._next_address()
            return
        self._plain = None
        self._tls = self._context.wrap_socket(plain, server_hostname=self._host, do_handshake_on_connect=False)
        self.due = time.monotonic() + CONNECT_SECONDS
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self.socket_tls.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = READ
            return
        except ssl.SSLWantWriteError:
            self.wants = WRITE
            return
        except ssl.SSLEOFError:
            raise TlsFailed("not_tls") from None
        except ssl.SSLError as error:
            raise TlsFailed(tls.reason_of(error)) from None
        except OSError:
            raise Unreachable("The server broke off the TLS handshake.") from None
        self.ready = True
        self._flush()

    @property
    def socket_tls(self) -> ssl.SSLSocket:
        if self._tls is None:
            raise RuntimeError("the connection is closed")
        return self._tls

    def _flush(self) -> None:
        while self._out:
            self.spoke = True
            try:
                self._out = self._out[self.socket_tls.send(self._out) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self.wants = READ | WRITE
                return
            except OSError:
                # The server has hung up; what it said before, an alert perhaps, is still to be read.
                self._out = b""
        self.wants = READ

    @staticmethod
    def _broken(error: ssl.SSLError) -> KubeError:
        """After the handshake: TLS 1.3 servers refuse a client certificate only now, by an alert."""
        return TlsFailed("client_certificate") if tls.reason_of(error) == "client_certificate" else CutShort()
