"""Label and field selectors, in lists and in watches."""

from tests.contracts.checks.lists import names
from tests.contracts.servers import Server


def _seeded(server: Server) -> str:
    """The path of the pods of a new namespace."""
    namespace = server.namespace()
    server.pods(namespace, "web-1", labels={"app": "web", "tier": "front"}, node="node-1")
    server.pods(namespace, "web-2", labels={"app": "web"}, node="node-2")
    server.pods(namespace, "db-1", labels={"app": "db", "tier": "back"})
    server.pods(namespace, "bare")
    return f"/api/v1/namespaces/{namespace}/pods"


def check_labels(server: Server) -> None:
    path = _seeded(server)
    for selector, expected in {
        "app=web": ["web-1", "web-2"],
        "app==web": ["web-1", "web-2"],
        "app!=web": ["bare", "db-1"],
        "app": ["db-1", "web-1", "web-2"],
        "!app": ["bare"],
        "app in (web, db)": ["db-1", "web-1", "web-2"],
        "app notin (web)": ["bare", "db-1"],
        "app=web,tier=front": ["web-1"],
        "app in (web,db),!tier": ["web-2"],
        "app=none": [],
    }.items():
        assert names(server.reader.get(path, labelSelector=selector)) == expected, selector


def check_fields(server: Server) -> None:
    path = _seeded(server)
    for selector, expected in {
        "metadata.name=web-1": ["web-1"],
        "metadata.name!=web-1": ["bare", "db-1", "web-2"],
        "spec.nodeName=node-2": ["web-2"],
        "spec.nodeName=": ["bare", "db-1"],
        "status.phase=Pending,spec.nodeName!=": ["web-1", "web-2"],
        "status.phase!=Pending": [],
    }.items():
        assert names(server.reader.get(path, fieldSelector=selector)) == expected, selector


def check_both_together(server: Server) -> None:
    path = _seeded(server)
    answer = server.reader.get(path, labelSelector="app=web", fieldSelector="spec.nodeName=node-1")
    assert names(answer) == ["web-1"]


def check_namespace_as_a_field(server: Server) -> None:
    namespace = _seeded(server).split("/")[4]
    answer = server.reader.get("/api/v1/pods", fieldSelector=f"metadata.namespace={namespace}")
    assert names(answer) == ["bare", "db-1", "web-1", "web-2"]


def check_phase_of_a_namespace(server: Server) -> None:
    namespace = server.namespace()
    assert namespace in names(server.reader.get("/api/v1/namespaces", fieldSelector="status.phase=Active"))
    assert names(server.reader.get("/api/v1/namespaces", fieldSelector="status.phase=Terminating")) == []


def check_bad_selectors_are_refused(server: Server) -> None:
    for query in (
        {"labelSelector": "app in web"},
        {"labelSelector": "=web"},
        {"labelSelector": "a b"},
        {"fieldSelector": "spec.priority=1"},
        {"fieldSelector": "status.phase"},
    ):
        answer = server.reader.get("/api/v1/pods", **query)
        assert answer.status == 400, query
        assert (answer.json["kind"], answer.json["reason"]) == ("Status", "BadRequest"), query


def check_watch_follows_what_begins_and_ceases_to_match(server: Server) -> None:
    namespace = server.namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    server.pods(namespace, "a", labels={"app": "web"})
    server.pods(namespace, "b", labels={"app": "db"})
    version = server.reader.get(path).json["metadata"]["resourceVersion"]
    server.relabel(namespace, "b", {"app": "web"})
    server.relabel(namespace, "b", {"app": "web", "tier": "front"})
    server.relabel(namespace, "a", {"app": "db"})
    server.relabel(namespace, "a", {"app": "db", "tier": "back"})
    events = server.reader.watch(path, resourceVersion=version, timeoutSeconds=1, labelSelector="app=web")
    told = [(event["type"], event["object"]["metadata"]["name"]) for event in events]
    assert told == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    # What no longer matches is shown as it was, under the version of the change.
    gone = events[-1]["object"]["metadata"]
    assert gone["labels"] == {"app": "web"}
    assert int(gone["resourceVersion"]) > int(events[1]["object"]["metadata"]["resourceVersion"])


def check_watch_of_one_name(server: Server) -> None:
    namespace = server.namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    version = server.reader.get(path).json["metadata"]["resourceVersion"]
    server.pods(namespace, "a", "b", "c")
    query = {"resourceVersion": version, "timeoutSeconds": 1, "fieldSelector": "metadata.name=b"}
    events = server.reader.watch(path, **query)
    assert [event["object"]["metadata"]["name"] for event in events] == ["b"]
