"""App settings."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.outbox"
    label = "outbox"
