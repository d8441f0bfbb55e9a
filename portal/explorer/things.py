"""Things by the name a person types, as far as whoever asks may know of them."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind, Scopes
from portal.accounts.bindings import searching
from portal.accounts.models import User, fold
from portal.accounts.models.people import ROBOT
from portal.core import errors
from portal.explorer.explaining import EVERYTHING, Thing

Finder = Callable[[str], tuple[UUID, str] | None]


def named(kind: str, slug: str, *, asker: Scopes) -> Thing:
    """Return the thing. Raises `Refused` at "thing": none with this slug, or none that is the asker's to ask about."""
    if kind == ScopeKind.EVERYTHING:
        if not asker.everything:
            raise errors.Refused.one("thing", _("You can ask about what is yours alone."))
        return EVERYTHING
    finder: Finder = import_string(settings.SCOPE_FINDERS[kind])
    found = finder(slug)
    thing = _placed(kind, *found) if found else None
    if thing is None or not thing.inside(asker):
        raise errors.Refused.one("thing", _("There is none with this slug."))
    return thing


def account(username: str, *, by: Person) -> User:
    """Return whose user name it is. Raises `Refused` at "person": nobody's, or a robot's that is not theirs to find."""
    found = User.objects.filter(username_folded=fold(username)).first()
    hidden = found is not None and found.kind == ROBOT and not by.scopes_for(Permission.ACCESS_EXPLAIN).everything
    if found is None or (hidden and searching.by_value(f"robot:{found.pk}", by) is None):
        raise errors.Refused.one("person", _("Nobody has this user name."))
    return found


def _placed(kind: str, key: UUID, label: str) -> Thing:
    match kind:
        case ScopeKind.PROJECT:
            team: UUID | None = import_string(settings.SCOPE_PARENTS["project"])(key)
            return Thing(label, project=key, team=team)
        case ScopeKind.TEAM:
            return Thing(label, team=key)
        case _:
            return Thing(label, cluster=key)
