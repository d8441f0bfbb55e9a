"""python-ldap, where it is installed: importing Paddock must work without it."""

import importlib
from typing import Any

from portal.accounts.providers.answers import ProviderDown

MISSING = "python-ldap is not installed: install Paddock with its extra “ldap” (docs/configuration.md)"


def _found() -> Any:
    try:
        for part in ("ldap.controls.libldap", "ldap.dn", "ldap.filter"):
            importlib.import_module(part)
        return importlib.import_module("ldap")
    except ImportError:
        return None


_LDAP = _found()


def demand() -> Any:
    """The module `ldap`. Raises ProviderDown, with the remedy, where it is missing."""
    if _LDAP is None:
        raise ProviderDown(MISSING)
    return _LDAP
