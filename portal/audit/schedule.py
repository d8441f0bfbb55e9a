"""What the schedule asks of the audit."""

from datetime import datetime

from portal.audit import denials, services
from portal.audit.models import Unsealed
from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def seal_due(at: datetime) -> None:
    """Have new events sealed, where there are any."""
    if Unsealed.objects.exists():
        jobs.enqueue("portal.audit.seal", key="", by=SYSTEM)


def repeats_due(at: datetime) -> None:
    """Have counted refusals told, where a minute ended."""
    if denials.are_due(at):
        jobs.enqueue("portal.audit.tell_repeats", key="", by=SYSTEM)


def nightly(at: datetime) -> None:
    """Have old months removed and the chain read."""
    jobs.enqueue("portal.audit.prune", key="", by=SYSTEM)
    services.ask_for_check(by=SYSTEM, at=at)
