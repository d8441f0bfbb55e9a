"""Installations to be maltreated, and simulated clusters for them to read."""

import os
import random

import pytest

from tests.e2e.fixtures import installed, paddock, templates

__all__ = ["chance", "installed", "paddock", "templates"]


@pytest.fixture
def chance() -> random.Random:
    """What is left to chance. `SEED=…` repeats a run; the seed is printed with a failure."""
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"SEED={seed}")
    return random.Random(seed)
