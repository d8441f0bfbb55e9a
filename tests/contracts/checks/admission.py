"""Quotas that count and refuse, and limits that fill in and refuse. Needs controllers."""

from typing import Any

from tests.contracts import objects
from tests.contracts.checks import waiting
from tests.contracts.checks.errors import status
from tests.contracts.client import Answer, Body
from tests.contracts.servers import Server


def _core(namespace: str, resource: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/{resource}" + (f"/{name}" if name else "")


def _place(server: Server) -> str:
    """A namespace that takes pods: whole clusters refuse them until their account is there."""
    namespace = server.namespace()
    path = _core(namespace, "serviceaccounts")
    if server.admin.get(f"{path}/default").status == 404:
        server.admin.send("POST", path, body={"metadata": {"name": "default"}})
    return namespace


def _quota(server: Server, namespace: str, **hard: str) -> None:
    """Made, and counted for the first time."""
    limits = {key.replace("__", "."): value for key, value in hard.items()}
    server.make(_core(namespace, "resourcequotas"), {"metadata": {"name": "limit"}, "spec": {"hard": limits}})
    waiting.until(lambda: _used(server, namespace), "the quota is counted")


def _used(server: Server, namespace: str) -> Body:
    found: Body = server.admin.get(_core(namespace, "resourcequotas", "limit")).json.get("status", {}).get("used", {})
    return found


def _pod(server: Server, namespace: str, name: str, requests: Body | None = None, **more: Any) -> Answer:
    body = objects.pod(namespace, name)
    resources = {"requests": requests} if requests else {}
    body["spec"]["containers"][0]["resources"] = resources | more
    return server.admin.send("POST", _core(namespace, "pods"), body=body)


def check_use_is_counted(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, pods="5", requests__cpu="2", requests__memory="1Gi")
    for name in ("a", "b"):
        assert _pod(server, namespace, name, {"cpu": "600m", "memory": "64Mi"}).status == 201
    waiting.until(
        lambda: _used(server, namespace) == {"pods": "2", "requests.cpu": "1200m", "requests.memory": "128Mi"},
        "two pods are counted",
    )
    server.admin.send("DELETE", _core(namespace, "pods", "a"), query={"gracePeriodSeconds": 0})
    waiting.until(
        lambda: _used(server, namespace) == {"pods": "1", "requests.cpu": "600m", "requests.memory": "64Mi"},
        "one pod is counted",
    )


def check_what_is_too_much_is_refused_with_its_figures(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, pods="5", requests__cpu="1")
    assert _pod(server, namespace, "a", {"cpu": "600m"}).status == 201
    body = status(_pod(server, namespace, "b", {"cpu": "500m"}), 403, "Forbidden")
    assert body["message"] == (
        'pods "b" is forbidden: exceeded quota: limit, requested: requests.cpu=500m,'
        " used: requests.cpu=600m, limited: requests.cpu=1"
    )
    assert body["details"] == {"name": "b", "kind": "pods"}
    assert _pod(server, namespace, "b", {"cpu": "400m"}).status == 201


def check_several_limits_are_named_in_order(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, requests__memory="64Mi", requests__cpu="1", pods="9")
    body = status(_pod(server, namespace, "a", {"cpu": "2", "memory": "1Gi"}), 403, "Forbidden")
    assert body["message"].partition("requested: ")[2] == (
        "requests.cpu=2,requests.memory=1Gi, used: requests.cpu=0,requests.memory=0,"
        " limited: requests.cpu=1,requests.memory=64Mi"
    )


def check_a_quota_demands_what_it_counts(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, requests__cpu="1", limits__memory="1Gi")
    body = status(_pod(server, namespace, "a"), 403, "Forbidden")
    assert body["message"] == (
        'pods "a" is forbidden: failed quota: limit: must specify limits.memory for: main; requests.cpu for: main'
    )


def check_limits_count_as_requests(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, requests__cpu="1", limits__cpu="1")
    made = _pod(server, namespace, "a", limits={"cpu": "250m"})
    assert made.json["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "250m"}, "requests": {"cpu": "250m"}}
    waiting.until(
        lambda: _used(server, namespace) == {"requests.cpu": "250m", "limits.cpu": "250m"}, "the pod is counted"
    )


def check_objects_are_counted_by_kind(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, secrets="1", **{"count/secrets": "5"})
    make = _core(namespace, "secrets")
    assert server.admin.send("POST", make, body={"metadata": {"name": "a"}}).status == 201
    body = status(server.admin.send("POST", make, body={"metadata": {"name": "b"}}), 403, "Forbidden")
    assert body["message"].endswith("requested: secrets=1, used: secrets=1, limited: secrets=1")


def check_a_limit_below_use_is_taken(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, pods="2")
    for name in ("a", "b"):
        assert _pod(server, namespace, name).status == 201
    path = _core(namespace, "resourcequotas", "limit")
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = server.admin.send("PATCH", path, body={"spec": {"hard": {"pods": "1"}}}, headers=headers)
    assert answer.status == 200
    waiting.until(
        lambda: server.admin.get(path).json["status"] == {"hard": {"pods": "1"}, "used": {"pods": "2"}},
        "the lower limit is seen",
    )
    status(_pod(server, namespace, "c"), 403, "Forbidden")


def check_a_dry_run_is_not_counted(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, secrets="1")
    for name in ("a", "b"):
        query = {"dryRun": "All"}
        answer = server.admin.send("POST", _core(namespace, "secrets"), body={"metadata": {"name": name}}, query=query)
        assert answer.status == 201
    assert server.admin.send("POST", _core(namespace, "secrets"), body={"metadata": {"name": "c"}}).status == 201


def _limits(server: Server, namespace: str, **item: Body) -> Body:
    spec = {"limits": [{"type": "Container", **item}]}
    return server.make(_core(namespace, "limitranges"), {"metadata": {"name": "limits"}, "spec": spec})


def check_a_limit_range_is_completed(server: Server) -> None:
    made = _limits(server, server.namespace(), default={"memory": "8Mi"}, max={"cpu": "500m"})
    assert made["spec"]["limits"] == [
        {
            "type": "Container",
            "max": {"cpu": "500m"},
            "default": {"cpu": "500m", "memory": "8Mi"},
            "defaultRequest": {"cpu": "500m", "memory": "8Mi"},
        }
    ]


def check_containers_get_defaults(server: Server) -> None:
    namespace = _place(server)
    _limits(server, namespace, default={"cpu": "300m", "memory": "8Mi"}, defaultRequest={"cpu": "50m"})
    pods = iter(range(1000))
    made = waiting.until(lambda: _defaulted(_pod(server, namespace, f"pod-{next(pods)}")), "pods are given defaults")
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "50m", "memory": "8Mi"},
        "limits": {"cpu": "300m", "memory": "8Mi"},
    }
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main"
    )
    own = _pod(server, namespace, "own", {"cpu": "10m"}, limits={"cpu": "20m"}).json["spec"]["containers"][0]
    assert own["resources"] == {"requests": {"cpu": "10m", "memory": "8Mi"}, "limits": {"cpu": "20m", "memory": "8Mi"}}


def _defaulted(answer: Answer) -> Body | None:
    assert answer.status == 201, answer.content
    body: Body = answer.json
    return body if body["spec"]["containers"][0]["resources"] else None


def check_containers_are_held_to_bounds(server: Server) -> None:
    namespace = _place(server)
    _limits(server, namespace, max={"cpu": "500m"}, min={"cpu": "100m"})
    pods = iter(range(1000))
    answer = waiting.until(
        lambda: _refused(_pod(server, namespace, f"pod-{next(pods)}", {"cpu": "600m"}, limits={"cpu": "600m"})),
        "pods are held to bounds",
    )
    assert answer["message"].endswith("is forbidden: maximum cpu usage per Container is 500m, but limit is 600m")
    low = status(_pod(server, namespace, "low", {"cpu": "50m"}, limits={"cpu": "200m"}), 403, "Forbidden")
    assert low["message"] == 'pods "low" is forbidden: minimum cpu usage per Container is 100m, but request is 50m'


def _refused(answer: Answer) -> Body | None:
    body: Body = answer.json
    return body if answer.status == 403 else None


def check_defaults_satisfy_a_quota(server: Server) -> None:
    namespace = _place(server)
    _quota(server, namespace, requests__cpu="1")
    _limits(server, namespace, defaultRequest={"cpu": "100m"})
    pods = iter(range(1000))
    waiting.until(lambda: _pod(server, namespace, f"pod-{next(pods)}").status == 201, "defaults satisfy the quota")
