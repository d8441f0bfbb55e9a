"""The one place that reads the time. Rules take the instant as an argument; edges call `now()`."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current instant: aware, UTC, cut to whole seconds (the resolution of every stored instant)."""
    return datetime.now(UTC).replace(microsecond=0)
