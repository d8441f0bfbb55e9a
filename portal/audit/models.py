"""Audit events."""

from django.db import models

from portal.core import clock


class Event(models.Model):
    """One thing that happened. Text identifiers only, so the log never hinders a delete; never changed, never deleted.

    The database refuses UPDATE and DELETE by a trigger (migration 0001). The hash chain adds its columns later.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=200)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    on_type = models.CharField(max_length=40, blank=True)
    on_id = models.CharField(max_length=100, blank=True)
    on_label = models.CharField(max_length=300, blank=True)
    on_url = models.CharField(max_length=500, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        db_table = "audit_event"
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["on_type", "on_id", "-id"], name="audit_on"),
            models.Index(fields=["kind", "-id"], name="audit_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.on_label}"
