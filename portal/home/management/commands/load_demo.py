"""`manage.py load_demo`: bring the demo in. Run by `make run` at each start; does nothing when it is there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core import errors
from portal.core.actors import COMMAND
from portal.home import demo


class Command(BaseCommand):
    """See the module's docstring."""

    help = "Load the demo: three simulated clusters with five weeks of cost. A removed demo stays away without --again."

    def add_arguments(self, parser: CommandParser) -> None:
        """--again."""
        parser.add_argument("--again", action="store_true", help="load it although it was removed")

    def handle(self, *, again: bool, **_options: Any) -> None:
        """Load, showing each step with its time; the last line sums it up."""
        try:
            done = demo.load(by=COMMAND, say=self.stdout.write, again=again)
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(done.text)
