"""A plain HTTP proxy before a server, which may corrupt what passes: requests, answers and single events."""

import http.client
import http.server
import json
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

Body = dict[str, Any]

SECONDS = 30
PASSED_ON = ("authorization", "accept", "content-type", "impersonate-user", "impersonate-group")


@dataclass
class Asked:
    """What a client asked; a mutation may change it before it is passed on."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def is_watch(self) -> bool:
        return "watch" in self.query

    @property
    def target(self) -> str:
        return self.path + (f"?{urllib.parse.urlencode(self.query)}" if self.query else "")


@dataclass
class Given:
    """What the server gave. A JSON body is decoded; any other stands in `content`."""

    asked: Asked
    status: int
    content_type: str
    headers: dict[str, str]
    content: bytes
    body: Any = None

    def __post_init__(self) -> None:
        if self.content_type == "application/json":
            self.body = json.loads(self.content)

    def encoded(self) -> bytes:
        return self.content if self.body is None else json.dumps(self.body).encode()


def nothing_asked(asked: Asked) -> None:
    """Passes the request on as it is."""


def nothing_given(given: Given) -> None:
    """Passes the answer on as it is."""


def nothing_told(event: Body) -> Iterable[Body]:
    return [event]


@dataclass(frozen=True)
class Mutation:
    """What a broken server does, and the checks that must notice."""

    caught_by: tuple[str, ...]
    asked: Callable[[Asked], None] = nothing_asked
    given: Callable[[Given], None] = nothing_given
    told: Callable[[Body], Iterable[Body]] = nothing_told


class Proxy:
    """Listens on a port of its own while its block is open."""

    def __init__(self, address: str, authority: str, mutation: Mutation) -> None:
        self._upstream = urllib.parse.urlsplit(address).netloc
        self._context = ssl.create_default_context(cadata=authority)
        self._mutation = mutation
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pass_on(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        parts = urllib.parse.urlsplit(handler.path)
        headers = {name: value for name in PASSED_ON if (value := handler.headers.get(name)) is not None}
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(handler.command, urllib.parse.unquote(parts.path), query, headers)
        self._mutation.asked(asked)
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        upstream = http.client.HTTPSConnection(self._upstream, timeout=SECONDS, context=self._context)
        try:
            upstream.request(asked.method, asked.target, body or None, asked.headers)
            response = upstream.getresponse()
            if asked.is_watch and response.status == 200:
                self._pass_lines(handler, response)
            else:
                self._pass_whole(handler, asked, response)
        finally:
            upstream.close()

    def _pass_whole(
        self, handler: http.server.BaseHTTPRequestHandler, asked: Asked, response: http.client.HTTPResponse
    ) -> None:
        headers = {name.lower(): value for name, value in response.getheaders()}
        kept = {name: headers[name] for name in ("retry-after",) if name in headers}
        given = Given(asked, response.status, headers["content-type"], kept, response.read())
        self._mutation.given(given)
        content = given.encoded()
        handler.send_response(given.status)
        for name, value in {"content-type": given.content_type, **given.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _pass_lines(self, handler: http.server.BaseHTTPRequestHandler, response: http.client.HTTPResponse) -> None:
        """The end of the watch is told by closing the connection."""
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for line in response:
            for event in self._mutation.told(json.loads(line)):
                handler.wfile.write(json.dumps(event).encode() + b"\n")

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _pass(self) -> None:
                proxy.pass_on(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the parent's)
                """Silent."""

        return Handler
