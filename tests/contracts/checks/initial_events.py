"""Promises of a real server that the simulator does not make."""

from tests.contracts.servers import Server


def check_initial_events_of_a_watch(server: Server) -> None:
    """WatchList: today's objects, then a bookmark that says so."""
    namespace = server.namespace()
    server.pods(namespace, "a", "b")
    events = server.reader.watch(
        f"/api/v1/namespaces/{namespace}/pods",
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
        timeoutSeconds=1,
    )
    *added, mark = events
    assert sorted((event["type"], event["object"]["metadata"]["name"]) for event in added) == [
        ("ADDED", "a"),
        ("ADDED", "b"),
    ]
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
