"""App settings."""

from django.apps import AppConfig


class QuotasConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.quotas"
    label = "quotas"
