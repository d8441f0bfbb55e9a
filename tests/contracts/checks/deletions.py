"""Ends of objects: what goes with them, what holds them, and namespaces that go down. Needs controllers."""

from tests.contracts.checks import waiting
from tests.contracts.checks.errors import status
from tests.contracts.client import Body
from tests.contracts.servers import Server

MERGE = {"Content-Type": "application/merge-patch+json"}


def _maps(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def _owned(name: str, *owners: Body) -> Body:
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": each["metadata"]["name"], "uid": each["metadata"]["uid"]}
        | {"blockOwnerDeletion": True}
        for each in owners
    ]
    return {"metadata": {"name": name, "ownerReferences": references}}


def _gone(server: Server, path: str) -> None:
    waiting.until(lambda: server.admin.get(path).status == 404, f"{path} goes")


def _family(server: Server, namespace: str) -> None:
    parent = server.make(_maps(namespace), {"metadata": {"name": "parent"}})
    child = server.make(_maps(namespace), _owned("child", parent))
    server.make(_maps(namespace), _owned("grandchild", child))


def _delete(server: Server, path: str, policy: str) -> Body:
    answer = server.admin.send("DELETE", path, body={"propagationPolicy": policy})
    assert answer.status == 200, answer.content
    body: Body = answer.json
    return body


def check_background(server: Server) -> None:
    namespace = server.namespace()
    _family(server, namespace)
    assert _delete(server, _maps(namespace, "parent"), "Background")["status"] == "Success"
    for name in ("parent", "child", "grandchild"):
        _gone(server, _maps(namespace, name))


def check_foreground(server: Server) -> None:
    namespace = server.namespace()
    _family(server, namespace)
    held = _owned("held", server.admin.get(_maps(namespace, "parent")).json)
    held["metadata"]["finalizers"] = ["example.test/hold"]
    server.make(_maps(namespace), held)
    metadata = _delete(server, _maps(namespace, "parent"), "Foreground")["metadata"]
    assert metadata["finalizers"] == ["foregroundDeletion"]
    assert metadata["deletionTimestamp"]
    for name in ("child", "grandchild"):
        _gone(server, _maps(namespace, name))
    # The parent waits for what holds it.
    assert server.admin.get(_maps(namespace, "parent")).status == 200
    patch = {"metadata": {"finalizers": None}}
    server.admin.send("PATCH", _maps(namespace, "held"), body=patch, headers=MERGE)
    for name in ("held", "parent"):
        _gone(server, _maps(namespace, name))


def check_orphans(server: Server) -> None:
    namespace = server.namespace()
    _family(server, namespace)
    assert _delete(server, _maps(namespace, "parent"), "Orphan")["metadata"]["finalizers"] == ["orphan"]
    _gone(server, _maps(namespace, "parent"))
    child = server.admin.get(_maps(namespace, "child")).json
    assert "ownerReferences" not in child["metadata"]
    assert server.admin.get(_maps(namespace, "grandchild")).status == 200


def check_the_last_owner_counts(server: Server) -> None:
    namespace = server.namespace()
    owners = [server.make(_maps(namespace), {"metadata": {"name": name}}) for name in ("one", "two")]
    server.make(_maps(namespace), _owned("child", *owners))
    _delete(server, _maps(namespace, "one"), "Background")
    child = waiting.until(
        lambda: _with_owners(server, namespace, ["two"]),
        "the child has one owner left",
    )
    assert child["metadata"]["uid"]
    _delete(server, _maps(namespace, "two"), "Background")
    _gone(server, _maps(namespace, "child"))


def _with_owners(server: Server, namespace: str, names: list[str]) -> Body | None:
    child: Body = server.admin.get(_maps(namespace, "child")).json
    found = [each["name"] for each in child["metadata"].get("ownerReferences", ())]
    return child if found == names else None


def check_preconditions(server: Server) -> None:
    namespace = server.namespace()
    made = server.make(_maps(namespace), {"metadata": {"name": "a"}})["metadata"]
    for condition in ({"uid": "00000000-0000-4000-8000-000000000000"}, {"resourceVersion": "1"}):
        answer = server.admin.send("DELETE", _maps(namespace, "a"), body={"preconditions": condition})
        body = status(answer, 409, "Conflict")
        assert "in the precondition" in body["message"]
    condition = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    assert server.admin.send("DELETE", _maps(namespace, "a"), body={"preconditions": condition}).status == 200


def check_no_finalizer_is_added_to_what_goes(server: Server) -> None:
    namespace = server.namespace()
    server.make(_maps(namespace), {"metadata": {"name": "a", "finalizers": ["example.test/one"]}})
    _delete(server, _maps(namespace, "a"), "Background")
    patch = {"metadata": {"finalizers": ["example.test/one", "example.test/two"]}}
    body = status(server.admin.send("PATCH", _maps(namespace, "a"), body=patch, headers=MERGE), 422, "Invalid")
    assert body["details"]["causes"][0]["field"] == "metadata.finalizers"
    body = status(server.admin.send("POST", _maps(namespace), body={"metadata": {"name": "a"}}), 409, "AlreadyExists")
    assert body["message"] == 'object is being deleted: configmaps "a" already exists'


def check_a_namespace_goes_down_with_its_contents(server: Server) -> None:
    namespace = server.namespace()
    server.make(_maps(namespace), {"metadata": {"name": "free"}})
    server.make(_maps(namespace), {"metadata": {"name": "held", "finalizers": ["example.test/hold"]}})
    path = f"/api/v1/namespaces/{namespace}"
    first = server.admin.send("DELETE", path)
    assert (first.status, first.json["status"]["phase"]) == (200, "Terminating")
    assert first.json["metadata"]["deletionTimestamp"]
    _gone(server, _maps(namespace, "free"))
    for answer in (
        server.admin.send("POST", _maps(namespace), body={"metadata": {"name": "new"}}),
        server.admin.send(
            "PATCH",
            _maps(namespace, "new"),
            body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}},
            query={"fieldManager": "paddock"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        ),
    ):
        body = status(answer, 403, "Forbidden")
        assert body["message"].endswith(
            f"unable to create new content in namespace {namespace} because it is being terminated"
        )
        assert [cause["reason"] for cause in body["details"]["causes"]] == ["NamespaceTerminating"]
    again = server.admin.send("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    status(again, 409, "AlreadyExists")
    assert server.admin.get(path).status == 200
    server.admin.send("PATCH", _maps(namespace, "held"), body={"metadata": {"finalizers": None}}, headers=MERGE)
    _gone(server, path)
    made = server.make("/api/v1/namespaces", {"metadata": {"name": namespace}})
    assert made["metadata"]["uid"] != first.json["metadata"]["uid"]
    assert made["status"] == {"phase": "Active"}
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": namespace}


def check_some_namespaces_stay(server: Server) -> None:
    for name in ("default", "kube-system"):
        body = status(server.admin.send("DELETE", f"/api/v1/namespaces/{name}"), 403, "Forbidden")
        assert body["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'


def check_a_quota_is_shown_when_it_goes(server: Server) -> None:
    namespace = server.namespace()
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    made = server.make(path, {"metadata": {"name": "a"}, "spec": {"hard": {"pods": "1"}}})
    answer = server.admin.send("DELETE", f"{path}/a")
    assert (answer.json["kind"], answer.json["metadata"]["uid"]) == ("ResourceQuota", made["metadata"]["uid"])
    assert server.admin.get(f"{path}/a").status == 404
