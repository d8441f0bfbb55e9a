"""A malformed list of providers stops the start, and says which provider and which field."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from portal.accounts.providers import declared
from portal.core.checks import TAG

HINT = "docs/configuration.md tells the fields of each kind of provider."


@register(TAG)
def providers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Values never stand in a message: a field may hold a secret by mistake."""
    try:
        found = declared.all()
    except ValueError as error:
        return [Error(f"PADDOCK_PROVIDERS: {error}.", hint=HINT, id="paddock.E010")]
    if any(provider.kind != declared.LDAP for provider in found.values()) and not settings.BASE_URL:
        hint = "Set it to the address by which people reach the portal, such as https://paddock.example.com."
        return [
            Error("PADDOCK_BASE_URL is missing; GitHub and OIDC send people back to it.", hint=hint, id="paddock.E011")
        ]
    return []
