"""Opening, changing and closing teams."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.projects import naming
from clusters.projects.models import ProjectTenure, Team, fold
from portal.access.scopes import ScopeKind
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate
from portal.tokens.services import robots


def open(  # noqa: A001 - read as teams.open, never imported by itself
    *,
    name: str,
    by: Actor,
    at: datetime,
    slug: str = "",
    cost_centre: str = "",
    owner: str = "",
    is_demo: bool = False,
) -> Team:
    """Open a team. Without a slug one is made of the name. Raises `Refused` (name or slug taken or malformed)."""
    cleaned = " ".join(name.split())
    team = Team(
        name=cleaned, slug=slug or _slug(cleaned), cost_centre=cost_centre, owner=owner, created_at=at, is_demo=is_demo
    )
    with transaction.atomic():
        _save(team, new=True)
        audit.record("projects.team.create", by=by, on=team.as_subject(), after=_as_audited(team))
    return team


def change(*, team: Team, name: str, cost_centre: str, owner: str, by: Actor) -> Team:
    """Rename a team, or change whom it is charged to and who answers for it. Raises `Refused`."""
    with transaction.atomic():
        locked = Team.objects.select_for_update().get(pk=team.pk)
        before = _as_audited(locked)
        locked.name, locked.cost_centre, locked.owner = " ".join(name.split()), cost_centre, owner
        if _as_audited(locked) != before:
            _save(locked)
            audit.record(
                "projects.team.change", by=by, on=locked.as_subject(), before=before, after=_as_audited(locked)
            )
    return locked


def close(*, team: Team, by: Actor, at: datetime) -> Team:
    """Close a team that owns no project any more; its robots end with it. Raises `Conflict`."""
    with transaction.atomic():
        locked = Team.objects.select_for_update().get(pk=team.pk)
        if locked.ended_at is not None:
            raise errors.Conflict.one("", _("This team is closed already."))
        if ProjectTenure.objects.current().filter(team=locked).exists():
            raise errors.Conflict.one("", _("This team still owns projects. Move or close them first."))
        locked.ended_at = at
        locked.save(update_fields=["ended_at"])
        audit.record("projects.team.close", by=by, on=locked.as_subject())
        robots.retire_all(kind=ScopeKind.TEAM, home_id=locked.pk, by=by, at=at)
    return locked


def _slug(name: str) -> str:
    wanted = naming.slug_of(name) or "team"
    return naming.free(wanted, set(Team.objects.filter(slug__startswith=wanted[:50]).values_list("slug", flat=True)))


def _save(team: Team, *, new: bool = False) -> None:
    team.name_folded = fold(team.name)
    taken = errors.Refused.one("name", _("A team of this name is there already."))
    if Team.objects.filter(name_folded=team.name_folded).exclude(pk=team.pk).exists():
        raise taken
    if team.slug in naming.RESERVED:
        raise errors.Refused.one("slug", _("This slug is kept for Paddock itself. Choose another."))
    validate(team)
    try:
        with transaction.atomic():
            team.save(force_insert=new)
    except IntegrityError:
        raise taken from None


def _as_audited(team: Team) -> dict[str, str]:
    return {"name": team.name, "slug": team.slug, "cost_centre": team.cost_centre, "owner": team.owner}
