"""`manage.py allocate [FILE]`: work out what a world written as JSON costs whom. Needs no database and no keys."""

import argparse
import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from billing.ledger import world


class Command(BaseCommand):
    """Prints every allocation of a world as JSON; a bad world ends with 2 and the path of each fault."""

    help = "Allocate the cost of a world written as JSON (FILE or standard input) and print every row as JSON."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare FILE and --schema."""
        parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the world; - is standard input")
        parser.add_argument(
            "--schema", action="store_true", help="print the JSON Schema of a world instead, with units"
        )

    def handle(self, *, file: str, schema: bool, **_options: object) -> None:
        """Print the schema or the answer."""
        if schema:
            self.stdout.write(json.dumps(world.schema(), indent=1))
            return
        try:
            self.stdout.write(world.answer(_read(file)))
        except world.WorldError as error:
            raise CommandError(str(error), returncode=2) from None
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}", returncode=2) from None


def _read(file: str) -> str:
    return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
