"""Give a role: `manage.py grant NAME ROLE [--team SLUG | --project SLUG | --cluster SLUG]`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.access import roles
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.scope_names import scope_from
from portal.accounts.models import User, fold
from portal.core import clock, errors
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """Without a scope the role is given on everything."""

    help = "Give a person a role, on everything or on a team, project or cluster"

    def add_arguments(self, parser: CommandParser) -> None:
        """Take person, role and scope."""
        parser.add_argument("username")
        parser.add_argument("role", choices=sorted(roles.ROLES))
        scope = parser.add_mutually_exclusive_group()
        for kind in ("team", "project", "cluster"):
            scope.add_argument(f"--{kind}", metavar="SLUG")
        parser.add_argument("--reason", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant it, or say why not."""
        user = User.objects.filter(username_folded=fold(options["username"])).first()
        if user is None:
            raise CommandError(f"There is nobody with the user name {options['username']}.")
        kind = next((name for name in ("team", "project", "cluster") if options[name]), "everything")
        try:
            scope = scope_from(kind, options.get(kind) or "")
            binding = role_bindings.grant(
                user=user, role=options["role"], scope=scope, by=COMMAND, at=clock.now(), reason=options["reason"]
            )
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{user.username} is {binding}")
