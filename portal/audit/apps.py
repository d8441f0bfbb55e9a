"""App settings."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.audit"
    label = "audit"
