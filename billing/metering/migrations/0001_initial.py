import django.contrib.postgres.constraints
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("projects", "0001_initial"),
        ("registry", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="LabelSet",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("labels", models.JSONField(unique=True)),
            ],
            options={
                "db_table": "label_set",
            },
        ),
        migrations.CreateModel(
            name="PriceKey",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "asset",
                    models.TextField(
                        choices=[
                            ("node", "Node"),
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
            ],
            options={
                "db_table": "price_key",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("asset", "instance_type", "region", "capacity_class", "storage_class", "provider_id"),
                        name="price_key_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("asset__in", ["node", "volume", "load_balancer", "fee"])),
                        name="price_key_asset_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("pod", "Pod"),
                            ("node", "Node"),
                            ("volume", "Volume"),
                            ("load_balancer", "Load balancer"),
                        ]
                    ),
                ),
                ("uid", models.TextField()),
                ("name", models.TextField()),
                ("namespace_uid", models.TextField(blank=True, db_default="", default="")),
                ("namespace_name", models.TextField(blank=True, db_default="", default="")),
                ("node_uid", models.TextField(blank=True, db_default="", default="")),
                ("node_name", models.TextField(blank=True, db_default="", default="")),
                ("provider_id", models.TextField(blank=True, db_default="", default="")),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField()),
                ("cpu_m", models.BigIntegerField(db_default=0, default=0)),
                ("memory_bytes", models.DecimalField(db_default=0, decimal_places=0, default=0, max_digits=30)),
                ("gpu_m", models.BigIntegerField(db_default=0, default=0)),
                ("storage_bytes", models.DecimalField(db_default=0, decimal_places=0, default=0, max_digits=30)),
                ("units", models.BigIntegerField(db_default=0, default=0)),
                ("reserved_cpu_m", models.BigIntegerField(db_default=0, default=0)),
                (
                    "reserved_memory_bytes",
                    models.DecimalField(db_default=0, decimal_places=0, default=0, max_digits=30),
                ),
                ("reserved_gpu_m", models.BigIntegerField(db_default=0, default=0)),
                ("owner_kind", models.TextField(blank=True, db_default="", default="")),
                ("owner_name", models.TextField(blank=True, db_default="", default="")),
                (
                    "end_flag",
                    models.TextField(
                        blank=True,
                        choices=[("", "Seen"), ("missed", "Missed"), ("detached", "Cluster detached")],
                        db_default="",
                        default="",
                    ),
                ),
                (
                    "cluster",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.cluster",
                    ),
                ),
                (
                    "label_set",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="metering.labelset",
                    ),
                ),
                (
                    "price_key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="metering.pricekey"
                    ),
                ),
            ],
            options={
                "db_table": "segment",
                "indexes": [
                    models.Index(fields=["cluster", "ends_at"], name="segment_ended"),
                    models.Index(
                        condition=models.Q(
                            ("kind", "pod"), ("node_uid", ""), models.Q(("node_name", ""), _negated=True)
                        ),
                        fields=["cluster", "node_name"],
                        name="segment_homeless",
                    ),
                    models.Index(
                        condition=models.Q(("namespace_name", ""), models.Q(("namespace_uid", ""), _negated=True)),
                        fields=["cluster", "namespace_uid"],
                        name="segment_nameless",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("cluster", "kind", "uid", "starts_at"), name="segment_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("ends_at", None)),
                        fields=("cluster", "kind", "uid"),
                        name="segment_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at", None), ("ends_at__gt", models.F("starts_at")), _connector="OR"),
                        name="segment_has_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["pod", "node", "volume", "load_balancer"])),
                        name="segment_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("end_flag__in", ["", "missed", "detached"])), name="segment_end_flag_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ends_at", None), _negated=True), ("end_flag", ""), _connector="OR"
                        ),
                        name="segment_open_has_no_flag",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "pod"), ("price_key", None)),
                            models.Q(models.Q(("kind", "pod"), _negated=True), ("price_key__isnull", False)),
                            _connector="OR",
                        ),
                        name="segment_priced_by_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cpu_m__gte", 0),
                            ("gpu_m__gte", 0),
                            ("memory_bytes__gte", 0),
                            ("storage_bytes__gte", 0),
                            ("units__gte", 0),
                        ),
                        name="segment_quantities_positive",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.Func(
                                        models.Func(
                                            models.F("kind"),
                                            models.Value(":"),
                                            models.F("uid"),
                                            arg_joiner=" || ",
                                            template="(%(expressions)s)",
                                        ),
                                        models.Value(0),
                                        function="hashtextextended",
                                    ),
                                    models.Func(
                                        models.Func(
                                            models.F("kind"),
                                            models.Value(":"),
                                            models.F("uid"),
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
                            (models.Func(models.F("starts_at"), models.F("ends_at"), function="tstzrange"), "&&"),
                            (
                                models.Func(
                                    models.F("cluster"), models.F("cluster"), models.Value("[]"), function="uuid_range"
                                ),
                                "=",
                            ),
                        ],
                        name="segment_no_overlap",
                    ),
                ],
            },
        ),
    ]
