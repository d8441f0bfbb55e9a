"""Bodies into answers: a page, the batches of a watch, or plain bytes; each with its cap."""

from dataclasses import dataclass
from functools import cache
from typing import Generic

import msgspec

from clusters.kube import errors
from clusters.kube.conversation import Answer, Batch, List, Odd, Page, Send, Single, Watch
from clusters.kube.objects.metadata import AnItem, Event, EventOf, Item
from clusters.kube.objects.table import Kind

PAGE_BYTES = 64 * 1024 * 1024
PLAIN_BYTES = 8 * 1024 * 1024
# One object and its managed fields, or a Status.
SENT_BYTES = 4 * 1024 * 1024
# etcd takes no object above some 1.5 MB; an event is one object in one line.
LINE_BYTES = 8 * 1024 * 1024
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024

_BAD = (msgspec.MsgspecError, RecursionError)


class _ListMetadata(msgspec.Struct, gc=False, rename="camel"):
    resource_version: str = ""
    continue_token: str | None = msgspec.field(default=None, name="continue")


class _Page(msgspec.Struct, Generic[AnItem], gc=False):
    metadata: _ListMetadata
    kind: str = ""
    items: list[AnItem] | None = None


class _RawPage(msgspec.Struct, gc=False):
    metadata: _ListMetadata
    kind: str = ""
    items: list[msgspec.Raw] | None = None


class _Label(msgspec.Struct, gc=False):
    uid: str = ""
    name: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")


class _Labelled(msgspec.Struct, gc=False):
    metadata: _Label


class _RawEvent(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct, gc=False):
    code: int | None = None


_RAW_PAGE = msgspec.json.Decoder(_RawPage)
_LABELLED = msgspec.json.Decoder(_Labelled)
_RAW_EVENT = msgspec.json.Decoder(_RawEvent)
_STATUS = msgspec.json.Decoder(_Status | None)


@dataclass(frozen=True, slots=True)
class _Decoders:
    """Those of one struct of objects."""

    page: msgspec.json.Decoder[_Page[Item]]
    item: msgspec.json.Decoder[Item]
    event: msgspec.json.Decoder[Event]


@cache
def _decoders(item: type[Item]) -> _Decoders:
    return _Decoders(
        page=msgspec.json.Decoder(_Page[item]),  # type: ignore[valid-type]
        item=msgspec.json.Decoder(item),
        event=msgspec.json.Decoder(EventOf[item]),  # type: ignore[valid-type]
    )


class PlainIntake:
    limit = PLAIN_BYTES

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, parts: list[bytes]) -> None:
        self._parts += parts
        self.size += sum(map(len, parts))
        if self.size > self.limit:
            raise errors.TooLarge(self.limit)

    def body(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def finish(self, status: int) -> Answer | Page:
        return Answer(status, self.body())


class SentIntake(PlainIntake):
    limit = SENT_BYTES


class PageIntake(PlainIntake):
    limit = PAGE_BYTES

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._kind = kind

    def finish(self, status: int) -> Page:
        return decode_page(self.body(), self._kind)


def decode_page(body: bytes, kind: Kind) -> Page:
    """Raises Undecodable where the answer is no list of this kind. An odd object is set aside, not an error."""
    odd: list[Odd] = []
    page: _Page[Item] | _RawPage
    decoders = _decoders(kind.item)
    try:
        page = decoders.page.decode(body)
        items = page.items or []
    except _BAD:
        page, items = _item_by_item(body, decoders, odd)
    if page.kind != f"{kind.kubernetes_kind}List" or not page.metadata.resource_version:
        raise errors.Undecodable(f"it is not a list of {kind.kubernetes_kind}")
    if not all(item.metadata.uid and item.metadata.resource_version for item in items):
        items = [item for item in items if _whole(item, odd)]
    return Page(items, page.metadata.resource_version, page.metadata.continue_token or "", len(body), odd)


def _item_by_item(body: bytes, decoders: _Decoders, odd: list[Odd]) -> tuple[_RawPage, list[Item]]:
    try:
        page = _RAW_PAGE.decode(body)
    except _BAD:
        raise errors.Undecodable("it is not the JSON of a list") from None
    items = []
    for raw in page.items or ():
        try:
            items.append(decoders.item.decode(raw))
        except _BAD as error:
            label = _label(raw)
            odd.append(Odd(label.uid, label.name, str(error)))
    return page, items


def _whole(item: Item, odd: list[Odd]) -> bool:
    metadata = item.metadata
    if metadata.uid and metadata.resource_version:
        return True
    odd.append(Odd(metadata.uid, metadata.name, "it has no uid or no resourceVersion"))
    return False


def _label(raw: msgspec.Raw) -> _Label:
    try:
        return _LABELLED.decode(raw).metadata
    except _BAD:
        return _Label()


class WatchIntake:
    """Events as they come; `take` gives them out in batches. `failure` is set when the server ended by an error."""

    def __init__(self, kind: Kind) -> None:
        self._event = _decoders(kind.item).event
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._events: list[Event] = []
        self._odd: list[Odd] = []
        self._size = 0
        self._resource_version = ""
        self.failure: errors.KubeError | None = None

    limit = 1 << 40  # a watch is bounded by its batches, not by its sum

    @property
    def filled(self) -> bool:
        return len(self._events) + len(self._odd) >= BATCH_EVENTS or self._size >= BATCH_BYTES

    @property
    def waiting(self) -> bool:
        return bool(self._events or self._odd)

    def add(self, parts: list[bytes]) -> None:
        for part in parts:
            cut = part.rfind(b"\n") + 1
            if cut:
                self._lines(b"".join([*self._tail, part[:cut]]))
                self._tail, self._tail_size = [], 0
            if cut < len(part):
                self._tail.append(part[cut:])
                self._tail_size += len(part) - cut
                if self._tail_size > LINE_BYTES:
                    raise errors.TooLarge(LINE_BYTES)

    def finish(self) -> None:
        """The body has ended; what is left is a last line without its end, which is whole or does not decode."""
        if self._tail and not self.failure:
            self._lines(b"".join(self._tail) + b"\n")

    def take(self, *, ended: bool) -> Batch:
        """At most BATCH_EVENTS events; `ended` holds only for the batch that empties the intake."""
        events, self._events = self._events[:BATCH_EVENTS], self._events[BATCH_EVENTS:]
        odd, self._odd = self._odd, []
        left = bool(self._events)
        # What is left to give was read already, so its size counts for nothing any more.
        size, self._size = self._size, 0
        version = events[-1].object.metadata.resource_version if left else self._resource_version
        if not left:
            self._resource_version = ""
        return Batch(events, version, ended and not left, size, odd)

    def _lines(self, block: bytes) -> None:
        self._size += len(block)
        try:
            events = self._event.decode_lines(block)
        except _BAD:
            self._line_by_line(block)
            return
        if any(event.type not in _CHANGES for event in events):
            self._line_by_line(block)
            return
        for event in events:
            self._change(event)

    def _line_by_line(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            if line.strip() and not self.failure:
                self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            raw = _RAW_EVENT.decode(line)
        except _BAD:
            raise errors.Undecodable("a line of the watch is not an event") from None
        if raw.type == "ERROR":
            self.failure = _failure(raw.object)
        elif raw.type == "BOOKMARK":
            self._resource_version = _label(raw.object).resource_version or self._resource_version
        elif raw.type in _CHANGES:
            self._odd_or_change(line, raw)
        else:
            raise errors.Undecodable("a line of the watch is not an event")

    def _odd_or_change(self, line: bytes, raw: _RawEvent) -> None:
        try:
            self._change(self._event.decode(line))
        except _BAD as error:
            label = _label(raw.object)
            self._odd.append(Odd(label.uid, label.name, str(error)))
            self._resource_version = label.resource_version or self._resource_version

    def _change(self, event: Event) -> None:
        if _whole(event.object, self._odd):
            self._events.append(event)
        self._resource_version = event.object.metadata.resource_version or self._resource_version


_CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})


def _failure(raw: msgspec.Raw) -> errors.KubeError:
    try:
        status = _STATUS.decode(raw)
    except _BAD:
        status = None
    code = (status.code if status else None) or 500
    return error_of(code, "the watch", retry_after=None)


def is_read(request: Single | Watch, status: int, headers: dict[str, str]) -> bool:
    """Whether the body of this refusal is wanted. A 401 or 429 says all by its number."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return isinstance(request, Send) and status >= 400 and status not in (401, 429) and kind == "application/json"


def error_of(status: int, path: str, *, retry_after: float | None) -> errors.KubeError:
    if status == 401:
        return errors.Unauthorized()
    if status == 403:
        return errors.Forbidden(path)
    if status == 404:
        return errors.NotFound(path)
    if status == 410:
        return errors.Gone()
    if status == 429:
        return errors.TooManyRequests(retry_after)
    if status >= 500:
        return errors.ServerError(status, retry_after=retry_after)
    return errors.Rejected(status)


def intake_for(request: Single | Watch) -> PlainIntake | WatchIntake:
    if isinstance(request, List):
        return PageIntake(request.kind)
    if isinstance(request, Send):
        return SentIntake()
    return WatchIntake(request.kind) if isinstance(request, Watch) else PlainIntake()
