"""Two real clusters of the test bed with nodes, Deployments and a volume, made through their API."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import yaml

from tests.e2e.arithmetic import GIB, Thing
from tests.testbed import accounts, api, control_plane, kubeconfig, objects

MIB = 2**20
# Keeps its pods on its nodes: other tests share the clusters.
MARK = {"e2e": "yes"}
GRACE_SECONDS = 1
STORAGE = "standard"
VOLUME_GIB = 20


@dataclass(frozen=True)
class Workload:
    """A Deployment to be; sizes of each pod in millicores and MiB."""

    namespace: str
    name: str
    replicas: int
    cpu_m: int
    memory_mib: int

    def body(self) -> api.Json:
        sizes = objects.container(cpu=f"{self.cpu_m}m", memory=f"{self.memory_mib}Mi")
        spec = objects.pod_spec(containers=[sizes]) | {
            "nodeSelector": MARK,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
        }
        return objects.deployment(self.name, self.namespace, replicas=self.replicas, spec=spec)


class RealCluster:
    """One cluster of the bed, and what the test made in it."""

    def __init__(self, cluster: control_plane.Cluster, *, machine: str, cores: int, memory_gib: int) -> None:
        self.cluster = cluster
        self.machine = machine
        self.cores, self.memory_gib = cores, memory_gib
        self.workloads: dict[tuple[str, str], Workload] = {}
        # Of pods that are gone, as their deletion told of them.
        self._gone: list[api.Json] = []
        self._volumes: list[Thing] = []
        self._last: list[Thing] = []

    @property
    def name(self) -> str:
        """What it is called in Paddock too."""
        return f"e2e-{self.cluster.name}"

    def add_nodes(self, count: int) -> None:
        for number in range(count):
            node = objects.node(
                f"{self.name}-{number}",
                instance_type=self.machine,
                cpu=str(self.cores),
                memory=f"{self.memory_gib}Gi",
                labels=MARK,
            )
            self.cluster.api.create(node)

    def add_namespaces(self, *names: str) -> None:
        for name in names:
            self.cluster.api.create(objects.namespace(name))

    def deploy(self, *workloads: Workload) -> None:
        """Create Deployments and wait until all their pods run."""
        for workload in workloads:
            self.cluster.api.create(workload.body())
            self.workloads[workload.namespace, workload.name] = workload
        api.wait_until(self._all_run, within=60, what="the pods to run")

    def add_volume(self, namespace: str, name: str) -> None:
        """A volume with the claim it is bound to."""
        size = f"{VOLUME_GIB}Gi"
        self.cluster.api.create(
            objects.persistent_volume(name, size=size, storage_class=STORAGE, claim=(namespace, name))
        )
        claim = objects.persistent_volume_claim(name, namespace, size=size, storage_class=STORAGE, volume=name)
        self.cluster.api.create(claim)

        def bound() -> api.Json | None:
            found = self.cluster.api.read("PersistentVolume", name)
            return found if found["status"].get("phase") == "Bound" else None

        found = api.wait_until(bound, within=60, what="the volume to be bound")
        created = instant(found["metadata"]["creationTimestamp"])
        self._volumes.append(Thing(self.name, namespace, STORAGE, created, None, storage=VOLUME_GIB * GIB))

    def delete(self, namespace: str, name: str) -> None:
        """Delete a Deployment, wait until its pods are gone, and keep what their deletion said."""
        path = api.path_of("Pod", namespace=namespace)
        before = self.cluster.api.ask("GET", path)["metadata"]["resourceVersion"]
        self.cluster.api.delete("Deployment", name, namespace=namespace)
        api.wait_until(lambda: not self._pods(namespace, name), within=60, what="the pods to go")
        query: dict[str, str | int] = {"watch": 1, "resourceVersion": before, "timeoutSeconds": 2}
        told = self.cluster.api.send("GET", path, query=query).body.decode().splitlines()
        events = [json.loads(line) for line in told]
        gone = [event["object"] for event in events if event["type"] == "DELETED"]
        self._gone += [pod for pod in gone if pod["metadata"]["labels"].get("app") == name]
        assert len(self._gone) >= self.workloads[namespace, name].replicas

    def kubeconfig(self, manifest: str) -> str:
        """Apply the manifest of the tier "read" and return a kubeconfig of its account, by token."""
        for document in yaml.safe_load_all(manifest):
            self.cluster.api.create(document)
        token = accounts.token(self.cluster.api, "paddock-read", namespace="paddock-system")
        return kubeconfig.with_token(name=self.name, server=self.cluster.server, authority=self.cluster.ca, token=token)

    def born(self, namespace: str) -> datetime:
        """When a namespace was made."""
        return instant(self.cluster.api.read("Namespace", namespace)["metadata"]["creationTimestamp"])

    def things(self) -> list[Thing]:
        """Everything charged that is, or was, in its namespaces; of a cluster switched off, what was there last."""
        if self.cluster.pids():
            self._last = [*self._volumes, *self._charged()]
        return self._last

    def switch_off(self) -> None:
        """From now on nobody answers."""
        self.things()
        self.cluster.switch_off()

    def _charged(self) -> Iterator[Thing]:
        for (namespace, name), workload in self.workloads.items():
            present = self._pods(namespace, name)
            gone = [pod for pod in self._gone if pod["metadata"]["labels"]["app"] == name]
            for pod in [*present, *gone]:
                ended = pod["metadata"].get("deletionTimestamp")
                yield Thing(
                    self.name,
                    namespace,
                    self.machine,
                    instant(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]),
                    instant(ended) if ended else None,
                    cpu_m=workload.cpu_m,
                    memory=workload.memory_mib * MIB,
                )

    def _pods(self, namespace: str, name: str) -> list[api.Json]:
        return self.cluster.api.items("Pod", namespace=namespace, labelSelector=f"app={name}")

    def _all_run(self) -> bool:
        wanted = sum(workload.replicas for workload in self.workloads.values())
        pods = [pod for where in self.workloads for pod in self._pods(*where)]
        running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
        return len(running) == wanted


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
