"""Example data for every component."""

from datetime import datetime
from typing import Any


def gallery(at: datetime) -> dict[str, Any]:
    """Return the examples by component."""
    return {}
