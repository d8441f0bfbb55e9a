"""Opening, changing, moving and closing projects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.inventory import services as inventory
from clusters.projects import naming
from clusters.projects.models import NamespaceTenure, Project, ProjectTenure, Team, fold, span
from clusters.projects.services import spreading
from portal.access.scopes import ScopeKind
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate
from portal.tokens.services import robots


def open(  # noqa: A001 - read as projects.open, never imported by itself
    *,
    name: str,
    team: Team,
    by: Actor,
    at: datetime,
    slug: str = "",
    description: str = "",
    is_demo: bool = False,
) -> Project:
    """Open a project that the team owns from the start. Without a slug one is made of the name.

    Raises `Refused` (name taken in the team, slug taken or malformed) and `Conflict` (the team is closed).
    """
    cleaned = " ".join(name.split())
    project = Project(
        name=cleaned, slug=slug or _slug(cleaned), description=description, created_at=at, is_demo=is_demo
    )
    with transaction.atomic():
        owner = _standing_team(team)
        _demand_free_name(cleaned, owner, project.pk)
        _save(project, new=True)
        ProjectTenure.objects.create(project=project, team=owner, period=span(None, None))
        audit.record(
            "projects.project.create",
            by=by,
            on=project.as_subject(),
            after={**_as_audited(project), "slug": project.slug, "team": owner.slug},
        )
    return project


def change(
    *,
    project: Project,
    name: str,
    description: str,
    by: Actor,
    is_listed: bool | None = None,
    version: int | None = None,
) -> Project:
    """Rename a project, describe it otherwise, or let everybody find it; its slug stays.

    `version` is the one that was read: of two who save at once the second sees what the first has saved. Raises
    `Refused`, and `Conflict` for one that is kept as code or was changed meanwhile.
    """
    demand_by_hand(project)
    listed = project.is_listed if is_listed is None else is_listed
    fields: dict[str, str | bool] = {"name": name, "description": description, "is_listed": listed}
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        if version is not None and version != locked.version:
            _demand_same(locked, fields)
        return change_as_code(project=locked, fields=fields, by=by)


def _demand_same(now: Project, fields: Mapping[str, str | bool]) -> None:
    """Raise `Conflict` at each field that somebody else has saved otherwise meanwhile, with what they saved."""
    words = {True: _("yes"), False: _("no"), "": _("nothing")}
    differs = {
        key: [_("Somebody else saved meanwhile: %s. Save again to put yours in its place.") % words.get(kept, kept)]
        for key, value in fields.items()
        if (kept := getattr(now, key)) != value
    }
    if differs:
        raise errors.Conflict(differs)


def demand_by_hand(project: Project) -> None:
    """Raise `Conflict` where the project is kept as code: its manifest would undo what is changed here."""
    if project.managed_by:
        raise errors.Conflict.one(
            "", _("This project is managed by %s: change it in its manifest.") % project.managed_by
        )


def unlock(*, project: Project, by: Actor) -> Project:
    """Let people change by hand again what was kept as code, until the next manifest that says otherwise."""
    return change_as_code(project=project, fields={"managed_by": ""}, by=by)


def change_as_code(*, project: Project, fields: Mapping[str, str | bool], by: Actor) -> Project:
    """Change some of name, description, is_listed and managed_by, as a manifest does. Raises `Refused`."""
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        before = _as_audited(locked)
        for key, value in fields.items():
            setattr(locked, key, value)
        locked.name = " ".join(locked.name.split())
        if _as_audited(locked) != before:
            tenure = ProjectTenure.objects.current().select_related("team").filter(project=locked).first()
            if tenure is not None and fold(locked.name) != fold(before["name"]):
                _demand_free_name(locked.name, tenure.team, locked.pk)
            locked.version += 1
            _save(locked)
            audit.record(
                "projects.project.change", by=by, on=locked.as_subject(), before=before, after=_as_audited(locked)
            )
    return locked


def move_to_team(*, project: Project, team: Team, by: Actor, at: datetime) -> Project:
    """Give the project to another team from `at` on; what it cost until then stays with the former one.

    Raises `Conflict` (closed, or owned by that team already) and `Refused` (name taken in that team).
    """
    with transaction.atomic():
        locked = _standing_project(project)
        receiver = _standing_team(team)
        current = ProjectTenure.objects.current().select_related("team").select_for_update().get(project=locked)
        if current.team_id == receiver.pk:
            raise errors.Conflict.one("team", _("The project belongs to this team already."))
        _demand_free_name(locked.name, receiver, locked.pk)
        _end(current, at)
        ProjectTenure.objects.create(project=locked, team=receiver, period=span(at, None))
        for cluster_id, uid in _held(locked):
            inventory.hold_namespace(
                cluster_id=cluster_id, namespace_uid=uid, team_id=receiver.pk, project_id=locked.pk
            )
        spreading.ask_for([locked.pk], because="team")
        # One event for each side: neither team's owners read the other's name.
        gone, come = locked.as_subject(current.team_id), locked.as_subject(receiver.pk)
        audit.record("projects.project.move", by=by, on=gone, before={"team": current.team.slug, "until": at})
        audit.record("projects.project.move", by=by, on=come, after={"team": receiver.slug, "from": at})
    return locked


def close(*, project: Project, by: Actor, at: datetime) -> Project:
    """Close a project that holds no namespace any more; its robots end with it. Raises `Conflict`."""
    with transaction.atomic():
        locked = _standing_project(project)
        if _held(locked):
            raise errors.Conflict.one("", _("This project still holds namespaces. Move or release them first."))
        last = ProjectTenure.objects.current().select_for_update().get(project=locked)
        _end(last, at)
        locked.ended_at = at
        locked.save(update_fields=["ended_at"])
        audit.record("projects.project.close", by=by, on=locked.as_subject(last.team_id))
        robots.retire_all(kind=ScopeKind.PROJECT, home_id=locked.pk, by=by, at=at)
    return locked


def _held(project: Project) -> list[tuple[UUID, str]]:
    held = NamespaceTenure.objects.current().filter(project=project)
    return list(held.order_by("cluster_id", "namespace_uid").values_list("cluster_id", "namespace_uid"))


def _end(tenure: ProjectTenure, at: datetime) -> None:
    begun = tenure.period.lower
    if begun is not None and begun >= at:
        tenure.delete()  # a span of no length: two changes within one second
        return
    tenure.period = span(begun, at)
    tenure.save(update_fields=["period"])


def _standing_project(project: Project) -> Project:
    locked = Project.objects.select_for_update().get(pk=project.pk)
    if locked.ended_at is not None:
        raise errors.Conflict.one("", _("This project is closed."))
    return locked


def _standing_team(team: Team) -> Team:
    locked = Team.objects.select_for_update().get(pk=team.pk)
    if locked.ended_at is not None:
        raise errors.Conflict.one("team", _("This team is closed."))
    return locked


def _demand_free_name(name: str, team: Team, project_id: UUID) -> None:
    # Within the team only: a word about other teams' projects would tell that they exist.
    names = (
        ProjectTenure.objects.current()
        .filter(team=team)
        .exclude(project_id=project_id)
        .values_list("project__name", flat=True)
    )
    if fold(name) in {fold(taken) for taken in names}:
        raise errors.Refused.one("name", _("The team has a project of this name already."))


def _slug(name: str) -> str:
    wanted = naming.slug_of(name) or "project"
    return naming.free(wanted, set(Project.objects.filter(slug__startswith=wanted[:50]).values_list("slug", flat=True)))


def _save(project: Project, *, new: bool = False) -> None:
    # The slug may be one of a project the person cannot see: what is said is the same, another is offered.
    taken = errors.Refused.one("slug", _("Choose another slug, such as %s.") % _slug(project.slug))
    if new and Project.objects.filter(slug=project.slug).exists():
        raise taken
    if project.slug in naming.RESERVED:
        raise errors.Refused.one("slug", _("This slug is kept for Paddock itself. Choose another."))
    validate(project)
    try:
        with transaction.atomic():
            project.save(force_insert=new)
    except IntegrityError:
        raise taken from None


def _as_audited(project: Project) -> dict[str, Any]:
    return {"name": project.name, "description": project.description, "is_listed": project.is_listed} | (
        {"managed_by": project.managed_by} if project.managed_by else {}
    )
