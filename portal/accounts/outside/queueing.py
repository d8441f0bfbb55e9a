"""Asking for a refresh."""

from datetime import datetime

from portal.accounts.models import Provider
from portal.accounts.providers import declared
from portal.core.actors import SYSTEM, Actor
from portal.jobs import services as jobs
from portal.jobs.models import Job

KIND = "portal.accounts.refresh"


def refresh(provider: Provider, *, by: Actor) -> Job | None:
    """Have a provider's groups read again; one open job per provider. None for OIDC, which has nothing to read."""
    if provider.kind == declared.OIDC:
        return None
    return jobs.enqueue(KIND, key=provider.key, by=by, provider=provider.key)


def refresh_due(at: datetime) -> None:
    """Ask for the refresh of each provider in use; called every two minutes."""
    for provider in Provider.objects.filter(enabled=True).exclude(kind=declared.OIDC):
        refresh(provider, by=SYSTEM)
