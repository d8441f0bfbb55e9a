"""`manage.py check_ownership`: compare the owner columns of the inventory with the dated rows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clusters.projects import selectors
from clusters.projects.services import consistency


class Command(BaseCommand):
    """See the module's docstring."""

    help = "List namespaces whose owner columns differ from the dated rows. Exit code 1 when there are any."

    def add_arguments(self, parser: CommandParser) -> None:
        """--correct."""
        parser.add_argument("--correct", action="store_true", help="write what the dated rows say")

    def handle(self, *, correct: bool, **_options: Any) -> None:
        """List, or correct."""
        if correct:
            self.stdout.write(f"{consistency.correct()} corrected.")
            return
        found = selectors.drift()
        for one in found:
            self.stdout.write(f"{one.cluster_id} {one.name}: columns {one.columns}, dated rows {one.dated}")
        if found:
            raise CommandError(f"{len(found)} namespaces differ; --correct writes what the dated rows say.")
        self.stdout.write("No difference.")
