"""One conversation and its connection: what is asked, what has come, and until when.

A `Speaker` is a small state machine that the reactor turns: `work` when its socket is ready or it has a new request,
`expire` when a time has run out. Nothing here waits.
"""

import contextlib
import selectors
import ssl
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from clusters.kube import errors, http1, intake, tls
from clusters.kube.connection import DEFAULT_PORT, Connection
from clusters.kube.conversation import Conversation, More, Outcome, Post, Reply, Request, Send, Single, Watch
from clusters.kube.wire import READ_BYTES, Wire
from portal.core import egress

READ_SECONDS = 30.0
PACE_BYTES = 16 * 1024
WATCH_GRACE_SECONDS = 15.0
BATCH_SECONDS = 0.25
# Read per connection and turn, so that one long list does not starve the others.
TURN_BYTES = 1024 * 1024
NEVER = float("inf")

T = TypeVar("T")


class Line:
    """What all conversations of a run share."""

    def __init__(self, connection: Connection, selector: selectors.BaseSelector, gzip: bool) -> None:
        self.connection = connection
        self.selector = selector
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.headers = _headers(connection, gzip)
        self._context: ssl.SSLContext | None = None
        self._addresses: list[egress.Address] = []

    def prepare(self, allow_loopback: bool, seconds: float) -> errors.KubeError | None:
        host, port = self.connection.host, self.connection.port
        try:
            self._addresses = resolve(host, port, allow_loopback=allow_loopback, seconds=seconds)
            self._context = tls.context(self.connection)
        except errors.KubeError as error:
            return error
        return None

    def wire(self) -> Wire:
        if self._context is None:
            raise RuntimeError("the line was not prepared")
        return Wire(self._addresses, context=self._context, host=self.connection.host)


def resolve(
    host: str, port: int, *, allow_loopback: bool, seconds: float = egress.RESOLVE_SECONDS
) -> list[egress.Address]:
    """`egress.resolve` with the errors of this room."""
    try:
        return egress.resolve(host, port, allow_loopback=allow_loopback, seconds=min(seconds, egress.RESOLVE_SECONDS))
    except egress.NameNotResolved:
        raise errors.NameNotResolved(f"The name {host} could not be resolved.") from None
    except egress.AddressRefused as error:
        raise errors.AddressRefused(f"The address {host} is refused: {error.reason}.") from None


def _headers(connection: Connection, gzip: bool) -> list[tuple[str, str]]:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    port = "" if connection.port == DEFAULT_PORT else f":{connection.port}"
    headers = [
        ("Host", host + port),
        ("User-Agent", "paddock"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip" if gzip else "identity"),
    ]
    if connection.token:
        headers.append(("Authorization", f"Bearer {connection.token}"))
    return headers


class Speaker(Generic[T]):
    """One conversation and its connection."""

    def __init__(self, talk: Conversation[T], line: Line) -> None:
        self._talk = talk
        self._line = line
        self._wire: Wire | None = None
        self._registered = 0
        self._registered_number = -1
        self._next: Request | None = None
        self._request: Single | Watch | None = None
        self._exchange: http1.Exchange | None = None
        self._intake: intake.PlainIntake | intake.WatchIntake | None = None
        self._broken: errors.KubeError | None = None
        self._overall_due = self._read_due = self._batch_due = NEVER
        self._paced = 0
        self._received = self._requests = 0
        self.hungry = False
        self.outcome: Outcome[T] | None = None

    # Towards the conversation

    def start(self, fault: errors.KubeError | None) -> None:
        if fault is None:
            self._speak(lambda: next(self._talk))
            return
        # The first request is heard before it is answered by the fault, so that the conversation can catch it.
        try:
            next(self._talk)
        except StopIteration as stop:
            self._end(stop.value, None)
        except Exception as error:
            self._end(None, error)
        else:
            self.abort(fault)

    def abort(self, error: errors.KubeError) -> None:
        """The last word: whatever the conversation would still ask, it gets nothing more."""
        error = self._weighed(error)
        self._drop()
        try:
            self._talk.throw(error)
        except StopIteration as stop:
            self._end(stop.value, None)
        except Exception as raised:
            self._end(None, raised)
        else:
            self._end(None, error)
            with contextlib.suppress(RuntimeError):
                self._talk.close()

    def result(self) -> Outcome[T]:
        if self.outcome is None:
            raise RuntimeError("the conversation has not ended")
        return self.outcome

    def hang_up(self) -> None:
        """Also where `run` itself is left by an exception."""
        self._drop()
        self._talk.close()

    def guarded(self, step: Callable[[], None]) -> None:
        """A step of the connection; its error goes into the conversation."""
        try:
            step()
        except errors.KubeError as error:
            self._fail(error)

    def _reply(self, reply: Reply) -> None:
        self._speak(lambda: self._talk.send(reply))

    def _throw(self, error: Exception) -> None:
        self._speak(lambda: self._talk.throw(error))

    def _speak(self, word: Callable[[], Request]) -> None:
        try:
            request = word()
        except StopIteration as stop:
            self._end(stop.value, None)
        except Exception as error:
            self._end(None, error)
        else:
            self.hungry = True
            self._next = request

    def _end(self, value: T | None, error: Exception | None) -> None:
        self._drop()
        self.outcome = Outcome(value, error, self._received, self._requests)

    # Towards the cluster

    @property
    def due(self) -> float:
        if self._next is not None:
            return NEVER
        connecting = self._wire.due if self._wire is not None and not self._wire.ready else NEVER
        return min(connecting, self._read_due, self._overall_due, self._batch_due)

    def work(self) -> None:
        self.hungry = False
        request, self._next = self._next, None
        if isinstance(request, More):
            self._go_on()
        elif request is not None:
            self._ask(request)
        elif self._wire is not None and not self._wire.ready:
            # The next address is a new socket, perhaps under the number of the old one.
            self._unregister()
            self._wire.advance()
            self._register()
        elif self._wire is not None:
            if self._wire.wants != selectors.EVENT_READ:
                self._wire.advance()
                self._register()
            self._receive()

    def expire(self) -> None:
        now = time.monotonic()
        wire = self._wire
        if wire is not None and not wire.ready and wire.due <= now:
            self._unregister()
            wire.expire()
            self._register()
        elif self._batch_due <= now:
            self._give(ended=False)
        elif min(self._read_due, self._overall_due) <= now:
            raise errors.DeadlinePassed("the answer")

    def _ask(self, request: Single | Watch) -> None:
        if self._intake is not None:
            # A watch that is still open occupies its connection.
            self._drop()
        self._request = request
        self._requests += 1
        self._prepare(request)
        if self._wire is None:
            self._wire = self._line.wire()
        if self._exchange is not None:
            self._wire.send(self._exchange.request)
        self._register()

    def _prepare(self, request: Single | Watch) -> None:
        headers = list(self._line.headers)
        if isinstance(request, Post | Send):
            headers += [("Content-Type", request.content_type), ("Content-Length", str(len(request.body)))]
        self._intake = intake.intake_for(request)
        self._exchange = http1.Exchange(
            method=request.method,
            target=self._line.connection.base_path + request.target,
            headers=headers,
            body=request.body,
            on_head=self._on_head,
        )
        now = time.monotonic()
        self._broken = None
        self._batch_due = NEVER
        self._paced = 0
        if isinstance(request, Watch):
            self._overall_due, self._read_due = now + request.timeout_seconds + WATCH_GRACE_SECONDS, NEVER
        else:
            self._overall_due, self._read_due = NEVER, now + READ_SECONDS

    def _on_head(self) -> None:
        exchange, request = self._exchange, self._request
        if exchange is None or request is None or self._intake is None:
            return
        if not 200 <= exchange.status < 300 and not intake.is_read(request, exchange.status, exchange.headers):
            path = request.target.partition("?")[0]
            raise intake.error_of(exchange.status, path, retry_after=http1.retry_after(exchange.headers))
        kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise errors.Undecodable("it is not JSON")
        exchange.limit_unpacked(self._intake.limit)

    def _receive(self) -> None:
        wire, exchange = self._wire, self._exchange
        if wire is None or exchange is None:
            return
        turn = 0
        while turn < TURN_BYTES:
            count = wire.read(self._line.buffer)
            if count == 0:
                return
            if count < 0:
                self._closed(exchange)
                return
            turn += count
            self._pace(count)
            if self._take_in(exchange, bytes(self._line.buffer[:count])):
                return
        self.hungry = True

    def _pace(self, count: int) -> None:
        self._received += count
        self._paced += count
        if self._paced >= PACE_BYTES and self._read_due != NEVER:
            self._paced, self._read_due = 0, time.monotonic() + READ_SECONDS

    def _take_in(self, exchange: http1.Exchange, data: bytes) -> bool:
        """True when the conversation was given something and decides what comes next."""
        found = self._intake
        parts = exchange.feed(data)
        if isinstance(found, intake.WatchIntake):
            found.add(parts)
            return self._after_watch_data(found, exchange)
        if found is None:
            return False
        found.add(parts)
        if exchange.complete:
            self._answered(found.finish(exchange.status), exchange)
        return exchange.complete

    def _after_watch_data(self, found: intake.WatchIntake, exchange: http1.Exchange) -> bool:
        if found.failure is not None:
            self._fail(found.failure)
            return True
        if exchange.complete:
            found.finish()
            self._give(ended=True)
            return True
        if found.filled:
            self._give(ended=False)
            return True
        if found.waiting and self._batch_due == NEVER:
            self._batch_due = time.monotonic() + BATCH_SECONDS
        return False

    def _closed(self, exchange: http1.Exchange) -> None:
        exchange.close()
        self._take_in(exchange, b"")

    def _answered(self, reply: Reply, exchange: http1.Exchange) -> None:
        self._rest(exchange)
        self._reply(reply)

    def _rest(self, exchange: http1.Exchange) -> None:
        """The answer is whole: keep the connection for the next request where the server allows it."""
        self._exchange = self._intake = None
        self._overall_due = self._read_due = self._batch_due = NEVER
        if exchange.keep_alive and self._wire is not None:
            self._wire.used = True
        else:
            self._drop_wire()

    def _give(self, *, ended: bool) -> None:
        found, exchange = self._intake, self._exchange
        if not isinstance(found, intake.WatchIntake):
            return
        self._batch_due = NEVER
        batch = found.take(ended=ended)
        if batch.ended and exchange is not None:
            self._rest(exchange)
        self._reply(batch)

    def _go_on(self) -> None:
        found, exchange = self._intake, self._exchange
        if not isinstance(found, intake.WatchIntake):
            self._throw(RuntimeError("More was asked for, but no watch is open"))
        elif self._broken is not None:
            self._go_on_broken(found, self._broken)
        elif found.filled or (exchange is not None and exchange.complete):
            self._give(ended=exchange is not None and exchange.complete)
        elif self._overall_due <= time.monotonic():
            # A server that never pauses keeps the conversation busy, so its time is looked at here as well.
            self._fail(errors.DeadlinePassed("the answer"))
        else:
            if found.waiting:
                self._batch_due = time.monotonic() + BATCH_SECONDS
            self._receive()

    def _go_on_broken(self, found: intake.WatchIntake, error: errors.KubeError) -> None:
        if found.waiting:
            self._give(ended=False)
        else:
            self._drop()
            self._throw(error)

    def _fail(self, error: errors.KubeError) -> None:
        error = self._weighed(error)
        found = self._intake
        if self._stale(error) and self._request is not None:
            self._drop()
            self._next, self.hungry = self._request, True
            return
        if isinstance(found, intake.WatchIntake) and found.waiting:
            # What came whole before the break is given first; the error follows at the next `More`.
            self._drop_wire()
            self._overall_due = NEVER
            self._broken = error
            self._give(ended=False)
            return
        self._drop()
        self._throw(error)

    def _weighed(self, error: errors.KubeError) -> errors.KubeError:
        """A change of which a byte has left and no whole answer has come is neither done nor failed."""
        if not isinstance(self._request, Send) or not self._request.changes or not isinstance(error, errors.SILENCE):
            return error
        under_way = self._exchange is not None and self._wire is not None and self._wire.spoke
        return errors.OutcomeUnknown(error) if under_way else error

    def _stale(self, error: errors.KubeError) -> bool:
        """The server closed a kept connection just when the request was under way: to be asked again, once."""
        if not isinstance(error, errors.CutShort) or self._wire is None or self._exchange is None:
            return False
        return self._wire.used and not self._exchange.begun and not isinstance(self._request, Post | Send)

    def _drop(self) -> None:
        self._drop_wire()
        self._exchange = self._intake = None
        self._overall_due = self._read_due = self._batch_due = NEVER

    def _drop_wire(self) -> None:
        self._unregister()
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _register(self) -> None:
        """Keeps the selector in step with what the connection wants; a new address is a new socket."""
        wire = self._wire
        if wire is None:
            return
        number = wire.socket.fileno()
        if self._registered and self._registered_number == number and self._registered == wire.wants:
            return
        self._unregister()
        self._line.selector.register(number, wire.wants, self)
        self._registered, self._registered_number = wire.wants, number

    def _unregister(self) -> None:
        if self._registered:
            self._line.selector.unregister(self._registered_number)
            self._registered, self._registered_number = 0, -1
