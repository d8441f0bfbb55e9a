"""A receiver of webhooks over HTTPS: it can answer with any status, freeze, and cut."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Posted:
    """One request; header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebhookSink:
    """`requests` is what was posted. `status` is answered; `freeze()` answers nothing until `thaw()`;
    `cut` ends the connection after the request was read.
    """

    context: ssl.SSLContext
    requests: list[Posted] = field(default_factory=list)
    status: int = 204
    cut: bool = False

    def __post_init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = self.context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/hooks/a-secret-path-7Hq"

    def start(self) -> "WebhookSink":
        self._thread.start()
        return self

    def stop(self) -> None:
        self.thaw()
        self._server.shutdown()
        self._server.server_close()

    def freeze(self) -> None:
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def take(self, posted: Posted) -> int:
        """Keep a request and return the status, 0 to cut."""
        self._open.wait(30)
        self.requests.append(posted)
        return 0 if self.cut else self.status


def _handler(sink: WebhookSink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = sink.take(Posted(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if status:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            self.close_connection = True

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
            """Keep quiet."""

    return Handler
