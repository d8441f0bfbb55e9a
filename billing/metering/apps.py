"""App settings."""

from django.apps import AppConfig


class MeteringConfig(AppConfig):
    """See the package's docstring."""

    name = "billing.metering"
    label = "metering"
