from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clusters.kube import certificates
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.scripted import Script, Server, serving

Serve = Callable[[Script], Server]


@pytest.fixture(scope="session")
def authority() -> Pair:
    return certificates.authority()


@pytest.fixture(scope="session")
def server_pair(authority: Pair) -> Pair:
    return certificates.leaf(authority)


@pytest.fixture
def serve(server_pair: Pair, tmp_path: Path) -> Iterator[Serve]:
    """Starts a server that runs a script for each request."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(serving(script, server_pair, tmp_path))
