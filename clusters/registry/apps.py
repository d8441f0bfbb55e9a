"""App settings."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.registry"
    label = "registry"
