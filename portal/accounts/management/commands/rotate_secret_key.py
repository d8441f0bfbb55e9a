"""A new secret key for `make run`: `manage.py rotate_secret_key`. See docs/how-to/rotate-keys.md."""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from portal.audit import services as audit
from portal.core import clock, data_folder
from portal.core.actors import COMMAND, Subject

KEY, FALLBACKS = "PADDOCK_SECRET_KEY", "PADDOCK_SECRET_KEY_FALLBACKS"


class Command(BaseCommand):
    """Changes the data folder's settings file, where the key comes from there; the processes read it at a start."""

    help = "Make a new secret key and keep the old one as a fallback; --forget takes the fallbacks out"

    def add_arguments(self, parser: CommandParser) -> None:
        """`--forget`."""
        parser.add_argument("--forget", action="store_true", help="take the fallbacks out: what they signed ends")

    def handle(self, *args: Any, forget: bool, **options: Any) -> None:
        """Write the file. Fails where the environment holds the key: that place is not ours to change."""
        folder = settings.DATA_DIR
        known = data_folder.read_env(folder)
        if KEY not in known:
            raise CommandError(f"{folder / data_folder.ENV_FILE} holds no {KEY}. Run: make setup")
        in_use = (settings.SECRET_KEY, ",".join(settings.SECRET_KEY_FALLBACKS))
        if in_use != (known[KEY], known.get(FALLBACKS, "")):
            raise CommandError(f"{KEY} comes from the environment: change it there. docs/how-to/rotate-keys.md")
        if forget:
            self._change("accounts.secret.forget", {FALLBACKS: ""})
            self.stdout.write("The earlier keys are forgotten. Start Paddock again.")
            return
        earlier = [known[KEY], *(key for key in known.get(FALLBACKS, "").split(",") if key)]
        self._change(
            "accounts.secret.rotate", {KEY: secrets.token_urlsafe(50), FALLBACKS: ",".join(earlier)}, left=len(earlier)
        )
        end = clock.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        self.stdout.write(
            "The secret key is new; the old one still opens sessions. Start Paddock again.\n"
            f"After {end:%Y-%m-%d %H:%M} UTC no session needs the old one: manage.py rotate_secret_key --forget"
        )

    def _change(self, kind: str, changes: dict[str, str], left: int = 0) -> None:
        """Write the event and the file, both or none."""
        try:
            with transaction.atomic():
                on = Subject("secret_key", "", "PADDOCK_SECRET_KEY")
                audit.record(kind, by=COMMAND, on=on, after={"earlier_keys_that_still_open": left})
                data_folder.change_env(settings.DATA_DIR, changes)
        except (DatabaseError, ImproperlyConfigured) as error:
            raise CommandError("The audit cannot be written. Start Paddock first; nothing was changed.") from error
