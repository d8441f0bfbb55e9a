"""The head that every observed row has, and who may see it."""

from typing import Any, Self, TypeVar
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from clusters.registry.models import Cluster
from clusters.registry.models import State as ClusterState
from portal.access.permissions import Permission
from portal.access.scopes import Person

M = TypeVar("M", bound=models.Model)


class ObservedQuerySet(models.QuerySet[M]):
    """Rows of a kind that belongs to the cluster as a whole: nodes and volumes."""

    def live(self) -> Self:
        """Keep what is there now, in clusters that are attached."""
        return self.filter(gone_at=None, cluster__state=ClusterState.ATTACHED)

    def visible_to(self, user: Person, permission: Permission = Permission.INVENTORY_VIEW) -> Self:
        """Keep what a right on everything or on the cluster shows."""
        scopes = user.scopes_for(permission)
        return self if scopes.everything else self.filter(cluster_id__in=scopes.clusters)


class NamespaceQuerySet(ObservedQuerySet[M]):
    """Sets of namespaces."""

    def visible_to(self, user: Person, permission: Permission = Permission.INVENTORY_VIEW) -> Self:
        """Keep what a right on everything, the cluster, the team or the project shows."""
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        return self.filter(
            Q(cluster_id__in=scopes.clusters) | Q(team_id__in=scopes.teams) | Q(project_id__in=scopes.projects)
        )


class NamespacedQuerySet(ObservedQuerySet[M]):
    """Rows that reach their team and project through their namespace."""

    def visible_to(self, user: Person, permission: Permission = Permission.INVENTORY_VIEW) -> Self:
        """Keep what a right on everything, the cluster, the team or the project shows."""
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        # A list of ids instead of a join: the database then looks them up by index, and does not read everybody's rows
        # to find out that a few are theirs.
        namespaces: Any = self.model._meta.get_field("namespace").related_model
        held = namespaces.objects.filter(Q(team_id__in=scopes.teams) | Q(project_id__in=scopes.projects))
        keys = list(held.values_list("pk", flat=True))
        return self.filter(Q(cluster_id__in=scopes.clusters) | Q(namespace_id__in=keys))

    def held_by(self, project_id: UUID) -> Self:
        """Keep what lies in the namespaces the project holds now."""
        return self.filter(namespace__project_id=project_id)


class Observed(models.Model):
    """The common head.

    `observed_at` is when this version was first seen; how recently it was confirmed is the stream's `last_ok_at`.
    `gone_at` is when the object was seen to be gone; the row goes a week later. Foreign keys have no constraint in
    the database: a check of each of a page's 500 rows would cost more than writing them, clusters are never deleted
    (the demo is erased by a service), and namespaces outlive what is in them.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    uid = models.TextField()
    resource_version = models.TextField()
    name = models.TextField()
    labels = models.JSONField(default=dict)
    created_at = models.DateTimeField(null=True)
    observed_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Namespaced(Observed):
    """The head of what lives in a namespace.

    `namespace` is empty until the namespace of that name has been read; `namespace_name` is what the object says.
    """

    namespace = models.ForeignKey(
        "inventory.Namespace",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    namespace_name = models.TextField()

    class Meta:
        abstract = True


class Charged(models.Model):
    """The span in which a thing is charged, as far as it is known; `started_at` is empty while it is not."""

    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


def texts() -> "ArrayField[list[str], list[str]]":
    """Build a column of short texts."""
    return ArrayField(models.TextField(), default=list)


LIVE = Q(gone_at=None)


def indexes(table: str, *, namespaced: bool) -> list[models.Index]:
    """Build the indexes of the lists: by name over everything, and by name inside a scope, each ending in id.

    None names a column that changes with the state of an object, so that such an update touches no index.
    """
    scope = "namespace" if namespaced else "cluster"
    found = [
        models.Index(fields=["name", "id"], condition=LIVE, name=f"{table}_by_name"),
        models.Index(fields=[scope, "name", "id"], condition=LIVE, name=f"{table}_in_scope"),
        models.Index(fields=["gone_at"], condition=Q(gone_at__isnull=False), name=f"{table}_gone"),
    ]
    if namespaced:
        # What still waits for its namespace to be read: a handful of rows, or none.
        found.append(models.Index(fields=["cluster"], condition=Q(namespace=None), name=f"{table}_unlinked"))
    return found


def once(table: str) -> models.UniqueConstraint:
    """Build the key by which a row is found again."""
    return models.UniqueConstraint(fields=["cluster", "uid"], name=f"{table}_once")
