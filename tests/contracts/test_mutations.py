"""The contract suite notices a broken server: each mutation fails the checks that name it, and only by its doing."""

import concurrent.futures

import pytest

from tests.contracts import checks
from tests.contracts.mutations import MUTATIONS
from tests.contracts.proxy import Mutation, Proxy
from tests.contracts.servers import Server, SimulatorServer

CHECKS = checks.ALL | checks.WHOLE
# What a check of a broken server may end with: its own assertion, or an answer it cannot read.
NOTICED = (AssertionError, LookupError, TypeError, ValueError)


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_broken_server_is_noticed(simulated_server: SimulatorServer, mutation: Mutation) -> None:
    with Proxy(simulated_server.reader.address, simulated_server.reader.authority, mutation) as proxy:
        broken = simulated_server.behind(proxy.address)
        for name in mutation.caught_by:
            with pytest.raises(NOTICED):
                CHECKS[name](broken)


def test_an_honest_proxy_is_not_noticed(simulated_server: SimulatorServer) -> None:
    """Else the test above could pass for the proxy's own faults."""
    with Proxy(simulated_server.reader.address, simulated_server.reader.authority, Mutation(())) as proxy:
        honest = simulated_server.behind(proxy.address)
        named = {name for mutation in MUTATIONS.values() for name in mutation.caught_by}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(_run, name, honest) for name in sorted(named - {HISTORY})]:
                done.result()
        # Alone: it takes the history from under the others.
        CHECKS[HISTORY](honest)


HISTORY = "history.expired_positions"


def _run(name: str, server: Server) -> None:
    CHECKS[name](server)
