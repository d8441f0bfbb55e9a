"""Finding what a page is about, and checking the right to change it."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request

from clusters.projects import selectors
from clusters.projects.models import Project, Team
from clusters.projects.orphan_lists import Orphans
from clusters.projects.services.holdings import Key
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import errors


def project(request: HttpRequest | Request, **by: Any) -> Project:
    """Return a project the person may see; absent and hidden are the same 404."""
    return get_object_or_404(Project.objects.visible_to(gate.person(request)), **by)


def team(request: HttpRequest | Request, **by: Any) -> Team:
    """Return a team the person may see; absent and hidden are the same 404."""
    return get_object_or_404(Team.objects.visible_to(gate.person(request)), **by)


def demand(request: HttpRequest | Request, permission: Permission, on: Project) -> None:
    """Check a right on a project, held on it or on the team that owns it now. Raises `gate.Denied`."""
    owner = selectors.team_of(on)
    gate.demand(request, permission, project=on.pk, team=owner.pk if owner else None)


def may(request: HttpRequest, permission: Permission, on: Project, owner: Team | None) -> bool:
    """Tell whether the person has the right on a project, for what its page offers."""
    scopes = gate.person(request).scopes_for(permission)
    return scopes.covers(project=on.pk, team=owner.pk if owner else None)


def demand_shown(request: HttpRequest | Request, listing: type[Orphans], keys: Sequence[Key]) -> None:
    """Refuse things that are not on the person's list, by cluster and uid. Raises `Refused` at "pick"."""
    found = listing().mine(gate.person(request)).filter(uid__in={uid for _cluster, uid in keys})
    if not keys or not set(keys) <= set(found.values_list("cluster_id", "uid")):
        raise errors.Refused.one("pick", _("Choose rows of this list. Load the page again."))


def demand_namespaces(request: HttpRequest | Request, keys: Sequence[Key]) -> None:
    """Refuse namespaces the person may not assign with the words for those that are not there."""
    if not selectors.assignable(gate.person(request), keys):
        raise errors.Refused.one("namespaces", _("At least one of the namespaces is not known."))
