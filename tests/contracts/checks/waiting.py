"""Waiting for what a cluster does after it has answered."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
WITHIN = 30.0  # seconds


def until(ask: Callable[[], T | None], what: str) -> T:
    """The first true answer; fails when there is none in time."""
    last = time.monotonic() + WITHIN
    while not (answer := ask()):
        assert time.monotonic() < last, f"{what}: not within {WITHIN:.0f} s"
        time.sleep(0.05)
    return answer
