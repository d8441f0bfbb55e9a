"""pytest fixtures over the fakes. `tests/conftest.py` names this file as a plug-in."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.simulator import Simulator


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One process for the session, without clusters: each test loads its own under a slug of its own."""
    with Simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def simulated(simulator: Simulator) -> Iterator[Callable[..., str]]:
    """Loads clusters that are removed after the test: `slug = simulated(distribution="k3s", objects={…})`."""
    slugs: list[str] = []

    def load(**world: Any) -> str:
        slug = f"{world.pop('slug', 'cluster')}-{uuid.uuid4().hex[:8]}"
        simulator.load(slug, **world)
        slugs.append(slug)
        return slug

    yield load
    for slug in slugs:
        simulator.remove(slug)
