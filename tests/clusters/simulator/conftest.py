"""One simulated cluster per test, and a client of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.client import Client
from tests.fakes.simulator import Simulator


@pytest.fixture
def connect(simulator: Simulator) -> Callable[[str], Client]:
    """A client of a cluster, as its reader."""

    def client(slug: str) -> Client:
        return reader(simulator, slug)

    return client


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators of the test's own: `own("--world", FILE, state=FOLDER)`."""
    started: list[Simulator] = []

    def start(*arguments: Any, state: Path = tmp_path / "state") -> Simulator:
        started.append(Simulator(state, *map(str, arguments)))
        return started[-1]

    yield start
    for running in started:
        running.close()


def reader(simulator: Simulator, slug: str) -> Client:
    server = next(cluster["server"] for cluster in simulator.clusters() if cluster["slug"] == slug)
    authority = (simulator.folder(slug) / "ca.crt").read_text()
    return Client(server, authority, simulator.token(slug))
