"""App settings."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.jobs"
    label = "jobs"
