"""How clusters are read: one stream per cluster and kind, one lease per cluster."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster


class StreamState(models.TextChoices):
    """How the last attempt to read a kind ended. Whatever it says, the last good rows stay."""

    LISTING = "listing", _("Reading for the first time")
    OK = "ok", _("Up to date")
    STALE = "stale", _("Out of date")
    DENIED = "denied", _("No right to read")
    HELD = "held", _("Deletions held back")
    UNREACHABLE = "unreachable", _("Not reachable")


class Stream(models.Model):
    """One kind of one cluster.

    `resource_version` is where the next watch begins, empty where the next pass lists. `last_ok_at` is when the rows
    were last confirmed, `last_event_at` when one last changed, `listed_at` when the last whole list ended. `code`,
    `text` and `remedy` say what is wrong, `since` since when. `held_known` and `held_seen` are the sizes of a list
    that was held back; `release_asked` lets the next list of that kind pass.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=StreamState.choices, default=StreamState.LISTING)
    code = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300, blank=True)
    remedy = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(null=True)
    resource_version = models.TextField(blank=True)
    objects_live = models.BigIntegerField(default=0)
    odd = models.BigIntegerField(default=0)
    received = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    last_ok_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    listed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    fails = models.PositiveIntegerField(default=0)
    held_known = models.BigIntegerField(null=True)
    held_seen = models.BigIntegerField(null=True)
    release_asked = models.BooleanField(default=False)

    class Meta:
        db_table = "stream"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "kind"], name="stream_once"),
            models.CheckConstraint(condition=Q(state__in=StreamState.values), name="stream_state_known"),
        ]

    def __str__(self) -> str:
        return self.kind


class Lease(models.Model):
    """Who reads a cluster now. `fence` rises with every claim; only its holder may write what it read."""

    cluster = models.OneToOneField(Cluster, primary_key=True, on_delete=models.CASCADE, related_name="+")
    owner = models.CharField(max_length=100, blank=True)
    until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    fails = models.PositiveIntegerField(default=0)
    # When the watches were last kept open long enough for the server to send a bookmark.
    bookmarked_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    pass_seconds = models.FloatField(null=True)

    class Meta:
        db_table = "lease"

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.fence}"
