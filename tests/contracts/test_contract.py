"""Every check against every server; what the simulator does not do against the real one alone."""

import pytest

from tests.contracts import checks
from tests.contracts.servers import RealServer, Server


@pytest.mark.parametrize("check", checks.ALL.values(), ids=checks.ALL)
def test_contract(api: Server, check: checks.Check) -> None:
    check(api)


@pytest.mark.parametrize("check", checks.REAL_ONLY.values(), ids=checks.REAL_ONLY)
def test_real_alone(real_server: RealServer, check: checks.Check) -> None:
    check(real_server)


@pytest.mark.parametrize("check", checks.WHOLE.values(), ids=checks.WHOLE)
def test_whole_contract(whole_api: Server, check: checks.Check) -> None:
    check(whole_api)
