"""The rules of resourceVersion."""

from collections.abc import Callable

from tests.contracts.checks.lists import names
from tests.contracts.servers import Server

FUTURE = 10**15


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


def check_a_change_moves_the_object(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", "b")
    before = {item["metadata"]["name"]: item["metadata"] for item in server.reader.get(_path(namespace)).json["items"]}
    server.relabel(namespace, "a", {"app": "web"})
    after = {item["metadata"]["name"]: item["metadata"] for item in server.reader.get(_path(namespace)).json["items"]}
    assert after["a"]["labels"] == {"app": "web"}
    assert after["a"]["resourceVersion"] != before["a"]["resourceVersion"]
    assert after["a"]["uid"] == before["a"]["uid"]
    assert after["a"]["creationTimestamp"] == before["a"]["creationTimestamp"]
    assert after["b"] == before["b"]


def check_a_new_object_of_the_same_name_has_another_uid(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a")
    before = server.reader.get(f"{_path(namespace)}/a").json["metadata"]["uid"]
    server.delete(namespace, "a")
    server.pods(namespace, "a")
    assert server.reader.get(f"{_path(namespace)}/a").json["metadata"]["uid"] != before


def check_changes_move_the_list(server: Server) -> None:
    namespace = server.namespace()
    seen = []
    changes: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: server.pods(namespace, "a"),
        lambda: server.relabel(namespace, "a", {"app": "web"}),
        lambda: server.delete(namespace, "a"),
    )
    for change in changes:
        change()
        seen.append(int(server.reader.get(_path(namespace)).json["metadata"]["resourceVersion"]))
    assert seen == sorted(set(seen))


def check_a_list_is_not_older_than_its_objects(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", "b")
    listed = server.reader.get(_path(namespace)).json
    versions = [int(item["metadata"]["resourceVersion"]) for item in listed["items"]]
    assert max(versions) <= int(listed["metadata"]["resourceVersion"])


def check_unset_is_the_newest(server: Server) -> None:
    namespace = server.namespace()
    for name in ("a", "b", "c"):
        server.pods(namespace, name)
        assert name in names(server.reader.get(_path(namespace)))


def check_zero_is_any_age_in_one_piece(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", "b", "c")
    newest = server.reader.get(_path(namespace)).json["metadata"]["resourceVersion"]
    # Makes the cache of a real server catch up, so that its age is known here.
    server.reader.get(_path(namespace), resourceVersion=newest, resourceVersionMatch="NotOlderThan")
    answer = server.reader.get(_path(namespace), resourceVersion=0, limit=1)
    assert names(answer) == ["a", "b", "c"]
    assert int(answer.json["metadata"]["resourceVersion"]) > 0
    assert "continue" not in answer.json["metadata"]


def check_exact_is_that_version(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", "b")
    version = server.reader.get(_path(namespace)).json["metadata"]["resourceVersion"]
    server.pods(namespace, "c")
    server.delete(namespace, "a")
    query = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    answer = server.reader.get(_path(namespace), **query)
    assert names(answer) == ["a", "b"]
    assert answer.json["metadata"]["resourceVersion"] == version
    paged = server.reader.get(_path(namespace), limit=1, **query)
    assert names(paged) == ["a"]
    rest = server.reader.get(_path(namespace), limit=1, **{"continue": paged.json["metadata"]["continue"]})
    assert names(rest) == ["b"]


def check_not_older_than(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a")
    version = server.reader.get(_path(namespace)).json["metadata"]["resourceVersion"]
    answer = server.reader.get(_path(namespace), resourceVersion=version, resourceVersionMatch="NotOlderThan")
    assert names(answer) == ["a"]
    assert int(answer.json["metadata"]["resourceVersion"]) >= int(version)


def check_bad_versions_are_refused(server: Server) -> None:
    for query in (
        {"resourceVersionMatch": "Exact"},
        {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
        {"resourceVersionMatch": "Sometimes", "resourceVersion": "1"},
    ):
        answer = server.reader.get("/api/v1/pods", **query)
        assert (answer.status, answer.json["reason"]) == (422, "Invalid"), query
    answer = server.reader.get("/api/v1/pods", resourceVersion="new")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


def check_a_version_of_the_future_is_a_timeout(server: Server) -> None:
    answer = server.reader.get("/api/v1/pods", resourceVersion=FUTURE, resourceVersionMatch="NotOlderThan")
    assert (answer.status, answer.json["reason"]) == (504, "Timeout")
    assert [cause["reason"] for cause in answer.json["details"]["causes"]] == ["ResourceVersionTooLarge"]
    assert answer.json["details"]["retryAfterSeconds"] == int(answer.headers["retry-after"])
