"""The contract, one function per promise. Each gets a server and asserts; none leans on another."""

import types
from collections.abc import Callable

from tests.contracts.checks import discovery, errors, history, lists, reviews, selectors, versions, watches
from tests.contracts.servers import Server

Check = Callable[[Server], None]

MODULES = (discovery, lists, versions, selectors, watches, errors, reviews)


def of(module: types.ModuleType) -> dict[str, Check]:
    """The checks of a module by name: `lists.pages_hold_one_snapshot`."""
    room = module.__name__.rpartition(".")[2]
    prefix = "check_"
    return {f"{room}.{name[len(prefix) :]}": check for name, check in vars(module).items() if name.startswith(prefix)}


# The history checks come last: a real server is restarted to forget its history.
ALL: dict[str, Check] = {name: check for module in (*MODULES, history) for name, check in of(module).items()}
