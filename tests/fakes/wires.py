"""Bad lines: servers that stay silent, and one that passes a directory on and cuts it off."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


class Line:
    """A listening socket of this process. `taken` counts the connections that were made to it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._socket.getsockname()[1]
        self.taken = 0
        self.heard = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        # shutdown wakes the thread out of accept, which close alone does not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def keep(self, connection: socket.socket) -> None:
        self._open.append(connection)

    def talk(self, connection: socket.socket) -> None:
        """What happens on a new connection; silence unless a subclass knows better."""

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.taken += 1
            self.keep(connection)
            threading.Thread(target=self._quietly, args=(connection,), daemon=True).start()

    def _quietly(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.talk(connection)


class Says(Line):
    """Answers whatever comes first with these bytes, one each `pause` seconds where there is a pause."""

    def __init__(self, answer: bytes, *, pause: float = 0.0) -> None:
        self._answer, self._pause = answer, pause
        super().__init__()

    def talk(self, connection: socket.socket) -> None:
        self.heard += connection.recv(65536)
        pieces = [self._answer] if not self._pause else [self._answer[at : at + 1] for at in range(len(self._answer))]
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(self._pause)
        self.heard += connection.recv(65536)


class Cut(Line):
    """Passes a server on, and ends the connection after so many bytes of its answers."""

    def __init__(self, port: int, *, after: int) -> None:
        self._behind, self._after = port, after
        super().__init__()

    def talk(self, connection: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._behind))
        self.keep(server)
        threading.Thread(target=self._forth, args=(connection, server), daemon=True).start()
        left = self._after
        while left > 0:
            said = server.recv(min(left, 65536))
            if not said:
                break
            connection.sendall(said)
            left -= len(said)
        for end in (connection, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _forth(self, connection: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := connection.recv(65536):
                server.sendall(asked)


@contextlib.contextmanager
def silent() -> Iterator[Line]:
    with contextlib.closing(Line()) as line:
        yield line


@contextlib.contextmanager
def says(answer: bytes, *, pause: float = 0.0) -> Iterator[Says]:
    with contextlib.closing(Says(answer, pause=pause)) as line:
        yield line


@contextlib.contextmanager
def cut(port: int, *, after: int) -> Iterator[Cut]:
    with contextlib.closing(Cut(port, after=after)) as line:
        yield line
