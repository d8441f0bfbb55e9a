import uuid

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import portal.core.clock
import portal.core.models
import portal.core.sealed


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Cluster",
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
                ("name", models.CharField(max_length=63)),
                (
                    "state",
                    models.CharField(
                        choices=[("candidate", "Candidate"), ("attached", "Attached"), ("detached", "Detached")],
                        default="candidate",
                        max_length=10,
                    ),
                ),
                ("server", models.CharField(max_length=2000)),
                ("credential", portal.core.sealed.SealedField(blank=True)),
                ("credential_expires_at", models.DateTimeField(blank=True, null=True)),
                ("ca_fingerprint", models.CharField(blank=True, max_length=100)),
                ("distribution", models.CharField(blank=True, max_length=40)),
                ("version", models.CharField(blank=True, max_length=60)),
                ("rancher_managed", models.BooleanField(default=False)),
                ("kube_system_uid", models.CharField(blank=True, max_length=64)),
                ("foreign_uid", models.CharField(blank=True, max_length=64)),
                ("identity_changed_at", models.DateTimeField(blank=True, null=True)),
                ("generation", models.PositiveIntegerField(default=0)),
                ("checks", models.JSONField(blank=True, default=list)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("proposed_at", models.DateTimeField(default=portal.core.clock.now)),
                ("attached_at", models.DateTimeField(blank=True, null=True)),
                ("detached_at", models.DateTimeField(blank=True, null=True)),
                ("is_demo", models.BooleanField(default=False)),
                (
                    "resumes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="returning",
                        to="registry.cluster",
                    ),
                ),
            ],
            options={
                "db_table": "cluster",
                "indexes": [
                    models.Index(condition=models.Q(("is_demo", True)), fields=["is_demo"], name="cluster_demo"),
                    models.Index(fields=["state", "name", "id"], name="cluster_by_state"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            models.Q(("state", "candidate"), _negated=True),
                            models.Q(("kube_system_uid", ""), _negated=True),
                        ),
                        fields=("kube_system_uid",),
                        name="cluster_identity_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["candidate", "attached", "detached"])),
                        name="cluster_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("credential", ""), ("state", "detached")),
                            models.Q(
                                models.Q(("state", "detached"), _negated=True),
                                models.Q(("credential", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="cluster_credential_wiped",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "attached"), _negated=True),
                            models.Q(("kube_system_uid", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="cluster_identity_pinned",
                    ),
                ],
            },
        ),
    ]
