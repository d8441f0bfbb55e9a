"""Access reviews: what a caller may do, asked of the server itself."""

from typing import Any

from tests.contracts.checks.errors import status
from tests.contracts.client import Answer, Body, Client
from tests.contracts.servers import Server

BASE = "/apis/authorization.k8s.io/v1"


def _review(client: Client, spec: Body, kind: str = "SelfSubjectAccessReview") -> Answer:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
    return client.send("POST", f"{BASE}/{kind.lower()}s", body=body)


def _allowed(client: Client, **attributes: Any) -> bool:
    answer = _review(client, {"resourceAttributes": attributes})
    assert answer.status == 201, answer.content
    assert answer.json["kind"] == "SelfSubjectAccessReview"
    assert answer.json["spec"]["resourceAttributes"] == attributes
    allowed: bool = answer.json["status"]["allowed"]
    return allowed


def check_allowed(server: Server) -> None:
    for verb in ("get", "list", "watch"):
        assert _allowed(server.reader, verb=verb, resource="pods")
        assert _allowed(server.reader, verb=verb, group="apps", resource="deployments", namespace="default")


def check_denied(server: Server) -> None:
    assert not _allowed(server.reader, verb="list", resource="secrets")
    assert not _allowed(server.reader, verb="create", resource="pods", namespace="default")
    assert not _allowed(server.reader, verb="list", resource="deployments")
    assert not _allowed(server.reader, verb="*", group="*", resource="*")


def check_a_group_that_is_not_installed_may_be_allowed(server: Server) -> None:
    assert _allowed(server.reader, verb="list", group="metrics.k8s.io", resource="pods")


def check_an_administrator(server: Server) -> None:
    assert _allowed(server.admin, verb="*", group="*", resource="*")


def check_paths(server: Server) -> None:
    for path, expected in (("/version", True), ("/metrics", False)):
        answer = _review(server.reader, {"nonResourceAttributes": {"path": path, "verb": "get"}})
        assert (answer.status, answer.json["status"]["allowed"]) == (201, expected), path


def check_an_empty_review_is_invalid(server: Server) -> None:
    status(_review(server.reader, {}), 422, "Invalid")


def check_a_review_is_not_listed(server: Server) -> None:
    status(server.admin.get(f"{BASE}/selfsubjectaccessreviews"), 405, "MethodNotAllowed")


def check_nobody_may_ask(server: Server) -> None:
    status(_review(server.anonymous, {"resourceAttributes": {"verb": "list"}}), 403, "Forbidden")


def check_rules(server: Server) -> None:
    answer = _review(server.reader, {"namespace": "default"}, "SelfSubjectRulesReview")
    assert answer.status == 201, answer.content
    found = answer.json["status"]
    assert found["incomplete"] is False
    granted = {
        (verb, group, resource)
        for rule in found["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert {("list", "", "pods"), ("watch", "apps", "deployments"), ("get", "batch", "jobs")} <= granted
    assert not any(resource == "secrets" for _, _, resource in granted)


def check_rules_need_a_namespace(server: Server) -> None:
    status(_review(server.reader, {}, "SelfSubjectRulesReview"), 400, "BadRequest")
