"""Status codes and the bodies that come with them."""

from tests.contracts.client import Answer, Body
from tests.contracts.servers import Server


def status(answer: Answer, code: int, reason: str) -> Body:
    """The Status body, checked for its form."""
    assert answer.status == code, answer.content
    assert answer.headers["content-type"] == "application/json"
    body: Body = answer.json
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    assert (body["code"], body["reason"]) == (code, reason)
    assert body["message"]
    return body


def check_an_unknown_token_is_unauthorized(server: Server) -> None:
    for path in ("/api/v1/pods", "/version", "/apis"):
        body = status(server.stranger.get(path), 401, "Unauthorized")
        assert body["message"] == "Unauthorized"


def check_nobody_is_forbidden(server: Server) -> None:
    body = status(server.anonymous.get("/api/v1/pods"), 403, "Forbidden")
    assert "system:anonymous" in body["message"]


def check_a_forbidden_list_names_who_and_what(server: Server) -> None:
    body = status(server.reader.get("/api/v1/secrets"), 403, "Forbidden")
    assert body["details"] == {"kind": "secrets"}
    assert body["message"] == (
        f'secrets is forbidden: User "{server.user}" cannot list resource "secrets" in API group ""'
        " at the cluster scope"
    )


def check_a_forbidden_object_names_its_namespace(server: Server) -> None:
    body = status(server.reader.get("/api/v1/namespaces/default/secrets/a"), 403, "Forbidden")
    assert body["details"] == {"name": "a", "kind": "secrets"}
    assert body["message"].endswith('cannot get resource "secrets" in API group "" in the namespace "default"')


def check_a_forbidden_watch(server: Server) -> None:
    answer = server.reader.get("/api/v1/secrets", watch=1, timeoutSeconds=1)
    assert 'cannot watch resource "secrets"' in status(answer, 403, "Forbidden")["message"]


def check_a_forbidden_write(server: Server) -> None:
    body: Body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    answer = server.reader.send("POST", "/api/v1/namespaces/default/pods", body=body)
    assert 'cannot create resource "pods"' in status(answer, 403, "Forbidden")["message"]
    answer = server.reader.send("DELETE", "/api/v1/namespaces/default/pods/a")
    assert 'cannot delete resource "pods"' in status(answer, 403, "Forbidden")["message"]


def check_a_forbidden_path(server: Server) -> None:
    body = status(server.reader.get("/metrics"), 403, "Forbidden")
    assert body["message"] == f'forbidden: User "{server.user}" cannot get path "/metrics"'


def check_an_unknown_resource_is_forbidden_to_who_may_not_read_all(server: Server) -> None:
    status(server.reader.get("/api/v1/widgets"), 403, "Forbidden")


def check_an_unknown_resource_is_not_found(server: Server) -> None:
    body = status(server.admin.get("/api/v1/widgets"), 404, "NotFound")
    assert body["message"] == "the server could not find the requested resource"


def check_a_missing_object(server: Server) -> None:
    body = status(server.reader.get("/api/v1/namespaces/default/pods/missing"), 404, "NotFound")
    assert body["message"] == 'pods "missing" not found'
    assert body["details"] == {"name": "missing", "kind": "pods"}


def check_a_missing_object_in_a_group(server: Server) -> None:
    path = "/apis/apps/v1/namespaces/nowhere/deployments/missing"
    body = status(server.reader.get(path), 404, "NotFound")
    assert body["message"] == 'deployments.apps "missing" not found'
    assert body["details"] == {"name": "missing", "group": "apps", "kind": "deployments"}


def check_a_missing_namespace(server: Server) -> None:
    body = status(server.reader.get("/api/v1/namespaces/missing"), 404, "NotFound")
    assert body["details"] == {"name": "missing", "kind": "namespaces"}


def check_a_method_that_does_not_exist(server: Server) -> None:
    answer = server.admin.send("POST", "/api/v1/namespaces/default/pods/a", body={})
    body = status(answer, 405, "MethodNotAllowed")
    assert body["message"] == "the server does not allow this method on the requested resource"
    status(server.admin.send("PUT", "/api/v1/namespaces/default/pods", body={}), 405, "MethodNotAllowed")


def check_a_format_that_does_not_exist(server: Server) -> None:
    answer = server.reader.get("/api/v1/pods", accept="text/html")
    assert (answer.status, answer.json["reason"]) == (406, "NotAcceptable")


def check_a_path_is_only_read(server: Server) -> None:
    body = status(server.reader.send("POST", "/version"), 403, "Forbidden")
    assert body["message"] == f'forbidden: User "{server.user}" cannot post path "/version"'
    status(server.admin.send("POST", "/version"), 405, "MethodNotAllowed")


def check_a_limit_that_is_no_number(server: Server) -> None:
    status(server.reader.get("/api/v1/pods", limit="many"), 400, "BadRequest")


def check_a_success_says_json(server: Server) -> None:
    for path in ("/version", "/api", "/apis", "/api/v1", "/api/v1/pods", "/api/v1/namespaces/default"):
        assert server.reader.get(path).headers["content-type"] == "application/json", path
