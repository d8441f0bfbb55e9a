import django.db.models.deletion
from django.db import migrations, models

import portal.core.clock
import portal.core.sealed


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_identities")]

    operations = [
        migrations.CreateModel(
            name="Spending",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("limit", models.CharField(max_length=60)),
                ("key", models.CharField(max_length=64)),
                ("window", models.BigIntegerField()),
                ("count", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField()),
            ],
            options={
                "db_table": "limit_spending",
                "indexes": [models.Index(fields=["ends_at"], name="spending_ends")],
                "constraints": [
                    models.UniqueConstraint(fields=("limit", "key", "window"), name="spending_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SealSentinel",
            fields=[
                ("key_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("value", portal.core.sealed.SealedField()),
            ],
            options={"db_table": "seal_sentinel"},
        ),
        migrations.CreateModel(
            name="EarlierPassword",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128)),
                ("set_at", models.DateTimeField(default=portal.core.clock.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="earlier_passwords",
                        to="accounts.user",
                    ),
                ),
            ],
            options={
                "db_table": "earlier_password",
                "indexes": [models.Index(fields=["user", "set_at"], name="earlier_password_user")],
            },
        ),
    ]
