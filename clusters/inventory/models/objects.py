"""The observed objects. CPU in millicores, memory and storage in bytes, GPUs in thousandths."""

from django.db import models
from django.urls import reverse

from clusters.inventory.models.observed import (
    LIVE,
    Charged,
    Namespaced,
    NamespacedQuerySet,
    NamespaceQuerySet,
    Observed,
    ObservedQuerySet,
    indexes,
    once,
    texts,
)
from clusters.registry.models import Cluster


class Namespace(Observed):
    """A namespace. Team and project are those of its current holder, kept by `services.hold_namespace`."""

    phase = models.TextField()
    rancher_project = models.TextField()
    deleting_since = models.DateTimeField(null=True)
    team_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)

    objects = NamespaceQuerySet.as_manager()

    class Meta:
        db_table = "namespace"
        constraints = [once("namespace")]
        indexes = [
            *indexes("namespace", namespaced=False),
            # Of the namespaces of a name, those that are gone included: objects are linked by name.
            models.Index(fields=["cluster", "name"], name="namespace_named"),
            models.Index(fields=["team_id", "id"], name="namespace_of_team"),
            models.Index(fields=["project_id", "id"], name="namespace_of_project"),
        ]


class Node(Observed, Charged):
    """A node: capacity is what is priced, allocatable is what pods can have."""

    provider_id = models.TextField()
    instance_type = models.TextField()
    region = models.TextField()
    zone = models.TextField()
    capacity_class = models.TextField()
    roles = texts()
    cpu_m = models.BigIntegerField()
    memory_bytes = models.BigIntegerField()
    gpu_m = models.BigIntegerField()
    pods = models.BigIntegerField()
    allocatable_cpu_m = models.BigIntegerField()
    allocatable_memory_bytes = models.BigIntegerField()
    allocatable_gpu_m = models.BigIntegerField()
    allocatable_pods = models.BigIntegerField()
    ready = models.BooleanField()
    unschedulable = models.BooleanField()
    kubelet_version = models.TextField()
    architecture = models.TextField()
    operating_system = models.TextField()

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "node"
        constraints = [once("node")]
        indexes = indexes("node", namespaced=False)

    def get_absolute_url(self) -> str:
        """Return the address of the node's page."""
        return reverse("inventory:node", args=[self.pk])


class Pod(Namespaced, Charged):
    """A pod: its effective request, where it runs and since when.

    `started_at` is the earliest start of a container ever seen and never moves to a later instant. `owner_*` is the
    direct owner as the pod names it; `workload_*` is the one people know (the Deployment behind a ReplicaSet, the
    CronJob behind a Job, the pod itself where nobody owns it).
    """

    node = models.TextField()
    phase = models.TextField()
    reason = models.TextField()
    owner_kind = models.TextField()
    owner_name = models.TextField()
    owner_uid = models.TextField()
    workload_kind = models.TextField()
    workload_name = models.TextField()
    cpu_m = models.BigIntegerField()
    memory_bytes = models.BigIntegerField()
    gpu_m = models.BigIntegerField()
    restarts = models.BigIntegerField()
    containers = models.BigIntegerField()
    containers_ready = models.BigIntegerField()
    deleting_since = models.DateTimeField(null=True)
    priority = models.BigIntegerField(null=True)
    priority_class = models.TextField()
    qos = models.TextField()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "pod"
        constraints = [once("pod")]
        indexes = [
            *indexes("pod", namespaced=True),
            # A pod is put on a node once in its life.
            models.Index(fields=["cluster", "node", "id"], condition=LIVE, name="pod_on_node"),
        ]

    def get_absolute_url(self) -> str:
        """Return the address of the pod's page."""
        return reverse("inventory:pod", args=[self.pk])


class Workload(Namespaced):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or CronJob; the counts are pods."""

    kind = models.TextField()
    desired = models.BigIntegerField()
    ready = models.BigIntegerField()
    updated = models.BigIntegerField()
    available = models.BigIntegerField()
    owner_kind = models.TextField()
    owner_name = models.TextField()
    owner_uid = models.TextField()
    paused = models.BooleanField()
    completions = models.BigIntegerField(null=True)
    active = models.BigIntegerField()
    succeeded = models.BigIntegerField()
    failed = models.BigIntegerField()
    schedule = models.TextField()
    time_zone = models.TextField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_scheduled_at = models.DateTimeField(null=True)
    last_succeeded_at = models.DateTimeField(null=True)
    images = texts()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "workload"
        constraints = [once("workload")]
        indexes = indexes("workload", namespaced=True)

    def get_absolute_url(self) -> str:
        """Return the address of the workload's page."""
        return reverse("inventory:workload", args=[self.pk])


class Service(Namespaced, Charged):
    """A Service; charged while its type is LoadBalancer."""

    type = models.TextField()
    cluster_ip = models.TextField()
    ingress = texts()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "service"
        constraints = [once("service")]
        indexes = indexes("service", namespaced=True)


class VolumeClaim(Namespaced):
    """A PersistentVolumeClaim: bytes asked for and bytes given."""

    phase = models.TextField()
    volume = models.TextField()
    storage_class = models.TextField()
    requested_bytes = models.BigIntegerField()
    capacity_bytes = models.BigIntegerField()
    access_modes = texts()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "volume_claim"
        constraints = [once("volume_claim")]
        indexes = indexes("volume_claim", namespaced=True)


class Volume(Observed, Charged):
    """A PersistentVolume, and the claim that holds or last held it.

    `claim_namespace_uid` is that of the claim's own namespace: it stays when another namespace takes the name.
    """

    phase = models.TextField()
    capacity_bytes = models.BigIntegerField()
    storage_class = models.TextField()
    reclaim_policy = models.TextField()
    claim_namespace = models.TextField()
    claim_namespace_uid = models.TextField()
    claim_name = models.TextField()
    claim_uid = models.TextField()
    driver = models.TextField()
    handle = models.TextField()
    region = models.TextField()

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "volume"
        constraints = [once("volume")]
        indexes = indexes("volume", namespaced=False)


class Quota(Namespaced):
    """A ResourceQuota, with its amounts as the server writes them."""

    hard = models.JSONField(default=dict)
    used = models.JSONField(default=dict)

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "quota"
        constraints = [once("quota")]
        indexes = indexes("quota", namespaced=True)


class ObjectBody(models.Model):
    """JSON of metadata, spec and status (without managedFields) in a zstd frame; read by detail pages alone."""

    pk = models.CompositePrimaryKey("cluster_id", "uid")
    cluster = models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    uid = models.TextField()
    body = models.BinaryField()

    class Meta:
        db_table = "object_body"

    def __str__(self) -> str:
        return self.uid
