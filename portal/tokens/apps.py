"""App settings."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.tokens"
    label = "tokens"
