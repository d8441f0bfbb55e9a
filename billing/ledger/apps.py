"""App settings."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """See the package's docstring."""

    name = "billing.ledger"
    label = "ledger"
