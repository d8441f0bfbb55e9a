"""`manage.py verify_audit`: read the whole chain and name the first place where it breaks."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit import checks, lists, verification
from portal.core import clock
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """Exit code 0: holds. 1: broken, or the file of heads cannot be read."""

    help = "Verify the audit: every event against the chain, every head against its signature and exported heads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file of heads."""
        parser.add_argument("--heads", type=Path, help="heads (or the whole stream) kept elsewhere, as JSON lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, then say."""
        pins, keys = self._exported(options["heads"])
        check = checks.at_once(asked_by=COMMAND.label, at=clock.now(), pins=pins, keys=keys)
        if check.found is not None:
            event = f" (event {check.found['event']})" if check.found["event"] else ""
            raise CommandError(f"The audit is broken. {lists.found_text(check.found)}{event}")
        compared = f", {len(pins)} exported places compared" if pins else ""
        self.stdout.write(
            f"The audit holds up to place {check.seq}: {check.events} events, {check.heads} signed heads{compared}."
        )

    def _exported(self, path: Path | None) -> tuple[dict[int, str], frozenset[str]]:
        if path is None:
            return {}, frozenset()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return verification.read_heads(lines), verification.read_keys(lines)
        except (OSError, UnicodeDecodeError, verification.BadHeads) as error:
            raise CommandError(f"{path}: {error}") from None
