"""What every object has: identity, version, labels; and how one is decoded, trimmed and encoded again."""

from datetime import datetime
from functools import cache
from typing import Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")
NULL = msgspec.Raw(b"null")
# Repeats the whole object inside an annotation; kept nowhere.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Odd(ValueError):
    """An object whose spec or status could not be understood: to be set aside and counted by itself."""


class Owner(msgspec.Struct, gc=False, frozen=True):
    """The controller of an object, else its first owner; all "" where there is none."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


NO_OWNER = Owner()


class Metadata(msgspec.Struct, gc=False, rename="camel"):
    """`annotations` and `owner_references` are raw JSON: see `annotations_of` and `owner_of`."""

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    annotations: msgspec.Raw = NULL
    owner_references: msgspec.Raw = NULL


class Item(msgspec.Struct, gc=False):
    """One object. The raw parts are slices of the answer's buffer and keep the whole buffer alive.

    A kind that has more beside spec and status extends it.
    """

    metadata: Metadata
    spec: msgspec.Raw = NULL
    status: msgspec.Raw = NULL


AnItem = TypeVar("AnItem", bound=Item)


class EventOf(msgspec.Struct, Generic[AnItem], gc=False):
    """`type` is ADDED, MODIFIED or DELETED (bookmarks and errors do not come out of the reactor)."""

    type: str
    object: AnItem


Event: TypeAlias = EventOf[Item]


_OWNERS = msgspec.json.Decoder(list[Owner] | None)
_ANNOTATIONS = msgspec.json.Decoder(dict[str, str | None] | None)
_ENCODER = msgspec.json.Encoder()


def owner_of(item: Item) -> Owner:
    if item.metadata.owner_references is NULL:
        return NO_OWNER
    owners = decoded(_OWNERS, item.metadata.owner_references) or []
    return next((owner for owner in owners if owner.controller), owners[0] if owners else NO_OWNER)


def annotations_of(item: Item) -> dict[str, str]:
    """Without the last-applied one."""
    found = decoded(_ANNOTATIONS, item.metadata.annotations) or {}
    return {key: value or "" for key, value in found.items() if key != LAST_APPLIED}


def body_of(item: Item) -> bytes:
    """JSON of the object as far as it was decoded, without managedFields and the last-applied annotation.

    What a detail page shows; to be compressed and kept apart from the row.
    """
    metadata = msgspec.structs.asdict(item.metadata)
    kept = {_CAMEL[name]: value for name, value in metadata.items() if value is not None and value is not NULL}
    if "annotations" in kept:
        kept["annotations"] = annotations_of(item)
    parts = {encoded: getattr(item, name) for name, encoded in _parts(type(item))}
    kept_parts = {name: part for name, part in parts.items() if part is not NULL and part is not None}
    return _ENCODER.encode({"metadata": kept, **kept_parts})


@cache
def _parts(kind: type[Item]) -> list[tuple[str, str]]:
    """Return the fields beside the metadata, as they are called here and by the server."""
    pairs = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return [(name, encoded) for name, encoded in pairs if name != "metadata"]


_CAMEL = dict(zip(Metadata.__struct_fields__, Metadata.__struct_encode_fields__, strict=True))


def decoded(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw) -> T:
    """Raises Odd where the slice does not fit."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Odd(str(error)) from None
