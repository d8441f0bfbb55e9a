"""pytest fixtures over the test bed, one start per session. `tests/conftest.py` names this file as a plug-in.

They use what is built and build nothing: `python -m tests.testbed build` comes first. Without it a test is
skipped with the remedy; with CI=true it fails.
"""

import os
from collections.abc import Iterator

import pytest

from tests.testbed import build, control_plane, places
from tests.testbed.control_plane import Plan

pytest_plugins = ["tests.testbed.directories"]
NAMES = frozenset({"testbed", "bare_cluster"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps all tests of the bed on one worker, so that xdist starts one bed and not one per core."""
    for item in items:
        if NAMES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.bed)
            item.add_marker(pytest.mark.xdist_group("testbed"))


@pytest.fixture(scope="session")
def testbed() -> Iterator[control_plane.Bed]:
    """Two whole clusters side by side, "one" and "two", each with its own authority."""
    demand(*build.WHOLE)
    with control_plane.start(Plan("one"), Plan("two")) as bed:
        yield bed


@pytest.fixture(scope="session")
def bare_cluster() -> Iterator[control_plane.Cluster]:
    """A kube-apiserver alone: no controller touches its objects. For the contract suite."""
    demand(*build.BARE)
    with control_plane.start(Plan("bare", bare=True)) as bed:
        yield bed["bare"]


def demand(*programs: str) -> None:
    """Ends the calling test when a program of the bed is missing: skipped, or failed with CI=true."""
    try:
        build.locate(*programs)
    except places.Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
