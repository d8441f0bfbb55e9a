"""Create a local account: `manage.py create_user NAME [--display-name TEXT]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import services
from portal.core import errors
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """Prints a one-time password, which the person replaces at the first sign-in."""

    help = "Create a local account and print its one-time password"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name."""
        parser.add_argument("username")
        parser.add_argument("--display-name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        try:
            user, password = services.create_user(
                username=options["username"], display_name=options["display_name"], by=COMMAND
            )
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"user name          {user.username}\none-time password  {password}")
