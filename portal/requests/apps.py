"""App settings."""

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.requests"
    label = "requests"
