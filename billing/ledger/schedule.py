"""What this room does regularly; called by the portal's schedule."""

from datetime import datetime


def close_due(at: datetime) -> None:
    """Enqueue what is due."""
