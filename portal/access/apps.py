"""App settings."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Permissions, roles and the gate."""

    name = "portal.access"
    label = "access"
