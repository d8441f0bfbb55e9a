"""What the gate reads of somebody's bindings, against the full reading that explains them."""

from datetime import timedelta
from typing import Any

import pytest

from portal.access.permissions import Permission as P
from portal.access.scopes import EVERYWHERE, NOWHERE
from portal.accounts.models import Binding, CustomRole, Identity, OutsideGroup, Provider, User, rights
from portal.core import clock
from tests.factories import outside

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def both(user: User) -> tuple[set[Any], set[Any]]:
    """Single permissions at single places, by the lean reading and by the full one."""
    at = clock.now()
    lean, full = rights.places_of(user.pk, at=at), rights.folded(rights.held_by(user.pk, at=at))
    one, other = (
        {(held, place.scope_kind, key) for place in found for held in place.permissions for key in place.scope_ids}
        for found in (lean, full)
    )
    return one, other


def give(role: str, *, user: User | None = None, group: OutsideGroup | None = None, hours: float | None = None) -> None:
    """A role on everything, with an end where hours are named."""
    ends = clock.now() + HOUR * hours if hours is not None else None
    Binding.objects.create(
        user=user, group=group, role=role, scope_kind="everything", expires_at=ends, created_by="somebody"
    )


def test_custom_roles_and_roles_nobody_knows(bob: User) -> None:
    CustomRole.objects.create(key="x-desk", name="Desk", scope_kinds=["everything"], permissions=["audit.view", "past"])
    give("x-desk", user=bob)
    give("x-nobody", user=bob)
    give("nothing", user=bob)
    lean, full = both(bob)
    assert lean == full == {(P.AUDIT_VIEW, "everything", None)}


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_end(bob: User, hours: int) -> None:
    give("auditor", user=bob, hours=hours)
    lean, full = both(bob)
    assert lean == full
    assert bool(lean) is (hours > 0)


@pytest.mark.parametrize(
    ("identity", "provider", "holds"),
    [
        ({}, {}, True),
        ({"groups_as_of": -25}, {}, False),
        ({"groups_as_of": -25}, {"groups_read_at": -1}, True),
        ({"groups_as_of": -1}, {"groups_read_at": -25}, True),
        ({"groups_as_of": -25}, {"groups_read_at": -25}, False),
        ({"groups_as_of": None}, {"groups_read_at": -1}, False),
        ({"groups_as_of": -25, "state": "gone"}, {"groups_read_at": -1}, False),
        ({}, {"enabled": False, "groups_read_at": -1}, False),
    ],
)
def test_how_young_and_how_alive_a_group_has_to_be(
    bob: User, identity: dict[str, object], provider: dict[str, object], holds: bool
) -> None:
    group = outside.a_group("crew", bob)
    give("auditor", group=group)
    Identity.objects.update(**placed(identity))
    Provider.objects.update(**placed(provider))
    lean, full = both(bob)
    assert lean == full
    assert bool(lean) is holds


def placed(values: dict[str, object]) -> dict[str, object]:
    """Hours from now as instants."""
    return {
        key: clock.now() + HOUR * value if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in values.items()
    }


def test_a_group_that_is_gone(bob: User) -> None:
    group = outside.a_group("crew", bob)
    give("auditor", group=group)
    OutsideGroup.objects.update(gone_at=clock.now())
    assert both(bob) == (set(), set())


def test_one_instance_asks_of_one_moment(bob: User) -> None:
    """Whichever reading comes first: what the gate said and what is shown do not differ within a request."""
    give("auditor", user=bob)
    asked, shown = User.objects.get(pk=bob.pk), User.objects.get(pk=bob.pk)
    assert asked.scopes_for(P.AUDIT_VIEW) == EVERYWHERE
    assert [one.role for one in shown.rights()] == ["auditor"]
    Binding.objects.all().delete()
    assert asked.scopes_for(P.AUDIT_VIEW) == shown.scopes_for(P.AUDIT_VIEW) == EVERYWHERE
    assert User.objects.get(pk=bob.pk).scopes_for(P.AUDIT_VIEW) == NOWHERE
