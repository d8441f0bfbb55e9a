from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sign_in"),
    ]

    operations = [
        migrations.AddField(
            model_name="provider",
            name="groups_read_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
