"""A TLS server that says exactly the bytes a test wants: nothing of HTTP is made for it but the reading."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clusters.kube.connection import Connection
from tests.clusters.kube.certificates import Pair


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Line:
    """What a script speaks through. `cut` resets the connection."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self._tls = tls

    def say(self, data: bytes) -> None:
        self._tls.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        for byte in data:
            self._tls.sendall(bytes([byte]))
            time.sleep(seconds)

    def json(self, content: Any, status: str = "200 OK", headers: str = "") -> None:
        self.say(answer(json.dumps(content).encode(), status=status, headers=headers))

    def cut(self) -> None:
        raise ConnectionAbortedError


Script = Callable[[Request, Line], None]


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass
class Server:
    script: Script
    port: int
    context: ssl.SSLContext
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def connection(self, authority: Pair, *, token: str = "a-token", path: str = "") -> Connection:
        return Connection(f"https://127.0.0.1:{self.port}{path}", authority.certificate_pem, token)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(plain)
            threading.Thread(target=self._speak, args=(plain, self.connections), daemon=True).start()

    def close(self) -> None:
        for plain in self._open:
            with contextlib.suppress(OSError):
                plain.close()

    def _speak(self, plain: socket.socket, number: int) -> None:
        # A client that hangs up, by its own design or by a refused certificate, ends the talk and is no fault.
        with contextlib.suppress(OSError, ValueError):
            tls = self.context.wrap_socket(plain, server_side=True)
            self._open.append(tls)
            with tls, tls.makefile("rb") as reader:
                while (request := _read(reader, number)) is not None:
                    self.requests.append(request)
                    self.script(request, Line(tls))


def _read(reader: Any, number: int) -> Request | None:
    first = reader.readline().decode().split()
    if not first:
        return None
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Request(first[0], first[1], headers, body, number)


@contextlib.contextmanager
def serving(script: Script, pair: Pair, folder: Path, *, client_authority: Pair | None = None) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.write(folder, "server"))
    if client_authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_authority.certificate_pem.decode())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(script, listener.getsockname()[1], context)
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            server.close()
