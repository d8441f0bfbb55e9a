"""The servers of the contract, one of each for the session."""

import uuid
from typing import cast

import pytest

from tests.contracts.servers import RealServer, Server, SimulatorServer
from tests.fakes.simulator import Simulator
from tests.testbed import control_plane

pytest.register_assert_rewrite("tests.contracts.checks")


@pytest.fixture(scope="session")
def simulated_server(simulator: Simulator) -> SimulatorServer:
    return SimulatorServer(simulator, f"contract-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def real_server(bare_cluster: control_plane.Cluster) -> RealServer:
    return RealServer(bare_cluster)


@pytest.fixture(scope="session")
def real_whole_server(testbed: control_plane.Bed) -> RealServer:
    return RealServer(testbed["one"])


# Named here, because the plug-in of the bed sees only fixtures that a test asks for by name.
BED = (pytest.mark.bed, pytest.mark.xdist_group("testbed"))


@pytest.fixture(params=["simulator", pytest.param("real", marks=BED)])
def api(request: pytest.FixtureRequest) -> Server:
    name = "simulated_server" if request.param == "simulator" else "real_server"
    return cast("Server", request.getfixturevalue(name))


@pytest.fixture(params=["simulator", pytest.param("real", marks=BED)])
def whole_api(request: pytest.FixtureRequest) -> Server:
    """With controllers, for what they do after a write."""
    name = "simulated_server" if request.param == "simulator" else "real_whole_server"
    return cast("Server", request.getfixturevalue(name))
