"""The contract, one function per promise. Each gets a server and asserts; none leans on another."""

import types
from collections.abc import Callable

from tests.contracts.checks import (
    admission,
    applies,
    deletions,
    discovery,
    errors,
    history,
    initial_events,
    kinds,
    lists,
    members,
    reviews,
    selectors,
    versions,
    watches,
    writes,
)
from tests.contracts.servers import Server

Check = Callable[[Server], None]

PREFIX = "check_"
# The history comes last: a real server is restarted to forget it.
MODULES = (discovery, lists, kinds, versions, selectors, watches, errors, reviews, writes, applies, members, history)


def of(*modules: types.ModuleType) -> dict[str, Check]:
    """The checks of modules by name, such as `lists.pages_hold_one_snapshot`."""
    found: dict[str, Check] = {}
    for module in modules:
        room = module.__name__.rpartition(".")[2]
        checks = {name: check for name, check in vars(module).items() if name.startswith(PREFIX)}
        found |= {f"{room}.{name.removeprefix(PREFIX)}": check for name, check in checks.items()}
    return found


ALL = of(*MODULES)
# Promises of the controllers of a whole cluster.
WHOLE = of(admission, deletions)
# Promises that a real server keeps and the simulator does not make.
REAL_ONLY = of(initial_events)
