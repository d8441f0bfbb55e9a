"""Lists: their form, their order, and pages that hold one snapshot."""

from typing import Any

from tests.contracts import objects
from tests.contracts.client import Answer, Body
from tests.contracts.servers import Server

SEVEN = tuple(f"pod-{number}" for number in range(7))
PARTIAL = "application/json;as=PartialObjectMetadata{list};v=v1;g=meta.k8s.io,application/json"


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.content
    return [item["metadata"]["name"] for item in answer.json["items"]]


def pages(server: Server, path: str, **query: Any) -> list[Body]:
    """Every page of a list, following its continue tokens."""
    found: list[Body] = []
    token = ""
    while not found or token:
        answer = server.reader.get(path, **query, **({"continue": token} if token else {}))
        assert answer.status == 200, answer.content
        found.append(answer.json)
        token = answer.json["metadata"].get("continue", "")
        assert len(found) < 50, "a list without end"
    return found


def check_form_of_a_list(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a")
    answer = server.reader.get(f"/api/v1/namespaces/{namespace}/pods")
    assert answer.headers["content-type"] == "application/json"
    listed = answer.json
    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert listed["metadata"]["resourceVersion"].isdigit()
    assert "continue" not in listed["metadata"]
    (item,) = listed["items"]
    assert "kind" not in item
    assert "apiVersion" not in item
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        assert item["metadata"][field], field


def check_form_of_an_object(server: Server) -> None:
    namespace = server.namespace()
    server.create("deployments.apps", objects.deployment(namespace, "a"))
    found = server.reader.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/a").json
    assert (found["kind"], found["apiVersion"]) == ("Deployment", "apps/v1")
    assert found["metadata"]["namespace"] == namespace
    listed = server.reader.get(f"/apis/apps/v1/namespaces/{namespace}/deployments").json
    assert (listed["kind"], listed["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert listed["items"][0]["metadata"]["uid"] == found["metadata"]["uid"]


def check_a_namespace_shows_only_its_own(server: Server) -> None:
    first, second = server.namespace(), server.namespace()
    server.pods(first, "mine")
    server.pods(second, "other")
    assert names(server.reader.get(f"/api/v1/namespaces/{first}/pods")) == ["mine"]
    everywhere = server.reader.get("/api/v1/pods").json["items"]
    seen = {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in everywhere}
    assert {(first, "mine"), (second, "other")} <= seen


def check_missing_namespace_is_an_empty_list(server: Server) -> None:
    answer = server.reader.get("/api/v1/namespaces/no-such-namespace/pods")
    assert (answer.status, answer.json["items"]) == (200, [])


def check_order_is_namespace_then_name(server: Server) -> None:
    for namespace in (server.namespace(), server.namespace()):
        server.pods(namespace, "b", "a", "a-b")
    found = server.reader.get("/api/v1/pods").json["items"]
    keys = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in found]
    assert keys == sorted(keys)


def check_pages(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, *SEVEN)
    found = pages(server, f"/api/v1/namespaces/{namespace}/pods", limit=3)
    listed = [[item["metadata"]["name"] for item in page["items"]] for page in found]
    assert listed == [["pod-0", "pod-1", "pod-2"], ["pod-3", "pod-4", "pod-5"], ["pod-6"]]
    assert [page["metadata"].get("remainingItemCount") for page in found] == [4, 1, None]
    assert len({page["metadata"]["resourceVersion"] for page in found}) == 1


def check_pages_over_all_namespaces(server: Server) -> None:
    for namespace in (server.namespace(), server.namespace()):
        server.pods(namespace, "a", "b", "c")
    whole = [item["metadata"]["uid"] for item in server.reader.get("/api/v1/pods").json["items"]]
    paged = [item["metadata"]["uid"] for page in pages(server, "/api/v1/pods", limit=4) for item in page["items"]]
    assert paged == whole


def check_limit_beyond_the_list_is_one_page(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, *SEVEN)
    for limit in (7, 8, 500):
        answer = server.reader.get(f"/api/v1/namespaces/{namespace}/pods", limit=limit)
        assert len(answer.json["items"]) == 7
        assert "continue" not in answer.json["metadata"]


def check_pages_hold_one_snapshot(server: Server) -> None:
    namespace = server.namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    server.pods(namespace, *SEVEN)
    first = server.reader.get(path, limit=3).json
    server.delete(namespace, "pod-4")
    server.pods(namespace, "pod-3a", "pod-9")
    server.relabel(namespace, "pod-5", {"late": "yes"})
    rest = server.reader.get(path, limit=10, **{"continue": first["metadata"]["continue"]})
    assert names(rest) == ["pod-3", "pod-4", "pod-5", "pod-6"]
    assert rest.json["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert all("late" not in (item["metadata"].get("labels") or {}) for item in rest.json["items"])
    assert names(server.reader.get(path)) == ["pod-0", "pod-1", "pod-2", "pod-3", "pod-3a", "pod-5", "pod-6", "pod-9"]


def check_selected_pages_tell_no_rest(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, *SEVEN, labels={"app": "web"})
    found = pages(server, f"/api/v1/namespaces/{namespace}/pods", limit=3, labelSelector="app=web")
    assert [item["metadata"]["name"] for page in found for item in page["items"]] == list(SEVEN)
    assert all("remainingItemCount" not in page["metadata"] for page in found)
    assert len({page["metadata"]["resourceVersion"] for page in found}) == 1


def check_garbled_continue_is_a_bad_request(server: Server) -> None:
    answer = server.reader.get("/api/v1/pods", limit=3, **{"continue": "garbled"})
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


def check_continue_goes_without_resource_version(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", "b")
    path = f"/api/v1/namespaces/{namespace}/pods"
    metadata = server.reader.get(path, limit=1).json["metadata"]
    token, version = metadata["continue"], metadata["resourceVersion"]
    answer = server.reader.get(path, limit=1, resourceVersion=version, **{"continue": token})
    assert (answer.status, answer.json["kind"]) == (400, "Status")


def check_metadata_alone(server: Server) -> None:
    namespace = server.namespace()
    server.pods(namespace, "a", labels={"app": "web"})
    path = f"/api/v1/namespaces/{namespace}/pods"
    listed = server.reader.get(path, accept=PARTIAL.format(list="List")).json
    assert (listed["kind"], listed["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    (item,) = listed["items"]
    assert item["metadata"]["labels"] == {"app": "web"}
    assert "spec" not in item
    single = server.reader.get(f"{path}/a", accept=PARTIAL.format(list="")).json
    assert single["kind"] == "PartialObjectMetadata"
    assert "spec" not in single
