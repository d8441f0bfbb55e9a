"""The words spoken with a cluster: requests, answers, and how a conversation uses them.

A conversation is a generator. It yields a request and is sent the answer; what it returns is its result. It
never sees a socket. An error is thrown into it where it waits, as an exception of `errors`; it may catch it
and ask again (a new connection is made where the old one broke) or let it out, which ends it alone.

    def snapshot_then_follow(kind: Kind) -> Conversation[int]:
        page = yield from page_of(kind)                       # first page
        while True:
            ...                                               # page.items, page.odd
            if not page.continue_token:
                break
            page = yield from page_of(kind, continue_token=page.continue_token)
        batch = yield from watch(kind, page.resource_version, timeout_seconds=1)
        while True:
            ...                                               # batch.events, batch.resource_version
            if batch.ended:
                break                                         # ended without error: the stream is confirmed
            batch = yield from more()
        return count

    outcomes = reactor.run(connection, {"pod": snapshot_then_follow(POD)}, deadline=20, allow_loopback=False)
    outcomes["pod"].value, outcomes["pod"].error

A watch that breaks gives what arrived whole first, as a batch with `ended=False`; the error comes at the next
`more()`. A request other than `More` while a watch is open drops the watch.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeAlias, TypeVar, cast
from urllib.parse import urlencode

from clusters.kube.objects.metadata import Event, Item
from clusters.kube.objects.table import Kind

PAGE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class List:
    """One page of a kind over all namespaces; resourceVersion is never set (a list at 0 may go back in time)."""

    method: ClassVar[str] = "GET"
    body: ClassVar[bytes] = b""
    kind: Kind
    limit: int = PAGE_LIMIT
    continue_token: str = ""

    @property
    def target(self) -> str:
        query: dict[str, str | int] = {"limit": self.limit}
        if self.continue_token:
            query["continue"] = self.continue_token
        return f"{self.kind.path}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Watch:
    method: ClassVar[str] = "GET"
    body: ClassVar[bytes] = b""
    kind: Kind
    resource_version: str
    timeout_seconds: int = 1
    bookmarks: bool = True

    @property
    def target(self) -> str:
        query: dict[str, str | int] = {
            "watch": "1",
            "resourceVersion": self.resource_version,
            "timeoutSeconds": self.timeout_seconds,
        }
        if self.bookmarks:
            query["allowWatchBookmarks"] = "true"
        return f"{self.kind.path}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Get:
    """`path` begins with a slash and may hold a query; it is relative to the server address of the connection."""

    method: ClassVar[str] = "GET"
    body: ClassVar[bytes] = b""
    path: str

    @property
    def target(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Post:
    method: ClassVar[str] = "POST"
    content_type: ClassVar[str] = "application/json"
    path: str
    body: bytes

    @property
    def target(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Send:
    """A request whose refusal is read, not only its status: see `writing`. It is never sent a second time.

    `changes`: whether the cluster may be another one afterwards. If so and no whole answer comes back, the error
    is OutcomeUnknown.
    """

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    changes: bool = True

    @property
    def target(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class More:
    """The next batch of the open watch."""


@dataclass(frozen=True, slots=True)
class Odd:
    """An object that could not be decoded. It was seen, so it never counts as deleted.

    `uid` is "" where not even that could be read: a list with such a one must delete nothing.
    """

    uid: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """`items` hold slices of the page's buffer: use them, then let the page go.

    `continue_token` is "" on the last page. `size` is the body's bytes after decompression.
    """

    items: list[Item]
    resource_version: str
    continue_token: str
    size: int
    odd: list[Odd] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 500 events, 4 MB or 250 ms of a watch, in the order of arrival; bookmarks are not among them.

    `resource_version` is the newest position seen, bookmarks included ("" when none was seen yet in this
    batch). `ended` is true when the server ended the watch at its time, without error.
    """

    events: list[Event]
    resource_version: str
    ended: bool
    size: int
    odd: list[Odd] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a `Get` or `Post` that succeeded, or of a `Send` that was answered, well or badly."""

    status: int
    body: bytes


Single: TypeAlias = List | Get | Post | Send
Request: TypeAlias = Single | Watch | More
Reply: TypeAlias = Page | Batch | Answer
T = TypeVar("T")
Conversation: TypeAlias = Generator[Request, Reply, T]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """How a conversation ended: with its result, or with the error it let out (or was cut off by).

    An error that is no KubeError is a fault of the conversation's own, kept here so that the others could end.
    `received` counts bytes on the wire after TLS, `requests` those sent.
    """

    value: T | None
    error: Exception | None
    received: int
    requests: int

    def demand(self) -> T:
        """The value, else the error raised."""
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


def page_of(kind: Kind, *, limit: int = PAGE_LIMIT, continue_token: str = "") -> Conversation[Page]:
    reply = yield List(kind, limit, continue_token)
    return _expect(Page, reply)


def watch(
    kind: Kind, resource_version: str, *, timeout_seconds: int = 1, bookmarks: bool = True
) -> Conversation[Batch]:
    """The first batch of a new watch; the following ones come by `more()` until one has ended."""
    reply = yield Watch(kind, resource_version, timeout_seconds, bookmarks)
    return _expect(Batch, reply)


def more() -> Conversation[Batch]:
    reply = yield More()
    return _expect(Batch, reply)


def get(path: str) -> Conversation[Answer]:
    reply = yield Get(path)
    return _expect(Answer, reply)


def post(path: str, body: bytes) -> Conversation[Answer]:
    reply = yield Post(path, body)
    return _expect(Answer, reply)


def send(request: Send) -> Conversation[Answer]:
    reply = yield request
    return _expect(Answer, reply)


def _expect(kind_of_reply: type[T], reply: Reply) -> T:
    if not isinstance(reply, kind_of_reply):
        raise TypeError(f"the reactor sent {type(reply).__name__} where {kind_of_reply.__name__} was due")
    return reply
