"""The kinds Paddock reads, written out."""

from collections.abc import Callable
from dataclasses import dataclass

from clusters.kube.objects import namespace, node, pod, quota, service, volume, volume_claim, workload
from clusters.kube.objects.metadata import Item

Row = (
    namespace.NamespaceRow
    | node.NodeRow
    | pod.PodRow
    | workload.WorkloadRow
    | service.ServiceRow
    | volume_claim.VolumeClaimRow
    | volume.VolumeRow
    | quota.QuotaRow
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is Paddock's key for the stream; `table` the inventory table it fills (six kinds share workload).

    `extract` turns an item into the row of the kind's module; it raises `metadata.Odd` for an object whose
    spec or status does not fit, which is to be set aside and counted.
    """

    name: str
    kubernetes_kind: str
    table: str
    path: str
    namespaced: bool
    extract: Callable[[Item], Row]

    @property
    def group(self) -> str:
        """ "" for the core group."""
        parts = self.path.split("/")
        return parts[2] if parts[1] == "apis" else ""

    @property
    def resource(self) -> str:
        return self.path.rsplit("/", 1)[1]


NAMESPACE = Kind("namespace", "Namespace", "namespace", "/api/v1/namespaces", False, namespace.extract)
NODE = Kind("node", "Node", "node", "/api/v1/nodes", False, node.extract)
POD = Kind("pod", "Pod", "pod", "/api/v1/pods", True, pod.extract)
DEPLOYMENT = Kind(
    "deployment", "Deployment", "workload", "/apis/apps/v1/deployments", True, workload.extract_deployment
)
STATEFUL_SET = Kind(
    "stateful_set", "StatefulSet", "workload", "/apis/apps/v1/statefulsets", True, workload.extract_stateful_set
)
DAEMON_SET = Kind("daemon_set", "DaemonSet", "workload", "/apis/apps/v1/daemonsets", True, workload.extract_daemon_set)
REPLICA_SET = Kind(
    "replica_set", "ReplicaSet", "workload", "/apis/apps/v1/replicasets", True, workload.extract_replica_set
)
JOB = Kind("job", "Job", "workload", "/apis/batch/v1/jobs", True, workload.extract_job)
CRON_JOB = Kind("cron_job", "CronJob", "workload", "/apis/batch/v1/cronjobs", True, workload.extract_cron_job)
SERVICE = Kind("service", "Service", "service", "/api/v1/services", True, service.extract)
VOLUME_CLAIM = Kind(
    "volume_claim",
    "PersistentVolumeClaim",
    "volume_claim",
    "/api/v1/persistentvolumeclaims",
    True,
    volume_claim.extract,
)
VOLUME = Kind("volume", "PersistentVolume", "volume", "/api/v1/persistentvolumes", False, volume.extract)
QUOTA = Kind("quota", "ResourceQuota", "quota", "/api/v1/resourcequotas", True, quota.extract)

KINDS: tuple[Kind, ...] = (
    NAMESPACE,
    NODE,
    POD,
    DEPLOYMENT,
    STATEFUL_SET,
    DAEMON_SET,
    REPLICA_SET,
    JOB,
    CRON_JOB,
    SERVICE,
    VOLUME_CLAIM,
    VOLUME,
    QUOTA,
)
BY_NAME = {kind.name: kind for kind in KINDS}
