"""Tables of the room. Plain tables: retention by partitions comes with the first installation that needs it.

Quantities are those of the allocation's docstring (millicore-seconds, byte-seconds, milli-unit-seconds), amounts have
twelve places. An empty `namespace_uid` is no namespace. Names are those of the time, kept beside their ids.
"""

from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster


class Kind(models.TextChoices):
    """Why a row exists."""

    WORKLOAD = "workload", _("Workload")
    IDLE = "idle", _("Idle")
    RESERVED = "reserved", _("Reserved by the system")
    FEE = "fee", _("Fee")
    UNATTACHED = "unattached", _("Unattached volumes")


class RunState(models.TextChoices):
    """Whether an hour may still change by itself."""

    PROVISIONAL = "provisional", _("Provisional")
    FINAL = "final", _("Final")


# Resources in the order of the columns.
RESOURCES = ("cpu", "memory", "gpu", "storage", "units", "fee")
_BIG = ("memory", "storage")


def _quantity(resource: str) -> "models.BigIntegerField[Any, Any] | models.DecimalField[Any, Any]":
    if resource in _BIG:
        return models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    return models.BigIntegerField(default=0, db_default=0)


def _money(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(max_digits=24, decimal_places=12, **options)


class Quantities(models.Model):
    """One quantity per resource; `units` are those of load balancers."""

    cpu_q = _quantity("cpu")
    memory_q = _quantity("memory")
    gpu_q = _quantity("gpu")
    storage_q = _quantity("storage")
    units_q = _quantity("units")
    fee_q = _quantity("fee")

    class Meta:
        abstract = True


class Priced(Quantities):
    """Quantities with their amounts: null beside a quantity is "no price", and then `amount` is null too."""

    cpu_amount = _money(null=True)
    memory_amount = _money(null=True)
    gpu_amount = _money(null=True)
    storage_amount = _money(null=True)
    units_amount = _money(null=True)
    fee_amount = _money(null=True)
    amount = _money(null=True)

    class Meta:
        abstract = True


class Summed(Quantities):
    """Sums over hour rows. The amounts are of what has a price; what has none is counted by its quantity beside it."""

    cpu_amount = _money(default=0, db_default=0)
    memory_amount = _money(default=0, db_default=0)
    gpu_amount = _money(default=0, db_default=0)
    storage_amount = _money(default=0, db_default=0)
    units_amount = _money(default=0, db_default=0)
    fee_amount = _money(default=0, db_default=0)
    amount = _money(default=0, db_default=0)
    unpriced_cpu_q = _quantity("cpu")
    unpriced_memory_q = _quantity("memory")
    unpriced_gpu_q = _quantity("gpu")
    unpriced_storage_q = _quantity("storage")
    unpriced_units_q = _quantity("units")
    unpriced_fee_q = _quantity("fee")
    # Hour rows behind the sum; a sum of none is removed.
    hour_rows = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


def _cluster() -> "models.ForeignKey[Any, Any]":
    # The database's own check stands on the run of the hour; checking it again for each row costs more than the row.
    return models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)


class Placed(models.Model):
    """Whose the cost is, in ids, slugs (which never change) and the names of the time; team None is unassigned."""

    cluster = _cluster()
    cluster_slug = models.TextField(default="", db_default="")
    cluster_name = models.TextField(default="", db_default="")
    team_id = models.UUIDField(null=True)
    team_slug = models.TextField(default="", db_default="")
    team_name = models.TextField(default="", db_default="")
    project_id = models.UUIDField(null=True)
    project_slug = models.TextField(default="", db_default="")
    project_name = models.TextField(default="", db_default="")
    kind = models.TextField(choices=Kind.choices)
    shared = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract = True


class CostRun(models.Model):
    """The last close of an hour of a cluster.

    `number` rises with each. Counted was up to `counted_to`: `counted_seconds` of the `due_seconds` that had passed of
    the hour when it was closed at `closed_at`; the ratio of their sums is the coverage.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    number = models.PositiveIntegerField(default=1)
    state = models.TextField(choices=RunState.choices)
    counted_to = models.DateTimeField()
    counted_seconds = models.PositiveIntegerField()
    due_seconds = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    time_zone = models.TextField(default="UTC", db_default="UTC")
    method = models.TextField()
    price_book_id = models.UUIDField(null=True)
    price_version = models.PositiveIntegerField(null=True)
    closed_at = models.DateTimeField()

    class Meta:
        db_table = "cost_run"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hour"], name="cost_run_once"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="cost_run_state_known"),
            models.CheckConstraint(
                condition=Q(counted_seconds__lte=F("due_seconds")), name="cost_run_counts_what_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["cluster", "hour"], condition=Q(state="provisional"), name="cost_run_provisional"),
            models.Index(fields=["hour", "id"], name="cost_run_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.hour:%Y-%m-%d %H}:00 {self.number}"


class AssetHour(Priced):
    """What the things of one price key cost in one slice of an hour.

    The rates behind the amounts are named: `rate_id` of the whole thing, or those of a node's parts. `seconds` are
    those of all its nodes.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = _cluster()
    hour = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    day = models.DateField()
    price_key_id = models.BigIntegerField()
    seconds = models.BigIntegerField(default=0, db_default=0)
    overcommitted = models.BooleanField(default=False, db_default=False)
    rate_id = models.BigIntegerField(null=True)
    cpu_rate_id = models.BigIntegerField(null=True)
    memory_rate_id = models.BigIntegerField(null=True)
    gpu_rate_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "asset_hour"
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hour", "starts_at", "price_key_id"], name="asset_hour_once")
        ]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.starts_at:%Y-%m-%d %H:%M:%S} {self.price_key_id}"


class CostHour(Placed, Priced):
    """A row of the allocation: what of an hour falls to one owner, kind and price key.

    [starts_at, ends_at) is the part of the hour in which owner and shared mark stayed the same.
    """

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    day = models.DateField()
    month = models.DateField()
    namespace_uid = models.TextField(default="", db_default="")
    namespace_name = models.TextField(default="", db_default="")
    price_key_id = models.BigIntegerField(null=True)
    overcommitted = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "cost_hour"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "cluster",
                    "hour",
                    "starts_at",
                    "ends_at",
                    "namespace_uid",
                    "team_id",
                    "project_id",
                    "kind",
                    "price_key_id",
                ],
                name="cost_hour_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="cost_hour_kind_known"),
        ]
        indexes = [models.Index(fields=["team_id", "hour"], name="cost_hour_team")]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace_name} {self.starts_at:%Y-%m-%d %H:%M:%S}"


class PodHour(Priced):
    """A pod's part of a row, for display: the parts of a row add up to it. Kept for a week."""

    id = models.BigAutoField(primary_key=True)
    cluster = _cluster()
    hour = models.DateTimeField()
    starts_at = models.DateTimeField()
    day = models.DateField()
    uid = models.TextField()
    name = models.TextField()
    namespace_uid = models.TextField(default="", db_default="")
    team_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    asset = models.TextField()
    price_key_id = models.BigIntegerField(null=True)
    owner_kind = models.TextField(default="", db_default="")
    owner_name = models.TextField(default="", db_default="")
    label_set_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "pod_hour"
        indexes = [models.Index(fields=["cluster", "hour"], name="pod_hour_hour")]

    def __str__(self) -> str:
        return f"{self.name} {self.starts_at:%Y-%m-%d %H:%M:%S}"


class CostDay(Placed, Summed):
    """A billing day of a namespace."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    namespace_uid = models.TextField(default="", db_default="")
    namespace_name = models.TextField(default="", db_default="")

    class Meta:
        db_table = "cost_day"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "day", "namespace_uid", "team_id", "project_id", "kind", "shared"],
                name="cost_day_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["day"], name="cost_day_day"),
            models.Index(fields=["team_id", "day"], name="cost_day_team"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace_name} {self.day}"


class CostProjectDay(Placed, Summed):
    """A billing day of a project in a cluster."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()

    class Meta:
        db_table = "cost_project_day"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "day", "team_id", "project_id", "kind", "shared"],
                name="cost_project_day_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["day"], name="cost_project_day_day"),
            models.Index(fields=["team_id", "day"], name="cost_project_day_team"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.project_name} {self.day}"


class CostMonth(Placed, Summed):
    """A billing month of a namespace; `month` is its first day."""

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    namespace_uid = models.TextField(default="", db_default="")
    namespace_name = models.TextField(default="", db_default="")

    class Meta:
        db_table = "cost_month"
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "month", "namespace_uid", "team_id", "project_id", "kind", "shared"],
                name="cost_month_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["month"], name="cost_month_month")]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace_name} {self.month:%Y-%m}"


class CostWorkloadDay(Summed):
    """A billing day of a workload: a split of the workload rows that adds up to them. Kept for 13 months."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    cluster = _cluster()
    namespace_uid = models.TextField(default="", db_default="")
    team_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    owner_kind = models.TextField(default="", db_default="")
    owner_name = models.TextField(default="", db_default="")
    label_set_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "cost_workload_day"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "cluster",
                    "day",
                    "namespace_uid",
                    "team_id",
                    "project_id",
                    "owner_kind",
                    "owner_name",
                    "label_set_id",
                ],
                name="cost_workload_day_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_kind} {self.owner_name} {self.day}"


def _one_value(function: str, column: str) -> Func:
    # A plain GiST index knows ranges only, so one value becomes the range that holds nothing else.
    return Func(F(column), F(column), Value("[]"), function=function)


class SharedNamespace(models.Model):
    """Whether the namespaces of a name are shared in a cluster during [from, to).

    Where no row says so, those of `allocation.model.SHARED_BY_DEFAULT` are and all others are not.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=253)
    period = DateTimeRangeField()
    shared = models.BooleanField(default=True)

    class Meta:
        db_table = "shared_namespace"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(period__isempty=False), name="shared_namespace_period"),
            ExclusionConstraint(
                name="shared_namespace_no_overlap",
                expressions=[
                    (_one_value("uuid_range", "cluster"), RangeOperators.EQUAL),
                    (_one_value("text_range", "name"), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.period}"
