"""Rights given inside the cluster: by bindings, to accounts, people and groups; and never more than one holds."""

from tests.contracts.checks import waiting
from tests.contracts.checks.errors import status
from tests.contracts.client import Answer, Body, Client
from tests.contracts.servers import RBAC, Server

READ_MAPS: Body = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
REVIEWS = "/apis/authorization.k8s.io/v1"


def _maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def _bindings(namespace: str) -> str:
    return f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings"


def _binding(name: str, role: str, *subjects: Body, kind: str = "Role") -> Body:
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    return {"metadata": {"name": name}, "roleRef": reference, "subjects": list(subjects)}


def _role(server: Server, namespace: str, name: str, *rules: Body) -> None:
    server.make(f"/apis/{RBAC}/v1/namespaces/{namespace}/roles", {"metadata": {"name": name}, "rules": list(rules)})


def _as(client: Client, path: str, user: str, group: str = "") -> Answer:
    headers = {"Impersonate-User": user} | ({"Impersonate-Group": group} if group else {})
    return client.send("GET", path, headers=headers)


def _until(client: Client, path: str, code: int) -> None:
    """Bindings reach the authorizer a moment after they are written."""
    waiting.until(lambda: client.get(path).status == code, f"{path} answers {code}")


def check_an_account_may_what_its_binding_says_and_there_alone(server: Server) -> None:
    namespace, other = server.namespace(), server.namespace()
    account = server.account(namespace, READ_MAPS)
    _until(account, _maps(namespace), 200)
    status(account.get(_maps(other)), 403, "Forbidden")
    status(account.get("/api/v1/configmaps"), 403, "Forbidden")
    body = status(account.send("POST", _maps(namespace), body={"metadata": {"name": "a"}}), 403, "Forbidden")
    assert body["message"].endswith(
        f'cannot create resource "configmaps" in API group "" in the namespace "{namespace}"'
    )


def check_a_binding_that_goes_takes_its_rights_along(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS)
    _until(account, _maps(namespace), 200)
    (binding,) = server.admin.get(_bindings(namespace)).json["items"]
    server.admin.send("DELETE", f"{_bindings(namespace)}/{binding['metadata']['name']}")
    _until(account, _maps(namespace), 403)


def check_a_group_is_its_members(server: Server) -> None:
    namespace = server.namespace()
    _role(server, namespace, "reader", READ_MAPS)
    group = {"kind": "Group", "name": "people of the project"}
    made = server.make(_bindings(namespace), _binding("readers", "reader", group))
    assert made["subjects"] == [group | {"apiGroup": RBAC}]
    waiting.until(
        lambda: _as(server.admin, _maps(namespace), "somebody", "people of the project").status == 200,
        "the group reads",
    )
    refused = _as(server.admin, _maps(namespace), "somebody", "other people")
    assert 'User "somebody" cannot list' in status(refused, 403, "Forbidden")["message"]


def check_a_person_is_bound_by_name(server: Server) -> None:
    namespace = server.namespace()
    _role(server, namespace, "reader", READ_MAPS)
    server.make(_bindings(namespace), _binding("readers", "reader", {"kind": "User", "name": "anna@example.test"}))
    waiting.until(lambda: _as(server.admin, _maps(namespace), "anna@example.test").status == 200, "anna reads")
    status(_as(server.admin, _maps(namespace), "Anna@example.test"), 403, "Forbidden")


def check_impersonation_needs_a_right(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS)
    _until(account, _maps(namespace), 200)
    body = status(_as(account, _maps(namespace), "admin", "system:masters"), 403, "Forbidden")
    assert "impersonate" in body["message"]
    answer = server.admin.send("GET", _maps(namespace), headers={"Impersonate-Group": "people"})
    status(answer, 400, "BadRequest")


def check_the_group_of_administrators_may_all(server: Server) -> None:
    assert _as(server.admin, "/api/v1/secrets", "somebody", "system:masters").status == 200


def check_a_right_by_name_is_for_that_name(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS | {"resourceNames": ["mine"], "verbs": ["get"]})
    server.make(_maps(namespace), {"metadata": {"name": "mine"}})
    _until(account, f"{_maps(namespace)}/mine", 200)
    status(account.get(f"{_maps(namespace)}/yours"), 403, "Forbidden")
    status(account.get(_maps(namespace)), 403, "Forbidden")


def check_apply_needs_the_right_to_make(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS | {"verbs": ["get", "patch"]})
    server.make(_maps(namespace), {"metadata": {"name": "there"}})
    _until(account, f"{_maps(namespace)}/there", 200)
    for name, code in (("there", 200), ("missing", 403)):
        answer = account.send(
            "PATCH",
            f"{_maps(namespace)}/{name}",
            body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}},
            query={"fieldManager": "paddock"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert answer.status == code, answer.content
    assert 'cannot create resource "configmaps"' in answer.json["message"]


def check_nobody_gives_more_than_they_hold(server: Server) -> None:
    namespace = server.namespace()
    _role(server, namespace, "reader", READ_MAPS)
    _role(server, namespace, "keeper", READ_MAPS | {"resources": ["secrets"]})
    _role(server, namespace, "named", READ_MAPS | {"resources": ["secrets"]})
    bind = {"apiGroups": [RBAC], "resources": ["roles"], "resourceNames": ["named"], "verbs": ["bind"]}
    write = {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["get", "list", "create"]}
    account = server.account(namespace, READ_MAPS, bind, write)
    _until(account, _bindings(namespace), 200)
    subject = {"kind": "Group", "name": "people"}
    for role, code in (("reader", 201), ("named", 201), ("keeper", 403), ("missing", 404)):
        answer = account.send("POST", _bindings(namespace), body=_binding(f"to-{role}", role, subject))
        assert answer.status == code, (role, answer.content)
        if code == 403:
            assert "is attempting to grant RBAC permissions not currently held" in answer.json["message"]
    roles = _bindings(namespace).replace("rolebindings", "roles")
    for rule, code in ((READ_MAPS, 201), (READ_MAPS | {"verbs": ["*"]}, 403)):
        answer = account.send("POST", roles, body={"metadata": {"name": f"role-{code}"}, "rules": [rule]})
        assert answer.status == code, answer.content


def check_a_binding_keeps_its_role(server: Server) -> None:
    namespace = server.namespace()
    server.make(_bindings(namespace), _binding("a", "view", kind="ClusterRole"))
    patch = {"roleRef": {"name": "edit"}}
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = server.admin.send("PATCH", f"{_bindings(namespace)}/a", body=patch, headers=headers)
    body = status(answer, 422, "Invalid")
    assert [cause["field"] for cause in body["details"]["causes"]] == ["roleRef"]


def check_subjects_are_checked(server: Server) -> None:
    namespace = server.namespace()
    answer = server.admin.send("POST", _bindings(namespace), body=_binding("a", "view", {"kind": "Team", "name": "x"}))
    body = status(answer, 422, "Invalid")
    assert [cause["field"] for cause in body["details"]["causes"]] == ["subjects[0].kind"]


def check_reviews_know_the_bindings(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS, READ_MAPS | {"resources": ["pods/log"], "resourceNames": ["a"]})
    _until(account, _maps(namespace), 200)
    asked = {
        ("list", "configmaps", "", "", namespace): True,
        ("delete", "configmaps", "", "", namespace): False,
        ("list", "configmaps", "", "", ""): False,
        ("get", "pods", "log", "a", namespace): True,
        ("get", "pods", "log", "b", namespace): False,
    }
    for (verb, resource, subresource, name, where), allowed in asked.items():
        attributes = {"verb": verb, "resource": resource, "subresource": subresource, "name": name, "namespace": where}
        body = {"spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}}}
        answer = account.send("POST", f"{REVIEWS}/selfsubjectaccessreviews", body=body)
        assert (answer.status, answer.json["status"]["allowed"]) == (201, allowed), attributes
    told = account.send("POST", f"{REVIEWS}/selfsubjectrulesreviews", body={"spec": {"namespace": namespace}}).json
    assert READ_MAPS in told["status"]["resourceRules"]
    assert any(rule.get("resourceNames") == ["a"] for rule in told["status"]["resourceRules"])


def check_a_token_is_bounded(server: Server) -> None:
    namespace = server.namespace()
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    server.make(accounts, {"metadata": {"name": "a"}})
    review = server.make(f"{accounts}/a/token", {"spec": {"expirationSeconds": 600}})
    assert review["kind"] == "TokenRequest"
    assert review["status"]["expirationTimestamp"].endswith("Z")
    answer = server.admin.send("POST", f"{accounts}/a/token", body={"spec": {"expirationSeconds": 5}})
    body = status(answer, 422, "Invalid")
    assert [cause["field"] for cause in body["details"]["causes"]] == ["spec.expirationSeconds"]
    answer = server.admin.send("POST", f"{accounts}/missing/token", body={"spec": {}})
    assert status(answer, 404, "NotFound")["details"] == {"name": "missing", "kind": "serviceaccounts"}


def check_a_token_dies_with_its_account(server: Server) -> None:
    namespace = server.namespace()
    account = server.account(namespace, READ_MAPS)
    _until(account, _maps(namespace), 200)
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    names = [item["metadata"]["name"] for item in server.admin.get(accounts).json["items"]]
    (name,) = [name for name in names if name.startswith("account-")]
    server.admin.send("DELETE", f"{accounts}/{name}")
    _until(account, _maps(namespace), 401)
    server.make(accounts, {"metadata": {"name": name}})
    status(account.get(_maps(namespace)), 401, "Unauthorized")
