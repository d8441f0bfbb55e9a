"""Server-side apply: who owns which field, what goes and what stays, and the conditions that an object carries."""

from typing import Any

from tests.contracts.checks.errors import status
from tests.contracts.client import Answer, Body
from tests.contracts.servers import RBAC, Server

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
OTHER_UID = "00000000-0000-4000-8000-000000000000"


def _path(namespace: str, resource: str, name: str) -> str:
    base = f"/apis/{RBAC}/v1" if resource == "rolebindings" else "/api/v1"
    return f"{base}/namespaces/{namespace}/{resource}/{name}"


def _map(**data: str) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap"} | ({"data": data} if data else {})


def _apply(server: Server, path: str, body: Body, manager: str = "paddock", **query: Any) -> Answer:
    name = path.rpartition("/")[2]
    sent = body | {"metadata": body.get("metadata", {}) | {"name": name}}
    asked = {"fieldManager": manager, **query}
    return server.admin.send("PATCH", path, body=sent, query=asked, headers={"Content-Type": APPLY})


def _merge(server: Server, path: str, patch: Body, **query: Any) -> Answer:
    return server.admin.send("PATCH", path, body=patch, query=query, headers={"Content-Type": MERGE})


def _managers(body: Body) -> dict[tuple[str, str], Any]:
    return {(each["manager"], each["operation"]): each["fieldsV1"] for each in body["metadata"]["managedFields"]}


def check_two_managers_share_what_they_agree_on(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    _apply(server, path, _map(x="1", y="1"), "one")
    assert _apply(server, path, _map(x="1", z="1"), "two").status == 200
    # What one no longer names stays, because two names it; what nobody names goes.
    answer = _apply(server, path, _map(), "one")
    assert answer.json["data"] == {"x": "1", "z": "1"}
    assert set(_managers(answer.json)) == {("two", "Apply")}


def check_a_change_takes_the_field_from_who_applied_it(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    _apply(server, path, _map(x="1", y="1"))
    changed = _merge(server, path, {"data": {"x": "2"}}, fieldManager="hand").json
    assert _managers(changed) == {
        ("paddock", "Apply"): {"f:data": {"f:y": {}}},
        ("hand", "Update"): {"f:data": {"f:x": {}}},
    }
    body = status(_apply(server, path, _map(x="1", y="1")), 409, "Conflict")
    assert body["details"] == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "hand" using v1', "field": ".data.x"}]
    }
    forced = _apply(server, path, _map(x="1", y="1"), force="true").json
    assert set(_managers(forced)) == {("paddock", "Apply")}


def check_several_conflicts_are_all_named(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    _apply(server, path, _map(x="1"), "one")
    _apply(server, path, _map(y="1"), "two")
    body = status(_apply(server, path, _map(x="2", y="2")), 409, "Conflict")
    assert body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\nconflicts with "two":\n- .data.y'
    )
    assert [cause["field"] for cause in body["details"]["causes"]] == [".data.x", ".data.y"]


def check_subjects_are_one_value(server: Server) -> None:
    """A list without keys belongs to one manager whole."""
    path = _path(server.namespace(), "rolebindings", "a")
    subjects = [{"kind": "Group", "apiGroup": RBAC, "name": name} for name in ("one", "two")]
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    binding: Body = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "roleRef": reference}
    made = _apply(server, path, binding | {"subjects": subjects[:1]})
    assert _managers(made.json) == {("paddock", "Apply"): {"f:roleRef": {}, "f:subjects": {}}}
    body = status(_apply(server, path, binding | {"subjects": subjects}, "other"), 409, "Conflict")
    assert [cause["field"] for cause in body["details"]["causes"]] == [".subjects"]
    assert _apply(server, path, binding | {"subjects": subjects}).json["subjects"] == subjects


def check_hard_limits_are_single_values(server: Server) -> None:
    """Of a quota's limits each has its own manager, and one left out is removed."""
    path = _path(server.namespace(), "resourcequotas", "a")
    quota: Body = {"apiVersion": "v1", "kind": "ResourceQuota"}
    _apply(server, path, quota | {"spec": {"hard": {"pods": "5", "requests.cpu": "2"}}})
    assert _apply(server, path, quota | {"spec": {"hard": {"secrets": "9"}}}, "other").status == 200
    left = _apply(server, path, quota | {"spec": {"hard": {"pods": "5"}}}).json
    assert left["spec"]["hard"] == {"pods": "5", "secrets": "9"}


def check_labels_of_others_stay(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    _apply(server, path, _map() | {"metadata": {"labels": {"ours": "1"}}})
    _merge(server, path, {"metadata": {"labels": {"theirs": "1"}}})
    answer = _apply(server, path, _map() | {"metadata": {"labels": {"ours": "2"}}})
    assert answer.json["metadata"]["labels"] == {"ours": "2", "theirs": "1"}
    assert _apply(server, path, _map()).json["metadata"]["labels"] == {"theirs": "1"}


def check_a_stale_version_is_refused(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    first = _apply(server, path, _map(x="1")).json["metadata"]
    carried = {"metadata": {"uid": first["uid"], "resourceVersion": first["resourceVersion"]}}
    assert _apply(server, path, _map(x="2") | carried).status == 200
    body = status(_apply(server, path, _map(x="3") | carried), 409, "Conflict")
    assert body["details"] == {"name": "a", "kind": "configmaps"}
    assert "the object has been modified" in body["message"]
    status(_merge(server, path, {"data": {"x": "3"}} | carried), 409, "Conflict")
    assert server.admin.get(path).json["data"] == {"x": "2"}


def check_another_life_is_refused(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace, "configmaps", "a")
    carried = {"metadata": {"uid": OTHER_UID}}
    body = status(_apply(server, path, _map(x="1") | carried), 409, "Conflict")
    assert "uid mismatch" in body["message"]
    _apply(server, path, _map(x="1"))
    for answer in (_apply(server, path, _map(x="2") | carried), _merge(server, path, carried)):
        body = status(answer, 422, "Invalid")
        assert {(cause["field"], cause["reason"]) for cause in body["details"]["causes"]} == {
            ("metadata.uid", "FieldValueInvalid")
        }


def check_a_version_alone_does_not_hinder_making(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    assert _apply(server, path, _map(x="1") | {"metadata": {"resourceVersion": "1"}}).status == 201


def check_apply_needs_a_manager(server: Server) -> None:
    path = _path(server.namespace(), "configmaps", "a")
    body = status(_apply(server, path, _map(), ""), 422, "Invalid")
    assert [cause["field"] for cause in body["details"]["causes"]] == ["fieldManager"]


def check_names_must_agree(server: Server) -> None:
    namespace = server.namespace()
    sent = _map() | {"metadata": {"name": "b"}}
    answer = server.admin.send(
        "PATCH",
        _path(namespace, "configmaps", "a"),
        body=sent,
        query={"fieldManager": "paddock"},
        headers={"Content-Type": APPLY},
    )
    status(answer, 400, "BadRequest")
    nameless = server.admin.send(
        "PATCH",
        _path(namespace, "configmaps", "a"),
        body=_map(),
        query={"fieldManager": "paddock"},
        headers={"Content-Type": APPLY},
    )
    assert "name must be provided" in status(nameless, 400, "BadRequest")["message"]
    elsewhere = _map() | {"metadata": {"namespace": "elsewhere"}}
    status(_apply(server, _path(namespace, "configmaps", "a"), elsewhere), 400, "BadRequest")


def check_what_does_not_change_is_no_event(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace, "configmaps", "a")
    _apply(server, path, _map(x="1"))
    maps = path.rpartition("/")[0]
    version = server.admin.get(maps).json["metadata"]["resourceVersion"]
    _apply(server, path, _map(x="1"))
    _merge(server, path, {"data": {"x": "1"}})
    _apply(server, path, _map(x="2"))
    events = server.admin.watch(maps, resourceVersion=version, timeoutSeconds=1)
    assert [event["object"]["data"] for event in events] == [{"x": "2"}]


def check_unknown_fields_are_errors(server: Server) -> None:
    namespace = server.namespace()
    path = _path(namespace, "configmaps", "a")
    answer = _apply(server, path, _map(x="1") | {"bogus": 1})
    assert answer.status == 500
    assert answer.json["message"].endswith(".bogus: field not declared in schema")
    body = _map() | {"bogus": 1, "metadata": {"name": "a"}}
    maps = path.rpartition("/")[0]
    strict = status(server.admin.send("POST", maps, body=body, query={"fieldValidation": "Strict"}), 400, "BadRequest")
    assert strict["message"].endswith('strict decoding error: unknown field "bogus"')
    assert server.admin.send("POST", maps, body=body).status == 201
