"""What is kept for a while of what passes by: events of a day, the use of quotas of 100 days."""

from django.db import models
from django.db.models import Q

from clusters.inventory.models.observed import NamespacedQuerySet
from clusters.registry.models import Cluster


class Occurrence(models.Model):
    """Kubernetes' Events about one object for one reason, counted together.

    `counted` holds {uid of an Event: its count as last seen}, so that reading it again counts nothing twice;
    `count` is what came together, `message` and `source` are those of the latest. `involved_uid` may be empty where
    a source left it out. The namespace is that of the involved object, empty for a node or a volume.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    namespace = models.ForeignKey(
        "inventory.Namespace",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    involved_kind = models.TextField()
    involved_namespace = models.TextField()
    involved_name = models.TextField()
    involved_uid = models.TextField()
    reason = models.TextField()
    type = models.TextField()
    message = models.TextField()
    source = models.TextField()
    count = models.BigIntegerField()
    counted = models.JSONField(default=dict)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "occurrence"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "involved_uid", "involved_kind", "involved_namespace", "involved_name", "reason"],
                name="occurrence_once",
            )
        ]
        indexes = [
            models.Index(fields=["cluster", "last_at", "id"], name="occurrence_latest"),
            models.Index(fields=["namespace", "last_at", "id"], name="occurrence_in_namespace"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.involved_kind} {self.involved_name}"


class QuotaHour(models.Model):
    """Limits and use of a ResourceQuota as last seen in an hour, with amounts as the server writes them.

    An hour without a row is like the one before it: rows are written where something changed.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    namespace = models.ForeignKey(
        "inventory.Namespace",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    quota_uid = models.TextField()
    quota_name = models.TextField()
    hour = models.DateTimeField()
    hard = models.JSONField(default=dict)
    used = models.JSONField(default=dict)

    objects = NamespacedQuerySet.as_manager()

    class Meta:
        db_table = "quota_hour"
        constraints = [models.UniqueConstraint(fields=["cluster", "quota_uid", "hour"], name="quota_hour_once")]
        indexes = [
            models.Index(fields=["hour"], name="quota_hour_by_hour"),
            models.Index(
                fields=["namespace", "hour"], condition=Q(namespace__isnull=False), name="quota_hour_in_namespace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quota_name} {self.hour:%Y-%m-%dT%H}"
