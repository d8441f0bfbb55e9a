"""App settings."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.core"
    label = "core"
