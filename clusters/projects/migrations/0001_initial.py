import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import portal.core.clock
import portal.core.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("registry", "0001_initial"),
    ]

    operations = [
        # A plain GiST index compares ranges only; these wrap one uuid or one text for the exclusion constraints.
        migrations.RunSQL("CREATE TYPE uuid_range AS RANGE (subtype = uuid)", "DROP TYPE uuid_range"),
        migrations.RunSQL('CREATE TYPE text_range AS RANGE (subtype = text, collation = "C")', "DROP TYPE text_range"),
        migrations.CreateModel(
            name="Project",
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
                ("description", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=portal.core.clock.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "project",
            },
        ),
        migrations.CreateModel(
            name="Team",
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
                ("name_folded", models.CharField(editable=False, max_length=200, unique=True)),
                ("cost_centre", models.CharField(blank=True, max_length=100)),
                ("owner", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=portal.core.clock.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "team",
            },
        ),
        migrations.CreateModel(
            name="NamespaceTenure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("namespace_uid", models.CharField(max_length=64)),
                ("namespace_name", models.CharField(max_length=253)),
                ("period", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "cluster",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.cluster"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="holdings", to="projects.project"
                    ),
                ),
            ],
            options={
                "db_table": "namespace_tenure",
                "indexes": [
                    models.Index(fields=["cluster", "namespace_name"], name="namespace_tenure_name"),
                    models.Index(fields=["project", "cluster"], name="namespace_tenure_project"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("period__isempty", False), ("period__lower_inc", True), ("period__lower_inf", False)
                        ),
                        name="namespace_tenure_period",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("cluster"), models.F("cluster"), models.Value("[]"), function="uuid_range"
                                ),
                                "=",
                            ),
                            (
                                models.Func(
                                    models.F("namespace_uid"),
                                    models.F("namespace_uid"),
                                    models.Value("[]"),
                                    function="text_range",
                                ),
                                "=",
                            ),
                            ("period", "&&"),
                        ],
                        name="namespace_tenure_no_overlap",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProjectTenure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("period", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tenures", to="projects.project"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tenures", to="projects.team"
                    ),
                ),
            ],
            options={
                "db_table": "project_tenure",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("period__isempty", False)), name="project_tenure_period"
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("project"), models.F("project"), models.Value("[]"), function="uuid_range"
                                ),
                                "=",
                            ),
                            ("period", "&&"),
                        ],
                        name="project_tenure_no_overlap",
                    ),
                ],
            },
        ),
    ]
