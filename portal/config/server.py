"""The web server's settings and its worker: `gunicorn -c python:portal.config.server portal.config.wsgi:application`.

Nothing that a client says about itself or about proxies is believed here; `portal.access.front` decides that alone.
"""

import socket
import threading
import time
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from portal.core import redaction

# Threads, so that a client that sends slowly or a download of ten minutes keeps no other request waiting.
worker_class = "portal.config.server.Worker"
threads = 8
logger_class = "portal.config.server.Log"
graceful_timeout = 5
keepalive = 5
# No peer may set the scheme, the path or the user here; names with underscores are dropped.
forwarded_allow_ips = ""
forwarder_headers = ""
header_map = "drop"
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# `gunicorn --no-control-socket` in words: nothing listens beside the port.
control_socket_disable = True

HEADER_SECONDS = 10.0
REQUEST_SECONDS = 45.0
_LOOK_SECONDS = 0.5


class Log(Logger):  # type: ignore[misc]
    """The server's own lines, without secrets: it quotes request lines and headers that it refuses."""

    def setup(self, cfg: Any) -> None:
        """Mask what every handler writes."""
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            for handler in logger.handlers:
                if handler.formatter is not None:
                    handler.setFormatter(redaction.Formatter(handler.formatter))


class Worker(ThreadWorker):  # type: ignore[misc]
    """Hangs up on clients that do not send their request within its time.

    The time counts from the first byte: a header in 10 seconds, header and body in 45. Sending the answer is not
    limited. A body cut short is never taken for a whole one (`portal.config.wsgi`).
    """

    def init_process(self) -> None:
        """Start looking; runs in the worker, after the fork."""
        self._deadlines: dict[socket.socket, float] = {}
        threading.Thread(target=self._look, name="deadlines", daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Read one request and answer it."""
        self._deadlines[conn.sock] = time.monotonic() + HEADER_SECONDS
        try:
            return super().handle(conn)
        finally:
            self._deadlines.pop(conn.sock, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The header is there; the body may take longer."""
        self._deadlines[conn.sock] = time.monotonic() + REQUEST_SECONDS
        return super().handle_request(req, conn)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            for sock, deadline in list(self._deadlines.items()):
                if now > deadline:
                    self._deadlines.pop(sock, None)
                    _stop_reading(sock)


def _stop_reading(sock: socket.socket) -> None:
    """What waits for more gets the end of the stream; an answer under way goes on."""
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        # It has been closed meanwhile.
        return
