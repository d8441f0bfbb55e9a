"""Create a local account: `manage.py create_user NAME [--display-name TEXT] [--email ADDRESS] [--break-glass]`."""

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
        parser.add_argument("--email", default="", help="where Paddock's mail to this person goes")
        parser.add_argument(
            "--break-glass",
            action="store_true",
            help="an account for the day the providers fail: administrators are told each time it is used",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create it, or say why not."""
        try:
            user, password = services.create_user(
                username=options["username"],
                display_name=options["display_name"],
                email=options["email"],
                is_break_glass=options["break_glass"],
                by=COMMAND,
            )
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"user name          {user.username}\none-time password  {password}")
