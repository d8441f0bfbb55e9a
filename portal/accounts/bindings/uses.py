"""Which rights are used: a row per person and permission, written at most once a day by each process."""

from datetime import date
from uuid import UUID

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.accounts.models import RightUse, User
from portal.core import clock

MOST_KEPT = 10_000
_noted: set[tuple[UUID, str, date]] = set()


def note(person: Person, permission: Permission) -> None:
    """Remember that a permission was used today. Looking on as somebody else is no use of theirs."""
    if not isinstance(person, User) or person.viewer is not None:
        return
    today = clock.now().date()
    key = (person.pk, permission.value, today)
    if key in _noted:
        return
    if len(_noted) >= MOST_KEPT:
        _noted.clear()
    RightUse.objects.bulk_create(
        [RightUse(user_id=person.pk, permission=permission.value, last_on=today)],
        update_conflicts=True,
        unique_fields=["user", "permission"],
        update_fields=["last_on"],
    )
    _noted.add(key)
