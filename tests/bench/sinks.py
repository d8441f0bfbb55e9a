"""Targets for mail, events and audit lines: such as take everything, and such as take a connection and say nothing."""

import http.server
import socket
import threading
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
SETTINGS = {
    "PADDOCK_MAIL_FROM": "paddock@example.test",
    "PADDOCK_WEBHOOK_SECRET": "only-for-benchmarks-" + "x" * 20,
    "PADDOCK_OUTGOING_ALLOWED": "127.0.0.0/8",
}


def _environment(mail: int, web: int) -> dict[str, str]:
    return {
        "PADDOCK_MAIL_URL": f"smtp://{HOST}:{mail}",
        "PADDOCK_WEBHOOK_URL": f"http://{HOST}:{web}/events",
        # Not syslog: what the kernel takes would count as sent.
        "PADDOCK_AUDIT_STREAM_URL": f"http://{HOST}:{web}/lines",
    }


class Frozen:
    """The kernel takes the connections; nobody reads or answers."""

    def __init__(self) -> None:
        self._sockets = [socket.create_server((HOST, 0), backlog=128) for _target in range(2)]

    @property
    def environment(self) -> dict[str, str]:
        mail, web = (one.getsockname()[1] for one in self._sockets)
        return _environment(mail, web)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sockets:
            one.close()


class Healthy:
    """A relay and a web server that take everything and keep nothing."""

    def __init__(self) -> None:
        with socket.create_server((HOST, 0)) as free:
            self._mail_port = free.getsockname()[1]
        self._mail = Controller(_Relay(), hostname=HOST, port=self._mail_port)
        self._web = http.server.ThreadingHTTPServer((HOST, 0), _Receiver)

    @property
    def environment(self) -> dict[str, str]:
        return _environment(self._mail_port, self._web.server_address[1])

    def __enter__(self) -> Self:
        self._mail.start()
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mail.stop()
        self._web.shutdown()
        self._web.server_close()


class _Relay:
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 OK"


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # noqa: N802 - the standard library's name
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""
