"""Scopes by the name a person types; the rooms above say what exists (`SCOPE_FINDERS` in the settings)."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.access.scopes import ScopeKind
from portal.accounts.bindings.role_bindings import EVERYTHING, Scope
from portal.core import errors

Finder = Callable[[str], tuple[UUID, str] | None]


def scope_from(kind: str, slug: str) -> Scope:
    """Return the scope named by kind and slug. Raises `Refused` at the field "scope"."""
    if kind == ScopeKind.EVERYTHING:
        if slug:
            raise errors.Refused.one("scope", _("A role on everything names nothing in particular."))
        return EVERYTHING
    finder: Finder = import_string(settings.SCOPE_FINDERS[kind])
    found = finder(slug)
    if found is None:
        raise errors.Refused.one("scope", _("There is none with this slug."))
    return Scope(ScopeKind(kind), found[0], found[1])
