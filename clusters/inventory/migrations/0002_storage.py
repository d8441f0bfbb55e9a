"""How the tables lie on disk: room on each page for updates in place, bodies neither compressed nor searched."""

from django.db import migrations

OBSERVED = ("namespace", "node", "pod", "workload", "service", "volume_claim", "volume", "quota")
POSITIONS = ("stream", "lease")


def _fill(tables: tuple[str, ...], factor: int) -> list[migrations.RunSQL]:
    return [
        migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = {factor})", f"ALTER TABLE {table} RESET (fillfactor)")
        for table in tables
    ]


class Migration(migrations.Migration):
    """See the module's docstring."""

    dependencies = [("inventory", "0001_initial")]

    operations = [
        *_fill(OBSERVED, 80),
        *_fill(POSITIONS, 50),
        migrations.RunSQL(
            "ALTER TABLE object_body ALTER COLUMN body SET STORAGE EXTERNAL",
            "ALTER TABLE object_body ALTER COLUMN body SET STORAGE EXTENDED",
        ),
    ]
