"""Every address, API action and job kind declares a permission, or says why it needs none."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from portal.access import gate
from portal.access.permissions import Permission
from portal.jobs import kinds


def addresses(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every (address, view) of the portal."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), pattern.callback


EVERY = [pytest.param(address, view, id=address or "/") for address, view in addresses()]


def test_there_are_addresses_to_sweep() -> None:
    assert len(EVERY) > 20


@pytest.mark.parametrize(("address", "view"), EVERY)
def test_address_declares_its_gate(address: str, view: Any) -> None:
    if getattr(view, "cls", None) is not None and not hasattr(view, "gate_rule"):
        declared = getattr(view.cls, "permissions", {})
        actions = set(view.actions.values()) if hasattr(view, "actions") else {"get", "post"} & set(dir(view.cls))
        assert actions, f"{address} answers nothing"
        assert actions <= set(declared), f"{address}: no permission for {sorted(actions - set(declared))}"
        assert all(isinstance(permission, Permission) for permission in declared.values())
        return
    rule = getattr(view, "gate_rule", None)
    assert isinstance(rule, gate.Rule), f"{address} passes the gate without a declaration"
    if rule.mark:
        assert rule.reason, f"{address} is {rule.mark} without a reason"
    else:
        assert rule.permissions, f"{address} declares nothing"


@pytest.mark.parametrize("kind", list(kinds.known().values()), ids=lambda kind: kind.key)
def test_job_kind_has_handler_queue_and_permission(kind: kinds.Kind) -> None:
    assert callable(import_string(kind.handler))
    assert kind.queue in kinds.QUEUES
    assert kind.permission == "system" or Permission(kind.permission)
    assert 0 < kind.seconds <= 300, "work comes in slices of five minutes"
