"""Tables of the room: what was there to be charged, and from when to when."""

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster


class Asset(models.TextChoices):
    """What a price key is for."""

    NODE = "node", _("Node")
    VOLUME = "volume", _("Volume")
    LOAD_BALANCER = "load_balancer", _("Load balancer")
    FEE = "fee", _("Fee")


class Kind(models.TextChoices):
    """What has segments."""

    POD = "pod", _("Pod")
    NODE = "node", _("Node")
    VOLUME = "volume", _("Volume")
    LOAD_BALANCER = "load_balancer", _("Load balancer")


class EndFlag(models.TextChoices):
    """How an end came to be known, where nobody saw it: then it is the last confirmation before it."""

    SEEN = "", _("Seen")
    MISSED = "missed", _("Missed")
    DETACHED = "detached", _("Cluster detached")


class PriceKey(models.Model):
    """What decides the price of a thing; what is not given is the empty string.

    Rows written by the fold have no `provider_id`: it would make one key per machine. A node with a rate of its own
    gets its key from `services.own_keys`, which the close calls with the provider ids that have rates.
    """

    id = models.BigAutoField(primary_key=True)
    asset = models.TextField(choices=Asset.choices)
    instance_type = models.TextField(blank=True, default="", db_default="")
    region = models.TextField(blank=True, default="", db_default="")
    capacity_class = models.TextField(blank=True, default="", db_default="")
    storage_class = models.TextField(blank=True, default="", db_default="")
    provider_id = models.TextField(blank=True, default="", db_default="")

    class Meta:
        db_table = "price_key"
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "instance_type", "region", "capacity_class", "storage_class", "provider_id"],
                name="price_key_once",
            ),
            models.CheckConstraint(condition=Q(asset__in=Asset.values), name="price_key_asset_known"),
        ]

    def __str__(self) -> str:
        parts = (self.instance_type, self.storage_class, self.region, self.capacity_class, self.provider_id)
        return " ".join(part for part in (self.asset, *parts) if part)


class LabelSet(models.Model):
    """Values of the configured cost labels (at most five keys), kept once however many segments carry them."""

    id = models.BigAutoField(primary_key=True)
    labels = models.JSONField(unique=True)

    class Meta:
        db_table = "label_set"

    def __str__(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()))


def _one_thing() -> Func:
    # A plain GiST index knows ranges only, so one value becomes the range that holds nothing else. Ranges of numbers
    # can be told apart cheaply, ranges of text cannot (measured: 100,000 rows in 60 s instead of 5), hence the hash.
    thing = Func(F("kind"), Value(":"), F("uid"), arg_joiner=" || ", template="(%(expressions)s)")
    hashed = Func(thing, Value(0), function="hashtextextended")
    return Func(hashed, hashed.copy(), Value("[]"), function="int8range")


class SegmentQuerySet(models.QuerySet["Segment"]):
    """Sets of segments."""

    def open(self) -> "SegmentQuerySet":
        """Keep those that go on."""
        return self.filter(ends_at=None)


class Segment(models.Model):
    """A span [starts_at, ends_at) in which a charged thing kept its size, its place and its price key.

    The quantities are what is charged per second: of a pod its request, of a node its capacity. Units: millicores,
    bytes, thousandths of a GPU (`gpu_m`) and of a forwarding rule (`units`). `reserved_*` of a node is capacity
    − allocatable. `ends_at` is null while the thing is there. `seen_at` is when the newest fact behind the row was
    seen. A pod is priced by the segments of its node (`node_uid`; empty while that node was never seen) and has no
    price key of its own. `provider_id` is the machine of a node, so that a rate of its own finds it later.
    `namespace_uid` of a volume is that of its claim.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.TextField(choices=Kind.choices)
    uid = models.TextField()
    name = models.TextField()
    namespace_uid = models.TextField(blank=True, default="", db_default="")
    namespace_name = models.TextField(blank=True, default="", db_default="")
    node_uid = models.TextField(blank=True, default="", db_default="")
    node_name = models.TextField(blank=True, default="", db_default="")
    provider_id = models.TextField(blank=True, default="", db_default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    cpu_m = models.BigIntegerField(default=0, db_default=0)
    memory_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    gpu_m = models.BigIntegerField(default=0, db_default=0)
    storage_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    units = models.BigIntegerField(default=0, db_default=0)
    reserved_cpu_m = models.BigIntegerField(default=0, db_default=0)
    reserved_memory_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    reserved_gpu_m = models.BigIntegerField(default=0, db_default=0)
    price_key = models.ForeignKey(PriceKey, null=True, on_delete=models.PROTECT, related_name="+")
    owner_kind = models.TextField(blank=True, default="", db_default="")
    owner_name = models.TextField(blank=True, default="", db_default="")
    label_set = models.ForeignKey(LabelSet, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    end_flag = models.TextField(choices=EndFlag.choices, blank=True, default="", db_default="")

    objects: ClassVar[SegmentQuerySet] = SegmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "segment"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "kind", "uid", "starts_at"], name="segment_once"),
            models.UniqueConstraint(
                fields=["cluster", "kind", "uid"], condition=Q(ends_at=None), name="segment_one_open"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="segment_has_length"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="segment_kind_known"),
            models.CheckConstraint(condition=Q(end_flag__in=EndFlag.values), name="segment_end_flag_known"),
            models.CheckConstraint(condition=~Q(ends_at=None) | Q(end_flag=""), name="segment_open_has_no_flag"),
            models.CheckConstraint(
                condition=Q(kind="pod", price_key=None) | (~Q(kind="pod") & Q(price_key__isnull=False)),
                name="segment_priced_by_kind",
            ),
            models.CheckConstraint(
                condition=Q(cpu_m__gte=0, memory_bytes__gte=0, gpu_m__gte=0, storage_bytes__gte=0, units__gte=0),
                name="segment_quantities_positive",
            ),
            ExclusionConstraint(
                name="segment_no_overlap",
                expressions=[
                    (_one_thing(), RangeOperators.EQUAL),
                    (Func(F("starts_at"), F("ends_at"), function="tstzrange"), RangeOperators.OVERLAPS),
                    (Func(F("cluster"), F("cluster"), Value("[]"), function="uuid_range"), RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [
            # Those that overlap a span: the open ones (segment_one_open) and those that ended after its start.
            models.Index(fields=["cluster", "ends_at"], name="segment_ended"),
            models.Index(
                fields=["cluster", "node_name"],
                condition=Q(kind="pod", node_uid="") & ~Q(node_name=""),
                name="segment_homeless",
            ),
            models.Index(
                fields=["cluster", "namespace_uid"],
                condition=Q(namespace_name="") & ~Q(namespace_uid=""),
                name="segment_nameless",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.starts_at:%Y-%m-%d %H:%M:%S}"
