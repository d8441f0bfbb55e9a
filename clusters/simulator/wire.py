"""HTTP/1.1 on asyncio: as much of it as a Kubernetes client uses."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

log = logging.getLogger(__name__)

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 256 * 1024 * 1024
# Bodies below this travel in one write with their head: one TLS record instead of two.
SMALL_BODY = 16 * 1024


class CutOffError(Exception):
    """Raised by a handler or by a streamed body: the connection is dropped where it stands."""


class MalformedError(Exception):
    """The bytes of a client are not an HTTP/1.1 request."""


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are lower case; of a repeated query parameter the first value counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body; raises ValueError."""
        return json.loads(self.body)


@dataclass(slots=True)
class Answer:
    """A streamed body is sent in chunks unless `length`, its size in bytes, is declared."""

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    length: int | None = None


Handler = Callable[[Request], Awaitable[Answer]]


def json_answer(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(document, separators=(",", ":")).encode() + b"\n", headers or {})


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and headers of everything before the empty line; values of a repeated header are one a line."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise MalformedError(first)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedError(line)
        key, value = name.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}\n{value}" if key in headers else value
    return parts[0], parts[1], headers


def body_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not text.isdigit() or int(text) > BODY_LIMIT:
        raise MalformedError("a body needs a Content-Length")
    return int(text)


class Connection(asyncio.Protocol):
    """One client: requests are answered one after the other; a lost connection ends the running answer."""

    def __init__(self, handler: Handler, connections: set["Connection"]) -> None:
        self._handler = handler
        self._connections = connections
        self._received = bytearray()
        self._running: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._running:
            self._running.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._running is None:
            self._begin()

    def drop(self) -> None:
        self._transport.abort()

    def _begin(self) -> None:
        try:
            request = self._take_request()
        except MalformedError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()
            return
        if request:
            self._running = asyncio.get_running_loop().create_task(self._serve(request))

    def _take_request(self) -> Request | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > HEAD_LIMIT:
                raise MalformedError("endless head")
            return None
        method, target, headers = parse_head(bytes(self._received[:end]))
        start, stop = end + 4, end + 4 + body_length(headers)
        if len(self._received) < stop:
            if headers.get("expect", "").lower() == "100-continue" and len(self._received) == start:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._received[start:stop])
        del self._received[:stop]
        parts = urlsplit(target)
        query = dict(reversed(parse_qsl(parts.query, keep_blank_values=True)))
        return Request(method, unquote(parts.path), query, headers, body)

    async def _serve(self, request: Request) -> None:
        try:
            await self._send(request, await self._handler(request))
        except CutOffError:
            self.drop()
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            self.drop()
        finally:
            self._running = None
        if request.headers.get("connection", "").lower() == "close":
            self._transport.close()
        elif self._received and not self._transport.is_closing():
            self._begin()

    async def _send(self, request: Request, answer: Answer) -> None:
        head = self._head(answer)
        body = answer.body
        if request.method == "HEAD":
            self._transport.write(head)
        elif isinstance(body, bytes):
            await self._send_whole(head, body)
        else:
            self._transport.write(head)
            await self._send_stream(body, chunked=answer.length is None)

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines.append(f"Content-Type: {answer.content_type}")
        lines.append("Cache-Control: no-cache, private")
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
        lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def _send_whole(self, head: bytes, body: bytes) -> None:
        if len(body) < SMALL_BODY:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        await self._writable.wait()

    async def _send_stream(self, body: AsyncIterator[bytes], *, chunked: bool) -> None:
        async for piece in body:
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await self._writable.wait()
        if chunked:
            self._transport.write(b"0\r\n\r\n")
