"""App settings."""

from django.apps import AppConfig
from django.contrib.auth import signals
from django.db.models.signals import post_migrate

from portal.accounts.providers import checks


class AccountsConfig(AppConfig):
    """See the package's docstring."""

    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the check of declared providers (importing the module does it); sessions note each sign-in."""
        from portal.accounts import seals, session_store  # noqa: PLC0415 - models are ready only now

        assert checks.providers
        assert seals.keys_fit
        post_migrate.connect(seals.leave_sentinel, sender=self, dispatch_uid="paddock.seals")
        # The framework's own note of the last sign-in reads another clock.
        signals.user_logged_in.disconnect(dispatch_uid="update_last_login")
        signals.user_logged_in.connect(session_store.mark_signed_in, dispatch_uid="paddock.session")
