"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from portal.core.actors import SYSTEM
from portal.jobs import services as jobs
from portal.outbox import selectors, services


def deliver_due(at: datetime) -> None:
    """Ask for the delivery of what is due."""
    for kind in selectors.kinds_due(at):
        services.ask(kind)


def prune(at: datetime) -> None:
    """Ask for old messages to be forgotten."""
    jobs.enqueue("portal.outbox.prune", key="", by=SYSTEM)
