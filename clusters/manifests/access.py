"""What of a manifest a person may read and write."""

from dataclasses import replace
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from clusters.manifests import present
from clusters.manifests.difference import Plan
from clusters.manifests.document import Manifest
from clusters.projects import finding, selectors
from clusters.projects.models import Project
from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.core import clock


def person(request: HttpRequest | Request) -> User:
    """Return who asks; a robot has an account, too."""
    return cast(User, request.user)


def readable(request: HttpRequest | Request, project: Project) -> Manifest:
    """Return the project as a document, without its members for whoever may not see them."""
    found = present.of_project(project, at=clock.now()).manifest
    owner = selectors.team_of(project)
    scopes = gate.person(request).scopes_for(Permission.MEMBER_VIEW)
    seen = scopes.covers(project=project.pk, team=owner.pk if owner else None)
    return found if seen else replace(found, members=None)


def may_change_members(request: HttpRequest | Request, project: Project) -> bool:
    """Tell whether it is a person who may give roles here and signed in a moment ago: no token, no robot."""
    scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
    return gate.is_fresh(request) and role_bindings.holds(person(request), Permission.BINDING_EDIT, scope)


def demand(request: HttpRequest | Request, project: Project, plan: Plan) -> None:
    """Check the rights that the steps need. Raises `gate.Denied`."""
    finding.demand(request, Permission.PROJECT_EDIT, project)
    if plan.changes_namespaces:
        finding.demand(request, Permission.PROJECT_ASSIGN, project)
