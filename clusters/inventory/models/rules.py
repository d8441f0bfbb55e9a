"""What bounds, guards and exposes workloads, and what a cluster offers them. Selectors are text in the one syntax."""

from django.db import models

from clusters.inventory.models.observed import (
    Namespaced,
    NamespacedQuerySet,
    Observed,
    ObservedQuerySet,
    indexes,
    once,
    texts,
)


class LimitRange(Namespaced):
    """A LimitRange: defaults and bounds per container, pod or claim, with amounts as the server writes them."""

    limits = models.JSONField(default=list)

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "limit_range"
        constraints = [once("limit_range")]
        indexes = indexes("limit_range", namespaced=True)


class NetworkPolicy(Namespaced):
    """A NetworkPolicy: the pods it holds for, and how many rules let something in and out."""

    pods = models.TextField()
    types = texts()
    ingress_rules = models.BigIntegerField()
    egress_rules = models.BigIntegerField()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "network_policy"
        constraints = [once("network_policy")]
        indexes = indexes("network_policy", namespaced=True)


class Ingress(Namespaced):
    """An Ingress: the names it answers to, those with a certificate, its addresses."""

    ingress_class = models.TextField()
    names = texts()
    tls_names = texts()
    addresses = texts()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "ingress"
        constraints = [once("ingress")]
        indexes = indexes("ingress", namespaced=True)


class DisruptionBudget(Namespaced):
    """A PodDisruptionBudget; the counts are pods."""

    pods = models.TextField()
    min_available = models.TextField()
    max_unavailable = models.TextField()
    allowed = models.BigIntegerField()
    healthy = models.BigIntegerField()
    desired_healthy = models.BigIntegerField()
    expected = models.BigIntegerField()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "disruption_budget"
        constraints = [once("disruption_budget")]
        indexes = indexes("disruption_budget", namespaced=True)


class Autoscaler(Namespaced):
    """A HorizontalPodAutoscaler: `obstacle` is why it cannot scale, empty while it can."""

    target_kind = models.TextField()
    target_name = models.TextField()
    min_replicas = models.BigIntegerField()
    max_replicas = models.BigIntegerField()
    current_replicas = models.BigIntegerField()
    desired_replicas = models.BigIntegerField()
    last_scaled_at = models.DateTimeField(null=True)
    limited = models.BooleanField()
    obstacle = models.TextField()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "autoscaler"
        constraints = [once("autoscaler")]
        indexes = indexes("autoscaler", namespaced=True)


class StorageClass(Observed):
    """A StorageClass."""

    provisioner = models.TextField()
    reclaim_policy = models.TextField()
    binding_mode = models.TextField()
    expandable = models.BooleanField()
    is_default = models.BooleanField()

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "storage_class"
        constraints = [once("storage_class")]
        indexes = indexes("storage_class", namespaced=False)


class CustomResource(Observed):
    """A CustomResourceDefinition: a kind that was added to the cluster. `versions` are those served."""

    api_group = models.TextField()
    kind = models.TextField()
    plural = models.TextField()
    namespaced = models.BooleanField()
    versions = texts()
    stored_version = models.TextField()
    established = models.BooleanField()

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "custom_resource"
        constraints = [once("custom_resource")]
        indexes = indexes("custom_resource", namespaced=False)
