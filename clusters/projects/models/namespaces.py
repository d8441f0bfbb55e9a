"""What is to happen to namespaces: wished for, ended, removed, suggested, left alone."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clusters.projects.models.ownership import Project
from clusters.registry.models import Cluster
from portal.core import clock
from portal.core.models import UUIDModel


class WishState(models.TextChoices):
    """Where a wish stands."""

    WANTED = "wanted", _("Being made")
    MADE = "made", _("Made")
    FAILED = "failed", _("Failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class NamespaceWish(UUIDModel):
    """A namespace that shall be made for a project. Once made it is held like any other, by its uid."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="wishes")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    labels = models.JSONField(default=dict, blank=True)
    # When the namespace ends, and whether it is deleted then without asking.
    ends_at = models.DateTimeField(null=True, blank=True)
    delete_then = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=WishState.choices, default=WishState.WANTED)
    # Of the namespace that was made; empty until the cluster has said so.
    made_uid = models.CharField(max_length=64, blank=True, default="")
    # Why it failed, in our words.
    text = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "namespace_wish"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name"], condition=Q(state=WishState.WANTED), name="namespace_wish_once"
            ),
            models.CheckConstraint(condition=Q(state__in=WishState.values), name="namespace_wish_state_known"),
            models.CheckConstraint(
                condition=(Q(state=WishState.MADE) & ~Q(made_uid="")) | (~Q(state=WishState.MADE) & Q(made_uid="")),
                name="namespace_wish_made_has_uid",
            ),
        ]
        indexes = [models.Index(fields=["project", "state"], name="namespace_wish_project")]

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.name}"


class NamespaceTerm(models.Model):
    """When a namespace ends: its owners are told before, and it is deleted then or waits for their word."""

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    namespace_uid = models.CharField(max_length=64)
    ends_at = models.DateTimeField()
    delete_then = models.BooleanField(default=False)
    # The shortest warning that was sent, in days; 0: that it has ended.
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "namespace_term"
        constraints = [models.UniqueConstraint(fields=["cluster", "namespace_uid"], name="namespace_term_once")]
        indexes = [models.Index(fields=["ends_at"], name="namespace_term_ends")]

    def __str__(self) -> str:
        return f"{self.namespace_uid} until {self.ends_at}"


class RemovalState(models.TextChoices):
    """Where the deletion of a namespace stands."""

    WANTED = "wanted", _("To be deleted")
    SENT = "sent", _("Being deleted")
    GONE = "gone", _("Deleted")
    FAILED = "failed", _("Could not be deleted")


class NamespaceRemoval(UUIDModel):
    """That a namespace shall be deleted, by its uid: another one of the same name is never touched."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="removals")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+")
    namespace_uid = models.CharField(max_length=64)
    name = models.CharField(max_length=253)
    state = models.CharField(max_length=8, choices=RemovalState.choices, default=RemovalState.WANTED)
    text = models.CharField(max_length=300, blank=True, default="")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "namespace_removal"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "namespace_uid"], name="namespace_removal_once"),
            models.CheckConstraint(condition=Q(state__in=RemovalState.values), name="namespace_removal_state_known"),
        ]
        indexes = [models.Index(fields=["project", "state"], name="namespace_removal_project")]

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.name}"


class ClaimRule(UUIDModel):
    """Namespaces without project that a project probably owns: by the beginning of their name, or by a label.

    A rule only suggests: a person decides. `clusters` is a selector over labels of clusters, empty for all.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="claim_rules")
    clusters = models.CharField(max_length=500, blank=True, default="")
    prefix = models.CharField(max_length=63, blank=True, default="")
    label_key = models.CharField(max_length=317, blank=True, default="")
    label_value = models.CharField(max_length=63, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.CharField(max_length=200)

    class Meta:
        db_table = "claim_rule"
        constraints = [
            models.CheckConstraint(
                condition=(~Q(prefix="") & Q(label_key="", label_value="")) | (Q(prefix="") & ~Q(label_key="")),
                name="claim_rule_prefix_or_label",
            ),
            models.UniqueConstraint(
                fields=["project", "clusters", "prefix", "label_key", "label_value"], name="claim_rule_once"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """Return what it looks for: `shop-*` or `team=shop`."""
        return f"{self.prefix}*" if self.prefix else f"{self.label_key}={self.label_value}"


class OrphanKept(models.Model):
    """That somebody looked at a thing without owner and lets it be, for good or until an instant."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12)
    # Empty for a role in Paddock, which lies in no cluster.
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+", null=True)
    uid = models.CharField(max_length=64)
    by = models.CharField(max_length=200)
    at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "orphan_kept"
        constraints = [
            models.UniqueConstraint(fields=["kind", "cluster", "uid"], nulls_distinct=False, name="orphan_kept_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["namespace", "volume", "workload", "binding"]), name="orphan_kept_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


class Offboarding(models.Model):
    """That a project is leaving: it is closed once nothing of it is left to wait for."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="offboarding")
    choice = models.CharField(max_length=7, choices=[("release", _("release")), ("delete", _("delete"))])
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "offboarding"

    def __str__(self) -> str:
        return f"{self.project_id}: {self.choice}"
