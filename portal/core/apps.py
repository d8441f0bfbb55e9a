"""App settings."""

from django.apps import AppConfig

from portal.core import checks


class CoreConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.core"
    label = "core"

    def ready(self) -> None:
        """Register what must be set before a start; importing the module does it."""
        assert checks.configured
