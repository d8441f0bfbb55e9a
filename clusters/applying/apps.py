"""App settings."""

from django.apps import AppConfig


class ApplyingConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.applying"
    label = "applying"
