"""Single objects written: made, changed, applied, refused, deleted."""

from typing import Any

from tests.contracts import objects
from tests.contracts.checks.errors import status
from tests.contracts.client import Answer, Body
from tests.contracts.servers import Server

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def _maps(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def _map(name: str, **data: str) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _create(server: Server, namespace: str, body: Body, **query: Any) -> Answer:
    return server.admin.send("POST", _maps(namespace), body=body, query=query)


def _apply(server: Server, namespace: str, body: Body, manager: str, **query: Any) -> Answer:
    path = _maps(namespace, body["metadata"]["name"])
    asked = {"fieldManager": manager, **query}
    return server.admin.send("PATCH", path, body=body, query=asked, headers={"Content-Type": APPLY})


def check_create(server: Server) -> None:
    namespace = server.namespace()
    answer = _create(server, namespace, _map("a", colour="red"))
    assert answer.status == 201
    assert answer.json["metadata"]["uid"]
    assert answer.json["data"] == {"colour": "red"}


def check_create_twice_is_a_conflict(server: Server) -> None:
    namespace = server.namespace()
    _create(server, namespace, _map("a"))
    body = status(_create(server, namespace, _map("a")), 409, "AlreadyExists")
    assert body["details"] == {"name": "a", "kind": "configmaps"}


def check_generated_names(server: Server) -> None:
    namespace = server.namespace()
    body: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    made = {_create(server, namespace, body).json["metadata"]["name"] for _ in range(2)}
    assert len(made) == 2
    assert all(name.startswith("made-") for name in made)


def check_an_invalid_object_names_the_field(server: Server) -> None:
    namespace = server.namespace()
    body = status(_create(server, namespace, _map("Not_A_Name")), 422, "Invalid")
    assert [cause["field"] for cause in body["details"]["causes"]] == ["metadata.name"]


def check_a_missing_namespace_takes_nothing(server: Server) -> None:
    status(_create(server, "no-such-namespace", _map("a")), 404, "NotFound")


def check_a_stale_update_is_a_conflict(server: Server) -> None:
    namespace = server.namespace()
    stale = _create(server, namespace, _map("a", colour="red")).json
    fresh = stale | {"data": {"colour": "green"}}
    assert server.admin.send("PUT", _maps(namespace, "a"), body=fresh).status == 200
    answer = server.admin.send("PUT", _maps(namespace, "a"), body=stale | {"data": {"colour": "blue"}})
    status(answer, 409, "Conflict")
    assert server.admin.get(_maps(namespace, "a")).json["data"] == {"colour": "green"}


def check_merge_patch(server: Server) -> None:
    namespace = server.namespace()
    _create(server, namespace, _map("a", colour="red", size="big"))
    patch = {"data": {"colour": None, "shape": "round"}}
    answer = server.admin.send("PATCH", _maps(namespace, "a"), body=patch, headers={"Content-Type": MERGE})
    assert (answer.status, answer.json["data"]) == (200, {"size": "big", "shape": "round"})


def check_an_unknown_patch_is_unsupported(server: Server) -> None:
    namespace = server.namespace()
    _create(server, namespace, _map("a"))
    answer = server.admin.send("PATCH", _maps(namespace, "a"), body={})
    status(answer, 415, "UnsupportedMediaType")


def check_apply_creates_then_changes(server: Server) -> None:
    namespace = server.namespace()
    assert _apply(server, namespace, _map("a", colour="red"), "paddock").status == 201
    first = _apply(server, namespace, _map("a", colour="green", size="big"), "paddock")
    assert (first.status, first.json["data"]) == (200, {"colour": "green", "size": "big"})
    # The same again changes nothing, not even the version.
    second = _apply(server, namespace, _map("a", colour="green", size="big"), "paddock")
    assert second.json["metadata"]["resourceVersion"] == first.json["metadata"]["resourceVersion"]
    # What the manager no longer names goes.
    assert _apply(server, namespace, _map("a", colour="green"), "paddock").json["data"] == {"colour": "green"}


def check_apply_records_its_manager(server: Server) -> None:
    namespace = server.namespace()
    (entry,) = _apply(server, namespace, _map("a", colour="red"), "paddock").json["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("paddock", "Apply")
    assert "f:colour" in entry["fieldsV1"]["f:data"]


def check_apply_against_another_manager_is_a_conflict(server: Server) -> None:
    namespace = server.namespace()
    _apply(server, namespace, _map("a", colour="red"), "somebody")
    body = status(_apply(server, namespace, _map("a", colour="green"), "paddock"), 409, "Conflict")
    (cause,) = body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.colour")
    assert "somebody" in cause["message"]
    forced = _apply(server, namespace, _map("a", colour="green"), "paddock", force="true")
    assert (forced.status, forced.json["data"]) == (200, {"colour": "green"})


def check_a_dry_run_stores_nothing(server: Server) -> None:
    namespace = server.namespace()
    assert _create(server, namespace, _map("a"), dryRun="All").status == 201
    assert _apply(server, namespace, _map("b"), "paddock", dryRun="All").status == 201
    for name in ("a", "b"):
        status(server.admin.get(_maps(namespace, name)), 404, "NotFound")


def check_delete(server: Server) -> None:
    namespace = server.namespace()
    uid = _create(server, namespace, _map("a")).json["metadata"]["uid"]
    answer = server.admin.send("DELETE", _maps(namespace, "a"))
    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert answer.json["details"]["uid"] == uid
    status(server.admin.send("DELETE", _maps(namespace, "a")), 404, "NotFound")


def check_delete_of_another_life_is_a_conflict(server: Server) -> None:
    namespace = server.namespace()
    _create(server, namespace, _map("a"))
    body = {"preconditions": {"uid": "00000000-0000-4000-8000-000000000000"}}
    status(server.admin.send("DELETE", _maps(namespace, "a"), body=body), 409, "Conflict")
    assert server.admin.get(_maps(namespace, "a")).status == 200


def check_a_finalizer_holds_an_object(server: Server) -> None:
    namespace = server.namespace()
    body = _map("a")
    body["metadata"]["finalizers"] = ["example.test/hold"]
    _create(server, namespace, body)
    held = server.admin.send("DELETE", _maps(namespace, "a"))
    assert held.json["metadata"]["deletionTimestamp"]
    assert server.admin.get(_maps(namespace, "a")).status == 200
    patch = {"metadata": {"finalizers": None}}
    server.admin.send("PATCH", _maps(namespace, "a"), body=patch, headers={"Content-Type": MERGE})
    status(server.admin.get(_maps(namespace, "a")), 404, "NotFound")


def check_a_list_is_deleted_by_selector(server: Server) -> None:
    namespace = server.namespace()
    for name, team in (("a", "red"), ("b", "red"), ("c", "blue")):
        body = _map(name)
        body["metadata"]["labels"] = {"team": team}
        _create(server, namespace, body)
    assert server.admin.send("DELETE", _maps(namespace), query={"labelSelector": "team=red"}).status == 200
    left = [item["metadata"]["name"] for item in server.admin.get(_maps(namespace)).json["items"]]
    assert left == ["c"]


def check_status_is_written_apart(server: Server) -> None:
    namespace = server.namespace()
    server.create("deployments.apps", objects.deployment(namespace, "a"))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/a"
    patch = {"spec": {"replicas": 3}, "status": {"replicas": 2}}
    for suffix in ("", "/status"):
        server.admin.send("PATCH", path + suffix, body=patch, headers={"Content-Type": MERGE})
        patch = {"spec": {"replicas": 9}, "status": {"replicas": 2}}
    found = server.admin.get(path).json
    assert (found["spec"]["replicas"], found["status"].get("replicas")) == (3, 2)
