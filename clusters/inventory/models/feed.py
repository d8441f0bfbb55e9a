"""The feed from the inventory to billing."""

from django.db import models

from clusters.registry.models import Cluster


class FactKind(models.TextChoices):
    """What is charged."""

    POD = "pod"
    NODE = "node"
    VOLUME = "volume"
    LOAD_BALANCER = "load_balancer"


class ChargedFact(models.Model):
    """Something charged appeared, changed or ended.

    Written in the transaction of the row it is about, in the order of `id` within a cluster (its lease has one
    holder). Billing folds the facts into segments and deletes them. `observed_at` is when this version was seen,
    `started_at` and `ended_at` are the span that is charged (null = goes on). `labels` holds the configured cost
    labels alone, the pod's over its namespace's. `node_uid` is empty where the node was not known yet; `node_name`
    finds it later. `units` counts load balancers, whole. `reserved_*` of a node is capacity − allocatable.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=13, choices=FactKind.choices)
    uid = models.TextField()
    name = models.TextField()
    namespace_uid = models.TextField(default="", db_default="")
    observed_at = models.DateTimeField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_flag = models.CharField(max_length=10, default="", db_default="")
    cpu_m = models.BigIntegerField(default=0, db_default=0)
    memory_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    gpu_m = models.BigIntegerField(default=0, db_default=0)
    storage_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    units = models.BigIntegerField(default=0, db_default=0)
    reserved_cpu_m = models.BigIntegerField(default=0, db_default=0)
    reserved_memory_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    reserved_gpu_m = models.BigIntegerField(default=0, db_default=0)
    owner_kind = models.TextField(default="", db_default="")
    owner_name = models.TextField(default="", db_default="")
    labels = models.JSONField(default=dict, db_default={})
    instance_type = models.TextField(default="", db_default="")
    region = models.TextField(default="", db_default="")
    capacity_class = models.TextField(default="", db_default="")
    storage_class = models.TextField(default="", db_default="")
    provider_id = models.TextField(default="", db_default="")
    node_name = models.TextField(default="", db_default="")
    node_uid = models.TextField(default="", db_default="")
    claim_uid = models.TextField(default="", db_default="")
    claim_namespace_uid = models.TextField(default="", db_default="")

    class Meta:
        db_table = "charged_fact"
        indexes = [models.Index(fields=["cluster", "id"], name="charged_fact_next")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
