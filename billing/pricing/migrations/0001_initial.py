import uuid
from decimal import Decimal

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.lookups
from django.db import migrations, models

import portal.core.clock
import portal.core.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("projects", "0001_initial"),
        ("registry", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PriceBook",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "slug",
                    portal.core.models.SlugField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\Z",
                                "Use lower-case letters, digits and hyphens: at most 63, beginning and ending with a letter or digit.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("currency", models.CharField(max_length=3)),
                ("cpu_ratio", models.DecimalField(decimal_places=12, default=Decimal("0.031611"), max_digits=24)),
                ("memory_ratio", models.DecimalField(decimal_places=12, default=Decimal("0.004237"), max_digits=24)),
                ("gpu_ratio", models.DecimalField(decimal_places=12, default=Decimal("0.95"), max_digits=24)),
                ("all_clusters", models.BooleanField(default=False)),
                ("is_demo", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=portal.core.clock.now)),
            ],
            options={
                "db_table": "price_book",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("all_clusters", True)), fields=("is_demo",), name="price_book_one_for_all"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("cpu_ratio__gt", 0), ("gpu_ratio__gte", 0), ("memory_ratio__gt", 0)),
                        name="price_book_ratios_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BookCluster",
            fields=[
                (
                    "cluster",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="registry.cluster",
                    ),
                ),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="serves", to="pricing.pricebook"
                    ),
                ),
            ],
            options={
                "db_table": "price_book_cluster",
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "asset",
                    models.TextField(
                        choices=[
                            ("node", "Node"),
                            ("core", "Core"),
                            ("memory", "Memory"),
                            ("gpu", "GPU"),
                            ("volume", "Volume"),
                            ("load_balancer", "Load balancer"),
                            ("fee", "Fee"),
                        ]
                    ),
                ),
                ("instance_type", models.TextField(blank=True, db_default="", default="")),
                ("region", models.TextField(blank=True, db_default="", default="")),
                ("capacity_class", models.TextField(blank=True, db_default="", default="")),
                ("storage_class", models.TextField(blank=True, db_default="", default="")),
                ("provider_id", models.TextField(blank=True, db_default="", default="")),
                ("price", models.DecimalField(decimal_places=12, max_digits=24)),
                ("unit", models.TextField(choices=[("hour", "per hour"), ("month", "per month")])),
                ("period", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("version", models.PositiveIntegerField()),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=portal.core.clock.now)),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rates", to="pricing.pricebook"
                    ),
                ),
            ],
            options={
                "db_table": "rate",
                "indexes": [models.Index(fields=["book", "asset", "id"], name="rate_of_book")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("price__gte", 0)), name="rate_price_not_negative"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("asset__in", ["node", "core", "memory", "gpu", "volume", "load_balancer", "fee"])
                        ),
                        name="rate_asset_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("unit__in", ["hour", "month"])), name="rate_unit_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("asset__contains", "\x1f"), _negated=True),
                            models.Q(("instance_type__contains", "\x1f"), _negated=True),
                            models.Q(("region__contains", "\x1f"), _negated=True),
                            models.Q(("capacity_class__contains", "\x1f"), _negated=True),
                            models.Q(("storage_class__contains", "\x1f"), _negated=True),
                            models.Q(("provider_id__contains", "\x1f"), _negated=True),
                        ),
                        name="rate_plain_text",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("period__isempty", False),
                            ("period__lower_inc", True),
                            ("period__lower_inf", False),
                            models.Q(("period__upper_inf", True), ("period__upper_inc", False), _connector="OR"),
                        ),
                        name="rate_period_half_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                django.db.models.lookups.Exact(
                                    models.Func(
                                        models.Value("hour"),
                                        models.Func(
                                            models.F("period"), function="lower", output_field=models.DateTimeField()
                                        ),
                                        models.Value("UTC"),
                                        function="date_trunc",
                                        output_field=models.DateTimeField(),
                                    ),
                                    models.Func(
                                        models.F("period"), function="lower", output_field=models.DateTimeField()
                                    ),
                                ),
                                django.db.models.lookups.IsNull(
                                    models.Func(
                                        models.F("period"), function="lower", output_field=models.DateTimeField()
                                    ),
                                    True,
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                django.db.models.lookups.Exact(
                                    models.Func(
                                        models.Value("hour"),
                                        models.Func(
                                            models.F("period"), function="upper", output_field=models.DateTimeField()
                                        ),
                                        models.Value("UTC"),
                                        function="date_trunc",
                                        output_field=models.DateTimeField(),
                                    ),
                                    models.Func(
                                        models.F("period"), function="upper", output_field=models.DateTimeField()
                                    ),
                                ),
                                django.db.models.lookups.IsNull(
                                    models.Func(
                                        models.F("period"), function="upper", output_field=models.DateTimeField()
                                    ),
                                    True,
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="rate_whole_hours",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.Func(
                                        models.Func(
                                            models.F("asset"),
                                            models.Value("\x1f"),
                                            models.F("instance_type"),
                                            models.Value("\x1f"),
                                            models.F("region"),
                                            models.Value("\x1f"),
                                            models.F("capacity_class"),
                                            models.Value("\x1f"),
                                            models.F("storage_class"),
                                            models.Value("\x1f"),
                                            models.F("provider_id"),
                                            arg_joiner=" || ",
                                            template="(%(expressions)s)",
                                        ),
                                        models.Value(0),
                                        function="hashtextextended",
                                    ),
                                    models.Func(
                                        models.Func(
                                            models.F("asset"),
                                            models.Value("\x1f"),
                                            models.F("instance_type"),
                                            models.Value("\x1f"),
                                            models.F("region"),
                                            models.Value("\x1f"),
                                            models.F("capacity_class"),
                                            models.Value("\x1f"),
                                            models.F("storage_class"),
                                            models.Value("\x1f"),
                                            models.F("provider_id"),
                                            arg_joiner=" || ",
                                            template="(%(expressions)s)",
                                        ),
                                        models.Value(0),
                                        function="hashtextextended",
                                    ),
                                    models.Value("[]"),
                                    function="int8range",
                                ),
                                "=",
                            ),
                            ("period", "&&"),
                            (
                                models.Func(
                                    models.F("book"), models.F("book"), models.Value("[]"), function="uuid_range"
                                ),
                                "=",
                            ),
                            (
                                models.Func(
                                    models.Func(
                                        models.F("asset"),
                                        models.Value("\x1f"),
                                        models.F("instance_type"),
                                        models.Value("\x1f"),
                                        models.F("region"),
                                        models.Value("\x1f"),
                                        models.F("capacity_class"),
                                        models.Value("\x1f"),
                                        models.F("storage_class"),
                                        models.Value("\x1f"),
                                        models.F("provider_id"),
                                        arg_joiner=" || ",
                                        template="(%(expressions)s)",
                                    ),
                                    models.Func(
                                        models.F("asset"),
                                        models.Value("\x1f"),
                                        models.F("instance_type"),
                                        models.Value("\x1f"),
                                        models.F("region"),
                                        models.Value("\x1f"),
                                        models.F("capacity_class"),
                                        models.Value("\x1f"),
                                        models.F("storage_class"),
                                        models.Value("\x1f"),
                                        models.F("provider_id"),
                                        arg_joiner=" || ",
                                        template="(%(expressions)s)",
                                    ),
                                    models.Value("[]"),
                                    function="text_range",
                                ),
                                "=",
                            ),
                        ],
                        name="rate_no_overlap",
                    ),
                ],
            },
        ),
    ]
