"""Room on the pages of the rollups: every close updates them, and a row that stays on its page costs no index entry."""

from django.db import migrations

ROLLUPS = ("cost_day", "cost_month", "cost_project_day", "cost_workload_day")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = 45)", f"ALTER TABLE {table} RESET (fillfactor)")
        for table in ROLLUPS
    ]
