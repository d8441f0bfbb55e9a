"""Tables of the room."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import actors, clock, sealed
from portal.core.models import SlugField, UUIDModel


class State(models.TextChoices):
    """Where a cluster stands. A candidate becomes attached when a person confirms it, or is removed."""

    CANDIDATE = "candidate", _("Candidate")
    ATTACHED = "attached", _("Attached")
    DETACHED = "detached", _("Detached")


class ClusterQuerySet(models.QuerySet["Cluster"]):
    """Sets of clusters."""

    def attached(self) -> "ClusterQuerySet":
        """Keep the clusters that are synced and charged."""
        return self.filter(state=State.ATTACHED)

    def candidates(self) -> "ClusterQuerySet":
        """Keep the proposals that nobody has confirmed yet."""
        return self.filter(state=State.CANDIDATE)

    def visible_to(self, user: Person, permission: Permission = Permission.CLUSTER_VIEW) -> "ClusterQuerySet":
        """Keep what the person may see; rights on a team or a project show no cluster."""
        scopes = user.scopes_for(permission)
        return self if scopes.everything else self.filter(pk__in=scopes.clusters)


class Cluster(UUIDModel):
    """A Kubernetes cluster, from its proposal on. Rows that were attached once are never deleted.

    `generation` rises whenever what was read or planned before no longer counts: attach, detach, new credential.
    `checks` is a list of {key, title, state, text, remedy} as in `clusters.kube.checks`.
    """

    slug = SlugField()
    name = models.CharField(max_length=63)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    server = models.CharField(max_length=2000)
    credential = sealed.SealedField(blank=True)
    credential_expires_at = models.DateTimeField(null=True, blank=True)
    ca_fingerprint = models.CharField(max_length=100, blank=True)
    distribution = models.CharField(max_length=40, blank=True)
    version = models.CharField(max_length=60, blank=True)
    rancher_managed = models.BooleanField(default=False)
    kube_system_uid = models.CharField(max_length=64, blank=True)
    # The uid found behind the address when it was another one; empty while all is well.
    foreign_uid = models.CharField(max_length=64, blank=True)
    identity_changed_at = models.DateTimeField(null=True, blank=True)
    generation = models.PositiveIntegerField(default=0)
    # The detached cluster that a candidate turned out to be; a confirmation resumes that row.
    resumes = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="returning")
    checks = models.JSONField(default=list, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    proposed_at = models.DateTimeField(default=clock.now)
    attached_at = models.DateTimeField(null=True, blank=True)
    detached_at = models.DateTimeField(null=True, blank=True)
    is_demo = models.BooleanField(default=False)
    # Put on by people; selectors choose clusters by them. Nothing is read from or written to the cluster.
    labels = models.JSONField(default=dict, db_default={}, blank=True)

    objects: ClassVar[ClusterQuerySet] = ClusterQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "cluster"
        constraints = [
            models.UniqueConstraint(
                fields=["kube_system_uid"],
                condition=~Q(state="candidate") & ~Q(kube_system_uid=""),
                name="cluster_identity_once",
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="cluster_state_known"),
            models.CheckConstraint(
                condition=Q(state="detached", credential="") | (~Q(state="detached") & ~Q(credential="")),
                name="cluster_credential_wiped",
            ),
            models.CheckConstraint(
                condition=~Q(state="attached") | ~Q(kube_system_uid=""), name="cluster_identity_pinned"
            ),
        ]
        indexes = [
            models.Index(fields=["is_demo"], condition=Q(is_demo=True), name="cluster_demo"),
            models.Index(fields=["state", "name", "id"], name="cluster_by_state"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the cluster's page."""
        return reverse("registry:cluster", args=[self.slug])

    def as_subject(self) -> actors.Subject:
        """Return the cluster as what an audit event is about."""
        return actors.Subject("cluster", str(self.id), self.name, self.get_absolute_url())


class Account(models.TextChoices):
    """Service accounts of Paddock in a cluster, besides the one that reads (`Cluster.credential`)."""

    MANAGE = "manage", _("Writes what holds projects together")


class ClusterAccount(UUIDModel):
    """A token of a service account of Paddock's. Without it nothing is written to the cluster."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="accounts")
    key = models.CharField(max_length=20, choices=Account.choices)
    token = sealed.SealedField()
    expires_at = models.DateTimeField(null=True, blank=True)
    kept_at = models.DateTimeField(default=clock.now)
    kept_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cluster_account"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "key"], name="cluster_account_once"),
            models.CheckConstraint(condition=Q(key__in=Account.values), name="cluster_account_key_known"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.key}"
