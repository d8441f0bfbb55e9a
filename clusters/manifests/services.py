"""Making a project what a document says: all of it, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from clusters.manifests import difference, present
from clusters.manifests.difference import Plan
from clusters.manifests.document import Manifest
from clusters.projects.models import Project, Team
from clusters.projects.services import holdings, projects
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


def preview(
    *, project: Project, wanted: Manifest, person: User, at: datetime, prune: bool = True, personal: bool = True
) -> Plan:
    """Return what `apply` would do. Raises what `difference.plan` raises."""
    standing = present.of_project(project, at=at)
    return difference.plan(standing, wanted, person=person, at=at, prune=prune, personal=personal)


def apply(
    *,
    project: Project,
    wanted: Manifest,
    person: User,
    by: Actor,
    at: datetime,
    prune: bool = True,
    personal: bool = True,
) -> Plan:
    """Make the project what the document says; a document that says what holds writes nothing.

    Whoever calls checks the rights on the project (`demands`). Raises `Refused` with the path of each fault, and
    `Conflict` where somebody changed the same at the same moment.
    """
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        plan = preview(project=locked, wanted=wanted, person=person, at=at, prune=prune, personal=personal)
        if not plan.steps:
            return plan
        if plan.fields:
            projects.change_as_code(project=locked, fields=plan.fields, by=by)
        scope = role_bindings.Scope(ScopeKind.PROJECT, locked.pk, locked.name)
        for binding in plan.take:
            role_bindings.revoke(binding=binding, by=by, at=at)
        for path, member, held in plan.ends:
            with _at(path):
                role_bindings.change_end(binding=held, expires_at=member.until, by=by, at=at, granted_by=person)
        for path, member, holder in plan.give:
            with _at(path):
                role_bindings.grant(
                    user=holder if isinstance(holder, User) else None,
                    group=None if isinstance(holder, User) else holder,
                    role=member.role,
                    scope=scope,
                    by=by,
                    at=at,
                    reason=member.reason,
                    expires_at=member.until,
                    granted_by=person,
                )
        if plan.release:
            holdings.release(project=locked, namespaces=plan.release, by=by, at=at)
        if plan.claim:
            holdings.assign(project=locked, namespaces=plan.claim, by=by, at=at)
        audit.record(
            "projects.project.apply",
            by=by,
            on=locked.as_subject(),
            after={"steps": [asdict(one) for one in plan.steps]},
        )
    return plan


_FIELDS = {"expires_at": "until", "role": "role"}


@contextmanager
def _at(path: str) -> Iterator[None]:
    """Put what a rule of bindings refuses at the entry of the document."""
    try:
        yield
    except errors.Refused as refused:
        found = {f"{path}.{_FIELDS[key]}" if key in _FIELDS else path: texts for key, texts in refused.errors.items()}
        raise type(refused)(found) from None


def open_as(*, wanted: Manifest, team: Team, by: Actor, at: datetime) -> Project:
    """Open a project under the document's slug. Raises `Refused` as `projects.open` does."""
    return projects.open(name=wanted.name or wanted.slug, team=team, slug=wanted.slug, by=by, at=at)
