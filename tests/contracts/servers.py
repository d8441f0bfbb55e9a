"""The servers that keep the contract, behind one face: who asks them, and how objects get into them."""

import abc
import uuid
from collections.abc import Mapping
from typing import Any

from tests.contracts import objects
from tests.contracts.client import Body, Client
from tests.fakes.simulator import Simulator
from tests.testbed import control_plane

RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]
# The rights of the reader on both sides: the tier "read". Secrets are not in it.
RULES: tuple[Body, ...] = (
    {
        "apiGroups": [""],
        "resources": [
            "namespaces",
            "nodes",
            "pods",
            "services",
            "persistentvolumeclaims",
            "persistentvolumes",
            "resourcequotas",
            "serviceaccounts",
            "limitranges",
            "events",
        ],
        "verbs": READ,
    },
    {
        "apiGroups": ["apps"],
        "resources": ["deployments", "statefulsets", "daemonsets", "replicasets"],
        "verbs": READ,
    },
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": READ},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["rolebindings", "clusterrolebindings", "roles", "clusterroles"],
        "verbs": READ,
    },
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies", "ingresses"], "verbs": READ},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": READ},
    {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": READ},
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": READ},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    {"apiGroups": ["metrics.k8s.io"], "resources": ["*"], "verbs": READ},
)


class Server(abc.ABC):
    """`user` is the reader's name as the server knows it."""

    user: str
    reader: Client
    admin: Client
    anonymous: Client
    stranger: Client

    def _face(self, address: str, authority: str, *, reader: str, admin: str) -> None:
        self.reader = Client(address, authority, reader)
        self.admin = Client(address, authority, admin)
        self.anonymous = Client(address, authority)
        self.stranger = Client(address, authority, "a-token-nobody-has")

    def namespace(self) -> str:
        """A new one for the check alone."""
        name = f"contract-{uuid.uuid4().hex[:10]}"
        self.create("namespaces", objects.namespace(name))
        return name

    def account(self, namespace: str, *rules: Body) -> Client:
        """A new service account, as itself by a token of its own, that may do this in the namespace."""
        name = f"account-{uuid.uuid4().hex[:8]}"
        rbac = f"/apis/{RBAC}/v1/namespaces/{namespace}"
        core = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        reference = {"apiGroup": RBAC, "kind": "Role", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        self.make(core, {"metadata": {"name": name}})
        self.make(f"{rbac}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        self.make(f"{rbac}/rolebindings", {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]})
        token = self.make(f"{core}/{name}/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]
        return Client(self.admin.address, self.admin.authority, token)

    def make(self, path: str, body: Body) -> Body:
        """Creates as the administrator, through the API."""
        answer = self.admin.send("POST", path, body=body)
        assert answer.status == 201, answer.content
        made: Body = answer.json
        return made

    def pods(self, namespace: str, *names: str, **fields: Any) -> None:
        for name in names:
            self.create("pods", objects.pod(namespace, name, **fields))

    @abc.abstractmethod
    def create(self, resource: str, body: Body) -> None: ...

    @abc.abstractmethod
    def relabel(self, namespace: str, pod: str, labels: Mapping[str, str | None]) -> None:
        """Sets labels of a pod; None removes one."""

    @abc.abstractmethod
    def delete(self, namespace: str, pod: str) -> None:
        """Removes a pod at once."""

    @abc.abstractmethod
    def expire_history(self) -> None:
        """Earlier positions and continue tokens get 410 from now on."""


class SimulatorServer(Server):
    """A simulated cluster; `address` may be that of a proxy before it."""

    def __init__(self, simulator: Simulator, slug: str, *, address: str = "") -> None:
        self._simulator = simulator
        self._slug = slug
        self.user = "system:serviceaccount:default:contract-reader"
        if not address:
            simulator.load(slug, user=self.user, token="contract-reader", admin_token="contract-admin")
        listed = next(cluster for cluster in simulator.clusters() if cluster["slug"] == slug)
        authority = "" if address else (simulator.folder(slug) / "ca.crt").read_text()
        self._face(address or listed["server"], authority, reader="contract-reader", admin="contract-admin")

    def behind(self, address: str) -> "SimulatorServer":
        """The same cluster, spoken to through a proxy."""
        return SimulatorServer(self._simulator, self._slug, address=address)

    def create(self, resource: str, body: Body) -> None:
        self._simulator.put(self._slug, resource, body)

    def relabel(self, namespace: str, pod: str, labels: Mapping[str, str | None]) -> None:
        self._simulator.put(self._slug, "pods", objects.pod(namespace, pod, labels=labels))

    def delete(self, namespace: str, pod: str) -> None:
        self._simulator.delete(self._slug, "pods", pod, namespace=namespace)

    def expire_history(self) -> None:
        self._simulator.compact(self._slug)


class RealServer(Server):
    """A kube-apiserver alone, seeded through its own API."""

    def __init__(self, cluster: control_plane.Cluster) -> None:
        self._cluster = cluster
        reader = cluster.account("contract-reader", rules=RULES)
        admin = cluster.account("contract-admin", role="cluster-admin")
        self.user = reader.user
        self._face(cluster.server, cluster.ca.decode(), reader=reader.token, admin=admin.token)

    def create(self, resource: str, body: Body) -> None:
        plural, _, group = resource.partition(".")
        version = body["apiVersion"].rpartition("/")[2]
        base = f"/apis/{group}/{version}" if group else f"/api/{version}"
        namespace = body["metadata"].get("namespace")
        path = f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"
        answer = self.admin.send("POST", path, body=body)
        assert answer.status == 201, answer.content

    def relabel(self, namespace: str, pod: str, labels: Mapping[str, str | None]) -> None:
        answer = self.admin.send(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/pods/{pod}",
            body={"metadata": {"labels": dict(labels)}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert answer.status == 200, answer.content

    def delete(self, namespace: str, pod: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        answer = self.admin.send("DELETE", path, query={"gracePeriodSeconds": 0})
        assert answer.status == 200, answer.content

    def expire_history(self) -> None:
        self._cluster.expire_history()
