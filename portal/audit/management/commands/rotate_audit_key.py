"""`manage.py rotate_audit_key`: sign heads with a new key from now on."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.audit import services
from portal.core import clock
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """The old key introduces the new one; heads it signed stay good."""

    help = "Replace the key that signs the heads of the audit."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace, then show the public key."""
        key = services.rotate_key(by=COMMAND, at=clock.now())
        self.stdout.write(f"Heads are signed by {key.pk} from now on. Its public key (Ed25519): {key.public}")
        if not key.introduction:
            self.stdout.write("No earlier key could introduce it.")
