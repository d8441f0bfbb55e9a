"""Who may do what inside a cluster, as the cluster says it. Lists are kept as the server writes them."""

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


class KubeRole(Namespaced):
    """A Role: rules for one namespace."""

    rules = models.JSONField(default=list)

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "kube_role"
        constraints = [once("kube_role")]
        indexes = indexes("kube_role", namespaced=True)


class KubeClusterRole(Observed):
    """A ClusterRole; `aggregated` ones are put together by the server."""

    rules = models.JSONField(default=list)
    aggregated = models.BooleanField()

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "kube_cluster_role"
        constraints = [once("kube_cluster_role")]
        indexes = indexes("kube_cluster_role", namespaced=False)


class KubeRoleBinding(Namespaced):
    """A RoleBinding: gives subjects a Role or a ClusterRole in its namespace."""

    role_kind = models.TextField()
    role_name = models.TextField()
    subjects = models.JSONField(default=list)

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "kube_role_binding"
        constraints = [once("kube_role_binding")]
        indexes = indexes("kube_role_binding", namespaced=True)


class KubeClusterRoleBinding(Observed):
    """A ClusterRoleBinding: gives subjects a ClusterRole everywhere."""

    role_kind = models.TextField()
    role_name = models.TextField()
    subjects = models.JSONField(default=list)

    objects = ObservedQuerySet.as_manager()

    class Meta:
        db_table = "kube_cluster_binding"
        constraints = [once("kube_cluster_binding")]
        indexes = indexes("kube_cluster_binding", namespaced=False)


class ServiceAccount(Namespaced):
    """A ServiceAccount: whether its pods get a token unasked, and the Secrets (by name) they pull images with."""

    automount = models.BooleanField()
    pull_secrets = texts()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "service_account"
        constraints = [once("service_account")]
        indexes = indexes("service_account", namespaced=True)
