"""Watches: from a list's version, live, with bookmarks, to their end."""

import time
from collections.abc import Iterable, Iterator

from tests.contracts import objects
from tests.contracts.checks.lists import PARTIAL
from tests.contracts.client import Body, Query
from tests.contracts.servers import Server

# A watch of this many seconds is long enough for a bookmark; one of a second is not.
LONG = 5
SLACK = 2.5


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def _version(server: Server, path: str) -> str:
    return str(server.reader.get(path).json["metadata"]["resourceVersion"])


def _told(events: list[Body]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def _whole(events: Iterable[Body]) -> Iterator[Body]:
    """Without the steps in which a real pod dies: it is marked before it goes."""
    return (event for event in events if event["type"] != "MODIFIED" or not _dying(event["object"]))


def _dying(body: Body) -> bool:
    return "deletionTimestamp" in body["metadata"]


def check_events_since_a_list(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    server.pods(namespace, "a")
    version = _version(server, path)
    server.pods(namespace, "b")
    server.relabel(namespace, "a", {"app": "web"})
    server.delete(namespace, "b")
    events = list(_whole(server.reader.watch(path, resourceVersion=version, timeoutSeconds=1)))
    assert _told(events) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    assert events[1]["object"]["metadata"]["labels"] == {"app": "web"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)
    for event in events:
        assert (event["object"]["kind"], event["object"]["apiVersion"]) == ("Pod", "v1")
        assert event["object"]["spec"]["containers"]


def check_events_after_an_event(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    version = _version(server, path)
    server.pods(namespace, "a", "b", "c")
    events = server.reader.watch(path, resourceVersion=version, timeoutSeconds=1)
    after = events[1]["object"]["metadata"]["resourceVersion"]
    rest = server.reader.watch(path, resourceVersion=after, timeoutSeconds=1)
    assert _told(rest) == [("ADDED", "c")]


def check_live_events(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    with server.reader.watching(path, resourceVersion=_version(server, path), timeoutSeconds=20) as lines:
        events = _whole(lines)
        server.pods(namespace, "a")
        assert next(events)["type"] == "ADDED"
        server.relabel(namespace, "a", {"app": "web"})
        assert next(events)["type"] == "MODIFIED"
        server.delete(namespace, "a")
        assert next(events)["type"] == "DELETED"


def check_a_quiet_watch_ends_in_time_without_error(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    server.pods(namespace, "a")
    version = _version(server, path)
    for seconds in (1, 2):
        started = time.monotonic()
        query: Query = {"resourceVersion": version, "timeoutSeconds": seconds, "allowWatchBookmarks": "true"}
        assert server.reader.watch(path, **query) == []
        assert seconds - 0.1 <= time.monotonic() - started <= seconds + SLACK


def check_without_version_today_comes_first(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    server.pods(namespace, "a", "b")
    _settled(server, path)
    queries: tuple[Query, ...] = ({}, {"resourceVersion": 0})
    for query in queries:
        events = server.reader.watch(path, timeoutSeconds=1, **query)
        assert sorted(_told(events)) == [("ADDED", "a"), ("ADDED", "b")], query


def _settled(server: Server, path: str) -> None:
    """Returns when the cache of a real server has caught up."""
    query = {"resourceVersion": _version(server, path), "resourceVersionMatch": "NotOlderThan"}
    server.reader.get(path, **query)


def check_a_namespace_watches_only_its_own(server: Server) -> None:
    first, second = server.namespace(), server.namespace()
    version = _version(server, _path(first))
    server.pods(first, "mine")
    server.pods(second, "other")
    events = server.reader.watch(_path(first), resourceVersion=version, timeoutSeconds=1)
    assert _told(events) == [("ADDED", "mine")]
    everywhere = server.reader.watch("/api/v1/pods", resourceVersion=version, timeoutSeconds=1)
    assert {("ADDED", "mine"), ("ADDED", "other")} <= set(_told(everywhere))


def check_a_bookmark_before_the_end(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    elsewhere = server.namespace()
    version = _version(server, path)
    server.pods(namespace, "a")
    query: Query = {"resourceVersion": version, "timeoutSeconds": LONG, "allowWatchBookmarks": "true"}
    with server.reader.watching(path, **query) as events:
        # A bookmark is sent only when the kind has moved on since the watch began.
        server.pods(elsewhere, "a")
        added, *marks = events
    assert added["type"] == "ADDED"
    assert {mark["type"] for mark in marks} == {"BOOKMARK"}
    mark = marks[-1]["object"]
    assert (mark["kind"], mark["apiVersion"]) == ("Pod", "v1")
    assert "name" not in mark["metadata"]
    position = mark["metadata"]["resourceVersion"]
    assert int(position) > int(added["object"]["metadata"]["resourceVersion"])
    server.pods(namespace, "b")
    rest = server.reader.watch(path, resourceVersion=position, timeoutSeconds=1)
    assert _told(rest) == [("ADDED", "b")]


def check_no_bookmarks_unless_asked(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    elsewhere = server.namespace()
    version = _version(server, path)
    server.pods(namespace, "a")
    with server.reader.watching(path, resourceVersion=version, timeoutSeconds=LONG) as events:
        server.pods(elsewhere, "a")
        assert [event["type"] for event in events] == ["ADDED"]


def check_garbled_terms_are_refused(server: Server) -> None:
    """Kubernetes 1.36 answers a garbled version with 500 and no reason; a garbled time with 400."""
    answer = server.reader.get("/api/v1/pods", watch=1, resourceVersion="new", timeoutSeconds=1)
    assert (answer.status, answer.json["kind"]) == (500, "Status")
    answer = server.reader.get("/api/v1/pods", watch=1, timeoutSeconds="long")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
    query: Query = {"resourceVersion": "1", "resourceVersionMatch": "Exact", "timeoutSeconds": 1}
    answer = server.reader.get("/api/v1/pods", watch=1, **query)
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")


def check_watch_in_a_group(server: Server) -> None:
    namespace = server.namespace()
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    version = _version(server, path)
    server.create("deployments.apps", objects.deployment(namespace, "a"))
    events = server.reader.watch(path, resourceVersion=version, timeoutSeconds=1)
    assert _told(events) == [("ADDED", "a")]
    assert (events[0]["object"]["kind"], events[0]["object"]["apiVersion"]) == ("Deployment", "apps/v1")


def check_watch_of_metadata_alone(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace)
    version = _version(server, path)
    server.pods(namespace, "a")
    accept = PARTIAL.format(list="")
    (event,) = server.reader.watch(path, accept, resourceVersion=version, timeoutSeconds=1)
    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert event["object"]["metadata"]["name"] == "a"
    assert "spec" not in event["object"]
