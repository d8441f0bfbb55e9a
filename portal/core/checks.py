"""What must be set before anything starts: said at once, with the remedy, instead of failing at first use."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from portal.core import sealed

TAG = "paddock"
SETUP = "`make setup` writes one into the data folder; docs/configuration.md tells its form."


@register(TAG)
def configured(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check keys and the database's address; values never stand in a message."""
    found: list[CheckMessage] = []
    if len(_secret_key()) < 50:
        found.append(
            Error("PADDOCK_SECRET_KEY is missing or shorter than 50 characters.", hint=SETUP, id="paddock.E001")
        )
    try:
        keys = sealed.parse_keys(settings.SEAL_KEYS)
    except ValueError as error:
        found.append(Error(f"PADDOCK_SEAL_KEYS: {error}.", hint=SETUP, id="paddock.E002"))
    else:
        if not keys:
            found.append(Error("PADDOCK_SEAL_KEYS is missing.", hint=SETUP, id="paddock.E002"))
    if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
        hint = "Set it, or use `make run`, which brings a database of its own."
        found.append(Error("DATABASE_URL is missing.", hint=hint, id="paddock.E003"))
    return found


def _secret_key() -> str:
    try:
        return settings.SECRET_KEY
    except ImproperlyConfigured:
        return ""
