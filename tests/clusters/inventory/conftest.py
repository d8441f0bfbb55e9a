"""Attached clusters behind the simulator."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.clusters.inventory.estate import Estate
from tests.fakes.simulator import Simulator

MakeEstate = Callable[..., Estate]


@pytest.fixture
def estate(db: None, simulator: Simulator, simulated: Callable[..., str]) -> MakeEstate:
    """Load objects (by resource, with `_` for the dot) into a simulated cluster and attach it."""

    def make(*, denied: Any = (), **objects: Any) -> Estate:
        found = {name.replace("_", "."): bodies for name, bodies in objects.items()}
        return Estate(simulator, simulated(slug="inventory", denied=list(denied), objects=found))

    return make
