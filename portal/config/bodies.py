"""Request bodies that are read whole or not at all."""

from typing import Protocol


class Stream(Protocol):
    """What a server gives as `wsgi.input`."""

    def read(self, size: int = ..., /) -> bytes:
        """Read so many bytes."""

    def readline(self, size: int = ..., /) -> bytes:
        """Read a line."""


class Cut(ConnectionError):
    """The client went away, or was too slow, before the body it announced had come."""


class WholeBody:
    """A body that raises `Cut` where a server would pass off its first part as the whole.

    Servers give what has come when a client hangs up, and the framework takes it: half a form would be carried out.
    """

    def __init__(self, stream: Stream, announced: str) -> None:
        self._stream = stream
        self._left = int(announced) if announced.isascii() and announced.isdecimal() else 0

    def read(self, size: int | None = None) -> bytes:
        """Read up to `size` bytes, everything that was announced without. Raises `Cut`."""
        wanted = self._left if size is None or size < 0 else size
        return self._count(self._stream.read(wanted), wanted)

    def readline(self, size: int | None = None) -> bytes:
        """Read a line of at most `size` bytes. Raises `Cut`."""
        wanted = self._left if size is None or size < 0 else size
        found = self._stream.readline(wanted)
        return self._count(found, 1 if wanted and not found.endswith(b"\n") and len(found) < wanted else 0)

    def _count(self, found: bytes, wanted: int) -> bytes:
        self._left -= len(found)
        if self._left > 0 and len(found) < wanted:
            raise Cut("the body ended before its announced length")
        return found
