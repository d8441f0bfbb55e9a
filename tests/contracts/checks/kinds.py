"""Kinds whose fields stand beside spec and status, and all others of the tier "read": listed and read as written."""

import uuid
from typing import Any

from tests.clusters.kube import kinds
from tests.contracts.client import Body
from tests.contracts.servers import Server


def _path(resource: str, body: Body, *, namespace: str = "") -> str:
    plural, _, group = resource.partition(".")
    base = f"/apis/{body['apiVersion']}" if group else f"/api/{body['apiVersion']}"
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


def _holds(found: Any, given: Any) -> bool:
    """Tell whether what was given is in what was found: a server may add to objects, never to lists."""
    if isinstance(given, dict):
        return isinstance(found, dict) and all(name in found and _holds(found[name], given[name]) for name in given)
    if isinstance(given, list):
        return len(found) == len(given) and all(map(_holds, found, given))
    return bool(found == given)


def _read_back(server: Server, resource: str, body: Body, namespace: str) -> None:
    server.create(resource, body)
    name = body["metadata"]["name"]
    path = _path(resource, body, namespace=namespace)
    one = server.reader.get(f"{path}/{name}").json
    assert (one["kind"], one["apiVersion"]) == (body["kind"], body["apiVersion"]), resource
    assert _holds(one, {key: part for key, part in body.items() if key != "status"}), resource
    everywhere = server.reader.get(_path(resource, body)).json
    assert everywhere["kind"] == f"{body['kind']}List", resource
    (item,) = [each for each in everywhere["items"] if each["metadata"]["uid"] == one["metadata"]["uid"]]
    assert "kind" not in item, resource
    assert _holds(item, {key: part for key, part in body.items() if key not in ("kind", "apiVersion")}), resource


def check_kinds_of_a_namespace_are_read_as_written(server: Server) -> None:
    namespace = server.namespace()
    for resource, make in kinds.NAMESPACED.items():
        _read_back(server, resource, make("one", namespace), namespace)


def check_kinds_of_the_cluster_are_read_as_written(server: Server) -> None:
    for resource, make in kinds.CLUSTER_WIDE.items():
        name = f"contract{uuid.uuid4().hex[:8]}s"
        _read_back(server, resource, make(name), "")


def check_events_are_selected_by_what_they_are_about(server: Server) -> None:
    namespace = server.namespace()
    server.create("events", kinds.occurrence("first", namespace, about="web"))
    server.create("events", kinds.occurrence("second", namespace, about="api"))
    path = f"/api/v1/namespaces/{namespace}/events"
    for selector, names in {
        "involvedObject.name=api": ["second"],
        "involvedObject.kind=ReplicaSet,type=Warning": ["first", "second"],
        "reason!=FailedCreate": [],
        "source=replicaset-controller": ["first", "second"],
    }.items():
        listed = server.reader.get(path, fieldSelector=selector).json
        assert [item["metadata"]["name"] for item in listed["items"]] == names, selector
