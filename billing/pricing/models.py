"""Tables of the room: price books and the dated rates in them."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import DateTimeField, F, Func, Q, Value
from django.db.models.lookups import Exact, IsNull
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import actors, clock
from portal.core.models import SlugField, UUIDModel


class Asset(models.TextChoices):
    """What a rate is for. Core, memory and GPU are the parts of a node."""

    NODE = "node", _("Node")
    CORE = "core", _("Core")
    MEMORY = "memory", _("Memory")
    GPU = "gpu", _("GPU")
    VOLUME = "volume", _("Volume")
    LOAD_BALANCER = "load_balancer", _("Load balancer")
    FEE = "fee", _("Fee")


class Unit(models.TextChoices):
    """What a price is for: an hour, or a month of 730 hours."""

    HOUR = "hour", _("per hour")
    MONTH = "month", _("per month")


class PriceBookQuerySet(models.QuerySet["PriceBook"]):
    """Sets of price books."""

    def serving(self, cluster: Cluster) -> "PriceBookQuerySet":
        """Keep the book a cluster is priced by: at most one."""
        named = self.filter(is_demo=cluster.is_demo, serves__cluster=cluster)
        return named if named.exists() else self.filter(is_demo=cluster.is_demo, all_clusters=True)

    def visible_to(self, user: Person, permission: Permission = Permission.PRICE_VIEW) -> "PriceBookQuerySet":
        """Keep what the person may see: all with a right on everything, else the books of one's clusters."""
        scopes = user.scopes_for(permission)
        if scopes.everything:
            return self
        named = Q(serves__cluster__in=scopes.clusters)
        apart = BookCluster.objects.values("cluster_id")
        for demo in Cluster.objects.filter(pk__in=scopes.clusters).exclude(pk__in=apart).values_list("is_demo"):
            named |= Q(all_clusters=True, is_demo=demo[0])
        return self.filter(pk__in=PriceBook.objects.filter(named).values("pk"))


class PriceBook(UUIDModel):
    """Rates in one currency for the clusters it serves: those named, or (`all_clusters`) every one no other book names.

    A cluster is priced by one book, and a demo's cluster by a demo's book alone. `version` rises with every change of
    the book or its rates. The ratios (per core, GiB and GPU; only their proportion matters) split the price of a
    whole node.
    """

    slug = SlugField()
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    cpu_ratio = models.DecimalField(max_digits=24, decimal_places=12, default=Decimal("0.031611"))
    memory_ratio = models.DecimalField(max_digits=24, decimal_places=12, default=Decimal("0.004237"))
    gpu_ratio = models.DecimalField(max_digits=24, decimal_places=12, default=Decimal("0.95"))
    all_clusters = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[PriceBookQuerySet] = PriceBookQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        db_table = "price_book"
        constraints = [
            models.UniqueConstraint(fields=["is_demo"], condition=Q(all_clusters=True), name="price_book_one_for_all"),
            models.CheckConstraint(
                condition=Q(cpu_ratio__gt=0, memory_ratio__gt=0, gpu_ratio__gte=0), name="price_book_ratios_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the book's page."""
        return reverse("pricing:book", args=[self.slug])

    def as_subject(self) -> actors.Subject:
        """Return the book as what an audit event is about."""
        return actors.Subject("price_book", str(self.id), self.name, self.get_absolute_url())

    def cluster_ids(self) -> list[UUID]:
        """Return the clusters this book prices now; candidates are none yet."""
        alike = Cluster.objects.exclude(state="candidate").filter(is_demo=self.is_demo)
        if self.all_clusters:
            named = BookCluster.objects.exclude(book=self).values("cluster_id")
            return list(alike.exclude(pk__in=named).values_list("pk", flat=True))
        return list(alike.filter(pk__in=self.serves.values("cluster_id")).values_list("pk", flat=True))


class BookCluster(models.Model):
    """A book serves a cluster. The cluster is unique: two books cannot price one thing."""

    cluster = models.OneToOneField(Cluster, primary_key=True, on_delete=models.PROTECT, related_name="+")
    book = models.ForeignKey(PriceBook, on_delete=models.CASCADE, related_name="serves")

    class Meta:
        db_table = "price_book_cluster"

    def __str__(self) -> str:
        return f"{self.book_id} {self.cluster_id}"


KEY_FIELDS = ("asset", "instance_type", "region", "capacity_class", "storage_class", "provider_id")


def _key() -> Func:
    # The unit separator cannot stand in a column (rate_plain_text), so two keys never read the same.
    parts: list[F | Value] = []
    for field in KEY_FIELDS:
        parts += [F(field), Value("\x1f")]
    return Func(*parts[:-1], arg_joiner=" || ", template="(%(expressions)s)")


def _one(function: str, value: F | Func) -> Func:
    # A plain GiST index knows ranges only, so one value becomes the range that holds nothing else.
    return Func(value, value if isinstance(value, F) else value.copy(), Value("[]"), function=function)


def _whole_hours() -> Q:
    """Return that both ends lie on whole UTC hours; an open upper end does."""
    whole = Q()
    for end in ("lower", "upper"):
        instant = Func(F("period"), function=end, output_field=DateTimeField())
        hour = Func(Value("hour"), instant, Value("UTC"), function="date_trunc", output_field=DateTimeField())
        whole &= Q(Exact(hour, instant)) | Q(IsNull(instant.copy(), True))
    return whole


def _plain() -> Q:
    plain = Q()
    for field in KEY_FIELDS:
        plain &= ~Q(**{f"{field}__contains": "\x1f"})
    return plain


class Rate(models.Model):
    """A price for a key, valid [from, to) in whole UTC hours; an upper end of None goes on.

    An empty column fits everything. `price` is as entered, `unit` says for what: per core, GiB, GPU, node, rule or
    cluster, and hour or month (÷ 730). `version` is the book's version that brought it. For fees `provider_id` is the
    name of the fee, so that a cluster may have several.
    """

    id = models.BigAutoField(primary_key=True)
    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="rates")
    asset = models.TextField(choices=Asset.choices)
    instance_type = models.TextField(blank=True, default="", db_default="")
    region = models.TextField(blank=True, default="", db_default="")
    capacity_class = models.TextField(blank=True, default="", db_default="")
    storage_class = models.TextField(blank=True, default="", db_default="")
    provider_id = models.TextField(blank=True, default="", db_default="")
    price = models.DecimalField(max_digits=24, decimal_places=12)
    unit = models.TextField(choices=Unit.choices)
    period = DateTimeRangeField()
    version = models.PositiveIntegerField()
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "rate"
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="rate_price_not_negative"),
            models.CheckConstraint(condition=Q(asset__in=Asset.values), name="rate_asset_known"),
            models.CheckConstraint(condition=Q(unit__in=Unit.values), name="rate_unit_known"),
            models.CheckConstraint(condition=_plain(), name="rate_plain_text"),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__lower_inf=False, period__lower_inc=True)
                & (Q(period__upper_inf=True) | Q(period__upper_inc=False)),
                name="rate_period_half_open",
            ),
            models.CheckConstraint(condition=_whole_hours(), name="rate_whole_hours"),
            ExclusionConstraint(
                name="rate_no_overlap",
                expressions=[
                    # The hash leads because ranges of text cannot be told apart by the index; the text decides.
                    (_one("int8range", Func(_key(), Value(0), function="hashtextextended")), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                    (_one("uuid_range", F("book")), RangeOperators.EQUAL),
                    (_one("text_range", _key()), RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [models.Index(fields=["book", "asset", "id"], name="rate_of_book")]

    def __str__(self) -> str:
        return f"{self.asset} {self.price} {self.period}"
