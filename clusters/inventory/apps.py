"""App settings."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.inventory"
    label = "inventory"
