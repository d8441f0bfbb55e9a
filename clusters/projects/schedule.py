"""What this room does regularly; called by the portal's schedule. Where nothing is to do, nothing is asked for."""

from datetime import datetime

from clusters.projects import grants
from clusters.projects.models import NamespaceRemoval, NamespaceWish, Offboarding, RightLook, WishState
from clusters.projects.services import removals, settling
from portal.accounts.models import Binding, RightChange
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def spread_due(at: datetime) -> None:
    """Ask for rights to be followed into clusters where something changed, ended or grew old since the last look."""
    look = RightLook.objects.first()
    if (
        look is None
        or RightChange.objects.exists()
        or Binding.objects.filter(expires_at__gt=look.looked_at, expires_at__lte=at).exists()
        or grants.stale_providers(at) != frozenset(look.stale)
    ):
        jobs.enqueue("clusters.projects.spread", key="", by=SYSTEM)


def settle_due(at: datetime) -> None:
    """Ask for wishes and deletions to be followed while there are some."""
    if (
        NamespaceWish.objects.filter(state=WishState.WANTED).exists()
        or NamespaceWish.objects.filter(state=WishState.MADE, settled_at__gt=at - settling.LATE).exists()
        or NamespaceRemoval.objects.filter(state__in=removals.OPEN).exists()
        or Offboarding.objects.filter(done_at=None).exists()
    ):
        jobs.enqueue("clusters.projects.settle", key="", by=SYSTEM)


def ends_due(at: datetime) -> None:
    """Ask for warnings of namespaces that end."""
    jobs.enqueue("clusters.projects.end_namespaces", key="", by=SYSTEM)
