"""Every check against every server."""

import pytest

from tests.contracts import checks
from tests.contracts.servers import Server


@pytest.mark.parametrize("check", checks.ALL.values(), ids=checks.ALL)
def test_contract(api: Server, check: checks.Check) -> None:
    check(api)
