"""What is left when the server has forgotten its history: 410, as a status and inside a stream."""

from tests.contracts.checks.errors import status
from tests.contracts.checks.lists import names
from tests.contracts.servers import Server


def check_expired_positions(server: Server) -> None:
    """One check for all three, because a real server is restarted for it."""
    namespace = server.namespace()
    path = f"/api/v1/namespaces/{namespace}/pods"
    server.pods(namespace, "a", "b", "c")
    first = server.reader.get(path, limit=1).json["metadata"]
    server.delete(namespace, "b")
    server.expire_history()
    server.pods(namespace, "d")

    body = status(server.reader.get(path, limit=1, **{"continue": first["continue"]}), 410, "Expired")
    fresh = body["metadata"]["continue"]
    assert names(server.reader.get(path, **{"continue": fresh})) == ["c", "d"]

    query = {"resourceVersion": first["resourceVersion"], "resourceVersionMatch": "Exact"}
    status(server.reader.get(path, **query), 410, "Expired")

    (event,) = server.reader.watch(path, resourceVersion=first["resourceVersion"], timeoutSeconds=1)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")

    assert names(server.reader.get(path)) == ["a", "c", "d"]
