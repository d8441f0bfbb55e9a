"""Move every sealed value to the first key: `manage.py rotate_seal_keys`. See docs/how-to/rotate-keys.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.accounts import seals
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """Safe while the portal runs, and to be run again after it was stopped anywhere."""

    help = "Seal every stored credential anew under the first key of PADDOCK_SEAL_KEYS"
    requires_system_checks = ["paddock"]  # noqa: RUF012 - the base class's own form

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each table."""
        unfinished = False
        for table in seals.rotate(by=COMMAND):
            line = f"{table.name} ({', '.join(table.fields)}): {table.resealed} sealed anew"
            if table.broken:
                line += f", {table.broken} that no configured key opens"
            if table.left:
                line += f", {table.left} in use all the time"
            self.stdout.write(line)
            unfinished = unfinished or bool(table.broken or table.left)
        if unfinished:
            raise CommandError("Not every value was sealed anew. Keep the earlier keys, and run this again.")
        self.stdout.write("All values are sealed with the first key. The others can be taken out of PADDOCK_SEAL_KEYS.")
