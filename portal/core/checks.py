"""What must be set before anything starts: said at once, with the remedy, instead of failing at first use."""

import ipaddress
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
    return [*found, *_proxies()]


def _proxies() -> list[CheckMessage]:
    """Believing everybody who claims to be a proxy would let anybody choose the address that is logged."""
    try:
        known = [word for word in settings.TRUSTED_NETWORKS.split(",") if word.strip()]
        for word in known:
            if word.strip() != "unix":
                ipaddress.ip_network(word.strip())
    except ValueError as error:
        return [Error(f"PADDOCK_TRUSTED_NETWORKS: {error}.", hint="Write networks as 10.1.0.0/16.", id="paddock.E004")]
    if settings.TRUSTED_PROXIES and not known:
        hint = "Name the networks those proxies connect from, such as 10.1.0.0/16."
        return [Error("PADDOCK_TRUSTED_PROXIES needs PADDOCK_TRUSTED_NETWORKS.", hint=hint, id="paddock.E004")]
    return []


def _secret_key() -> str:
    try:
        return settings.SECRET_KEY
    except ImproperlyConfigured:
        return ""
