"""`manage.py remove_demo`: take the demo away, whole. Only its audit stays."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core import errors
from portal.core.actors import COMMAND
from portal.home import demo


class Command(BaseCommand):
    """See the module's docstring."""

    help = "Remove the demo: its clusters, costs, prices, teams, projects and people. Its audit stays."

    def handle(self, **_options: Any) -> None:
        """Remove and say what went."""
        try:
            removed = demo.remove(by=COMMAND)
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        if not removed:
            self.stdout.write("There is no demo.")
            return
        self.stdout.write("Removed: " + ", ".join(f"{count} {what}" for what, count in removed.items()) + ".")
