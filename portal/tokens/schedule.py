"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime

from portal.core.actors import SYSTEM
from portal.jobs import services as jobs


def hourly(at: datetime) -> None:
    """Ask for the mails about tokens that end, and for old ones to be forgotten."""
    jobs.enqueue("portal.tokens.warn", key="", by=SYSTEM)
    jobs.enqueue("portal.tokens.prune", key="", by=SYSTEM)
