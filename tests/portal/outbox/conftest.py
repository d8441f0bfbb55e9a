"""A clock that tests move, and short waits."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.core import clock
from portal.outbox import wire


class Clock:
    """The present, moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def move(self, **span: float) -> datetime:
        """Let time pass."""
        self.at += timedelta(**span)
        return self.at


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until it is moved."""
    held = Clock()
    monkeypatch.setattr(clock, "now", lambda: held.at)
    return held


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait half a second for a target instead of ten."""
    monkeypatch.setattr(wire, "STEP_SECONDS", 0.5)
