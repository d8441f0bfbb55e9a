"""What rights reach, before they are given: people, clusters, projects and money.

Rooms above say what lies in a scope. Each function that `ROLE_IMPACT` in the settings lists is called with the
person who looks, scope ids and an instant, and returns one of the dataclasses here; it counts what that person may
see, and None stands for what they may not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access import words
from portal.access.permissions import Permission
from portal.access.scopes import Person, Scopes
from portal.core import formats


@dataclass(frozen=True)
class Estate:
    """How many standing projects, live namespaces in them, and clusters of those."""

    projects: int
    namespaces: int
    clusters: int


@dataclass(frozen=True)
class Money:
    """What the projects cost in the last full month; None where nothing of it has a price."""

    amount: Decimal | None
    currency: str
    month: date


def estate(person: Person, scopes: Scopes, at: datetime) -> Estate:
    """Return what lies in the scopes."""
    found: Estate = import_string(settings.ROLE_IMPACT["estate"])(person, scopes, at)
    return found


def money(person: Person, scopes: Scopes, at: datetime) -> Money | None:
    """Return what the scopes cost in the last full month, None for somebody who does not see cost there."""
    found: Money | None = import_string(settings.ROLE_IMPACT["money"])(person, scopes, at)
    return found


def sentence(permissions: Iterable[Permission], people: int, place: Estate) -> str:
    """Say what people get: `6 people get: see workloads, see costs, in 3 namespaces on 2 clusters`."""
    what = words.listed(permissions) or _("nothing yet")
    who = ngettext("%(n)s person gets", "%(n)s people get", people) % {"n": formats.number(people)}
    return _("%(who)s: %(what)s, in %(where)s") % {"who": who, "what": what, "where": where(place)}


def where(place: Estate) -> str:
    """Say `3 namespaces on 2 clusters`."""
    namespaces = ngettext("%(n)s namespace", "%(n)s namespaces", place.namespaces) % {
        "n": formats.number(place.namespaces)
    }
    return _("%(namespaces)s on %(clusters)s") % {"namespaces": namespaces, "clusters": clusters(place.clusters)}


def clusters(count: int) -> str:
    """Say `2 clusters`."""
    return ngettext("%(n)s cluster", "%(n)s clusters", count) % {"n": formats.number(count)}


def projects(count: int) -> str:
    """Say `3 projects`."""
    return ngettext("%(n)s project", "%(n)s projects", count) % {"n": formats.number(count)}
