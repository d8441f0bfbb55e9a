from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_storage"),
    ]

    operations = [
        migrations.AddField(
            model_name="chargedfact",
            name="reserved_cpu_m",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="chargedfact",
            name="reserved_gpu_m",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="chargedfact",
            name="reserved_memory_bytes",
            field=models.DecimalField(db_default=0, decimal_places=0, default=0, max_digits=30),
        ),
    ]
