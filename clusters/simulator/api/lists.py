"""Lists and single objects: pages, continue tokens, selectors and the rules of resourceVersion."""

import base64
import binascii
import bisect
import json
from dataclasses import dataclass
from typing import Any

from clusters.simulator import wire
from clusters.simulator.api import kinds, selectors, statuses, store

Body = dict[str, Any]

EXACT, NOT_OLDER = "Exact", "NotOlderThan"
# The rv of a token given out with "expired": it reads on in today's objects.
LATEST = -1
UINT64 = 2**64


@dataclass(frozen=True, slots=True)
class Token:
    """Where the next page starts: behind the key `after`, in the objects of `version`; pages count from 1."""

    version: int
    after: str
    page: int

    def text(self) -> str:
        fields = {"v": "meta.k8s.io/v1", "rv": self.version, "start": f"{self.after}\0", "page": self.page}
        return base64.urlsafe_b64encode(store.encode(fields)).decode().rstrip("=")


def read_token(text: str) -> Token:
    try:
        fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Token(int(fields["rv"]), str(fields["start"]).rstrip("\0"), int(fields["page"]))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise statuses.bad_request("continue key is not valid") from None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request may see: a kind, in one namespace or ("") everywhere, under its selectors."""

    kind: kinds.Kind
    namespace: str
    test: selectors.Test | None
    metadata_only: bool

    def shows(self, entry: store.Entry) -> bool:
        if self.namespace and entry.namespace != self.namespace:
            return False
        return self.test is None or self.test(entry.body)


def scope(kind: kinds.Kind, namespace: str, request: wire.Request) -> Scope:
    query = request.query
    test = selectors.parse(kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    return Scope(kind, namespace, test, "as=PartialObjectMetadata" in request.headers.get("accept", ""))


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a list, before it is encoded. `remaining` is None where the server does not tell."""

    version: int
    entries: list[store.Entry]
    next: Token | None
    remaining: int | None


def page_number(query: dict[str, str]) -> int:
    """1 for the first page of a list."""
    return read_token(query["continue"]).page if query.get("continue") else 1


def page(objects: store.Store, scope: Scope, query: dict[str, str], *, largest: int) -> Page:
    """`largest` bounds a page whatever limit the client asks for; 0 bounds nothing."""
    collection = objects.collection(scope.kind)
    limit = number(query, "limit")
    if largest and limit:
        limit = min(limit, largest)
    if query.get("continue"):
        return _next_page(objects, collection, scope, query, limit)
    snapshot = collection.at(_wanted_version(objects, query, limit))
    # A list "of any age" comes from the server's cache, which knows no pages.
    return _cut(snapshot, scope, after="", limit=0 if query.get("resourceVersion") == "0" else limit, page=1)


def _next_page(
    objects: store.Store, collection: store.Collection, scope: Scope, query: dict[str, str], limit: int
) -> Page:
    if query.get("resourceVersion") not in (None, "", "0"):
        raise statuses.bad_request("specifying resource version is not allowed when using continue")
    token = read_token(query["continue"])
    if token.version == LATEST:
        snapshot = collection.at(objects.version)
    else:
        try:
            snapshot = collection.at(token.version)
        except statuses.StatusError:
            latest = Token(LATEST, token.after, token.page)
            raise statuses.expired_continue(latest.text()) from None
    return _cut(snapshot, scope, after=token.after, limit=limit, page=token.page)


def _wanted_version(objects: store.Store, query: dict[str, str], limit: int) -> int:
    """Unset and "0" mean the newest; a version with a limit means exactly that one, as it always has."""
    asked, match = number(query, "resourceVersion"), query.get("resourceVersionMatch", "")
    _check_match(query, match)
    if asked > objects.version:
        raise statuses.too_new(asked, objects.version)
    if asked and (match == EXACT or (limit and not match)):
        return asked
    return objects.version


def _check_match(query: dict[str, str], match: str) -> None:
    if not match:
        return
    version = query.get("resourceVersion", "")
    if not version:
        message = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match not in (EXACT, NOT_OLDER):
        message = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"'
    elif match == EXACT and version == "0":
        message = 'Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"'
    else:
        return
    raise statuses.invalid("ListOptions", "meta.k8s.io", f"resourceVersionMatch: {message}")


def _cut(snapshot: store.Snapshot, scope: Scope, *, after: str, limit: int, page: int) -> Page:
    first, end = snapshot.bounds(scope.namespace)
    position = bisect.bisect_right(snapshot.order, after, first, end) if after else first
    found: list[store.Entry] = []
    while position < end and not (limit and len(found) == limit):
        entry = snapshot.entries[snapshot.order[position]]
        if scope.shows(entry):
            found.append(entry)
        position += 1
    if position == end:
        return Page(snapshot.version, found, None, None)
    token = Token(snapshot.version, snapshot.order[position - 1], page + 1)
    return Page(snapshot.version, found, token, end - position if scope.test is None else None)


def number(query: dict[str, str], name: str) -> int:
    """0 when absent or empty; raises StatusError 400."""
    text = query.get(name, "")
    if text and not (text.isascii() and text.isdigit() and int(text) < UINT64):
        raise statuses.bad_request(f'{name}: Invalid value: "{text}": invalid syntax')
    return int(text or 0)


def encode_page(page: Page, scope: Scope) -> bytes:
    metadata: Body = {"resourceVersion": str(page.version)}
    if page.next:
        metadata["continue"] = page.next.text()
    if page.next and page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    name, version = scope.kind.name, scope.kind.group_version
    if scope.metadata_only:
        name, version = "PartialObjectMetadata", "meta.k8s.io/v1"
    head = store.encode({"kind": f"{name}List", "apiVersion": version, "metadata": metadata})
    items = b",".join(encode_item(entry, scope) for entry in page.entries)
    return head[:-1] + b',"items":[' + items + b"]}\n"


def encode_item(entry: store.Entry, scope: Scope) -> bytes:
    if scope.metadata_only:
        return encode_object(entry, scope)
    return entry.full_text(scope.kind) if scope.kind.custom else entry.text


def encode_object(entry: store.Entry, scope: Scope) -> bytes:
    """An object on its own, as `get` and a watch show it."""
    if not scope.metadata_only:
        return entry.full_text(scope.kind)
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": entry.body["metadata"],
    }
    return store.encode(partial)
