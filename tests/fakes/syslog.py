"""A collector of syslog over TCP or TLS with octet counting (RFC 5425, RFC 6587)."""

import contextlib
import socket
import ssl
import threading


class SyslogSink:
    """`records` is what arrived, in order; `drop()` closes every connection there is."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.records: list[str] = []
        self.connections = 0
        self._held: list[socket.socket] = []
        self._arrived = threading.Condition()

    @property
    def url(self) -> str:
        return f"syslog+{'tls' if self._context else 'tcp'}://127.0.0.1:{self.port}"

    def start(self) -> "SyslogSink":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        for one in self._held:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._held.clear()

    def wait_for(self, number: int, seconds: float = 5.0) -> list[str]:
        """Return the records once there are as many."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.records) >= number, seconds)
        return self.records

    def _accept(self) -> None:
        while True:
            try:
                raw, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._read, args=(raw,), daemon=True).start()

    def _read(self, raw: socket.socket) -> None:
        try:
            wire = self._context.wrap_socket(raw, server_side=True) if self._context else raw
        except OSError:
            raw.close()
            return
        self._held.append(wire)
        with contextlib.suppress(OSError, ValueError), wire, wire.makefile("rb") as stream:
            while length := _length(stream):
                record = stream.read(length)
                with self._arrived:
                    self.records.append(record.decode())
                    self._arrived.notify_all()


def _length(stream: object) -> int:
    digits = b""
    while (letter := stream.read(1)) not in {b"", b" "}:  # type: ignore[attr-defined]
        digits += letter
    return int(digits or 0)
