"""A small client of a Kubernetes API in raw JSON, so that tests see exactly what the server says."""

import dataclasses
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

# kind: (path of its group and version, plural, lives in a namespace)
KINDS: Mapping[str, tuple[str, str, bool]] = {
    "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "ConfigMap": ("api/v1", "configmaps", True),
    "CronJob": ("apis/batch/v1", "cronjobs", True),
    "CustomResourceDefinition": ("apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "DaemonSet": ("apis/apps/v1", "daemonsets", True),
    "Deployment": ("apis/apps/v1", "deployments", True),
    "Event": ("api/v1", "events", True),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "Ingress": ("apis/networking.k8s.io/v1", "ingresses", True),
    "Job": ("apis/batch/v1", "jobs", True),
    "Lease": ("apis/coordination.k8s.io/v1", "leases", True),
    "LimitRange": ("api/v1", "limitranges", True),
    "Namespace": ("api/v1", "namespaces", False),
    "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies", True),
    "Node": ("api/v1", "nodes", False),
    "PersistentVolume": ("api/v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims", True),
    "Pod": ("api/v1", "pods", True),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets", True),
    "ReplicaSet": ("apis/apps/v1", "replicasets", True),
    "ResourceQuota": ("api/v1", "resourcequotas", True),
    "Role": ("apis/rbac.authorization.k8s.io/v1", "roles", True),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "Secret": ("api/v1", "secrets", True),
    "Service": ("api/v1", "services", True),
    "ServiceAccount": ("api/v1", "serviceaccounts", True),
    "StatefulSet": ("apis/apps/v1", "statefulsets", True),
    "StorageClass": ("apis/storage.k8s.io/v1", "storageclasses", False),
}


class Refusal(Exception):
    """The server answered with an error. `body` is its Status object, {} when it sent something else."""

    def __init__(self, status: int, body: Json, text: str) -> None:
        super().__init__(f"{status} {body.get('reason', '')}: {body.get('message', text[:300])}")
        self.status = status
        self.body = body


@dataclasses.dataclass(frozen=True)
class Answer:
    """Whatever came back, errors included."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body as an object; {} when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Api:
    """One server as one user: by the client certificate in the TLS context, or by a token."""

    def __init__(self, *, server: str, tls: ssl.SSLContext, token: str = "") -> None:
        self.server = server
        self._tls = tls
        self._token = token

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        seconds: float = 30,
    ) -> Answer:
        """One request over one connection. Returns errors as answers; raises OSError when nobody answers."""
        address = urllib.parse.urlsplit(self.server)
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=seconds, context=self._tls
        )
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = content_type
        full = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        try:
            connection.request(method, full, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def ask(self, method: str, path: str, **options: Any) -> Json:
        """Like `send`, but an error is raised as Refusal."""
        answer = self.send(method, path, **options)
        if answer.status >= 400:
            raise Refusal(answer.status, answer.json(), answer.body.decode(errors="replace"))
        return answer.json()

    def create(self, thing: Json) -> Json:
        return self.ask("POST", path_of(thing["kind"], namespace=_namespace(thing)), body=thing)

    def read(self, kind: str, name: str, *, namespace: str = "") -> Json:
        return self.ask("GET", path_of(kind, name, namespace=namespace))

    def find(self, kind: str, name: str, *, namespace: str = "") -> Json | None:
        """None when it is not there."""
        answer = self.send("GET", path_of(kind, name, namespace=namespace))
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise Refusal(answer.status, answer.json(), answer.body.decode(errors="replace"))
        return answer.json()

    def items(self, kind: str, *, namespace: str = "", **query: str | int) -> list[Json]:
        """One page: all of them, unless the query holds `limit`."""
        listed: list[Json] = self.ask("GET", path_of(kind, namespace=namespace), query=query)["items"]
        return listed

    def patch(self, kind: str, name: str, change: Json, *, namespace: str = "", subresource: str = "") -> Json:
        """A merge patch: lists are replaced, null removes."""
        path = path_of(kind, name, namespace=namespace, subresource=subresource)
        return self.ask("PATCH", path, body=change, content_type="application/merge-patch+json")

    def scale(self, kind: str, name: str, replicas: int, *, namespace: str) -> Json:
        return self.patch(kind, name, {"spec": {"replicas": replicas}}, namespace=namespace)

    def delete(self, kind: str, name: str, *, namespace: str = "", **options: Any) -> Json:
        """Dependants go with it, in the background. `options` are fields of DeleteOptions."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"} | options
        return self.ask("DELETE", path_of(kind, name, namespace=namespace), body=body)


def path_of(kind: str, name: str = "", *, namespace: str = "", subresource: str = "") -> str:
    """`namespace` is ignored for kinds without one; empty means all namespaces."""
    prefix, plural, namespaced = KINDS[kind]
    inside = ["namespaces", namespace] if namespaced and namespace else []
    return "/" + "/".join([prefix, *inside, plural, *filter(None, [name, subresource])])


def wait_until(ask: Callable[[], T | None], *, within: float = 60, what: str) -> T:
    """Asks until the answer is truthy and returns it; raises TimeoutError with `what` and the last answer."""
    last = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > last:
            raise TimeoutError(f"{what}: not within {within:.0f} s, the last answer was {answer!r}")
        time.sleep(0.1)


def _namespace(thing: Json) -> str:
    return str(thing["metadata"].get("namespace", ""))
