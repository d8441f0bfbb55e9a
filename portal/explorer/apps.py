"""App settings."""

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.explorer"
    label = "explorer"
