"""Making and retiring robots."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import Binding, User, fold
from portal.accounts.models.people import ROBOT
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate
from portal.tokens import places
from portal.tokens.models import Robot, Token
from portal.tokens.services import tokens

HOMES = frozenset({ScopeKind.TEAM, ScopeKind.PROJECT})
# Words of addresses beside the robots' slugs.
RESERVED = frozenset({"new", "tokens"})
_PREFIX = "robot-"


@dataclass(frozen=True)
class Wanted:
    """What a new robot is to be. Its role holds on its home, or on `scope` inside of it."""

    slug: str
    name: str
    home: Scope
    role: str
    description: str = ""
    scope: Scope | None = None


@transaction.atomic
def create(*, wanted: Wanted, creator: User, by: Actor, at: datetime) -> Robot:
    """Make a robot with its role. It stays when its creator goes.

    Raises `Refused` (the creator may not manage robots there or lacks a right of the role, a slug that is taken).
    """
    scope = wanted.scope or wanted.home
    if wanted.home.kind not in HOMES or wanted.home.id is None:
        raise errors.Refused.one("home", _("A robot belongs to a team or a project."))
    if not role_bindings.holds(creator, Permission.ROBOT_EDIT, wanted.home):
        raise errors.Refused.one("home", _("You do not manage the robots there."))
    if not places.lies_in(scope, wanted.home):
        raise errors.Refused.one("scope", _("The role must lie in what the robot belongs to."))
    username = f"{_PREFIX}{wanted.slug}"
    named = User.objects.filter(username_folded=fold(username))
    if wanted.slug in RESERVED or named.exists() or Robot.objects.filter(slug=wanted.slug).exists():
        raise errors.Refused.one("slug", _("Choose another slug. This one is taken, or was once."))
    name = " ".join(wanted.name.split())
    user = User(username=username, display_name=name, kind=ROBOT, username_folded=fold(username))
    user.set_unusable_password()
    robot = Robot(
        user=user,
        slug=wanted.slug,
        name=name,
        description=wanted.description,
        home_kind=wanted.home.kind.value,
        home_id=wanted.home.id,
        home_label=wanted.home.label[:200],
        created_at=at,
        created_by=by.label,
    )
    validate_new(user, robot)
    user.save(force_insert=True)
    robot.save(force_insert=True)
    audit.record("tokens.robot.create", by=by, on=robot.as_subject(), after=_as_audited(robot))
    role_bindings.grant(user=user, role=wanted.role, scope=scope, by=by, at=at, granted_by=creator)
    return robot


@transaction.atomic
def retire(*, robot: Robot, by: Actor, at: datetime) -> None:
    """End a robot: its account, its tokens and its roles. Retiring it again changes nothing."""
    locked = Robot.objects.select_for_update(of=("self",)).select_related("user").get(pk=robot.pk)
    if locked.retired_at is not None:
        return
    locked.retired_at = at
    locked.save(update_fields=["retired_at"])
    audit.record("tokens.robot.retire", by=by, on=locked.as_subject(), before=_as_audited(locked))
    tokens.revoke_each(tokens=Token.objects.live(at).filter(user=locked.user).select_related("user"), by=by, at=at)
    for binding in Binding.objects.filter(user=locked.user).order_by("pk"):
        role_bindings.revoke(binding=binding, by=by, at=at)
    accounts.set_active(user=locked.user, active=False, by=by)


@transaction.atomic
def retire_all(*, kind: ScopeKind, home_id: UUID, by: Actor, at: datetime) -> int:
    """Retire the robots of a team or project that closes, in the caller's transaction. Returns how many."""
    standing = list(Robot.objects.standing().filter(home_kind=kind.value, home_id=home_id).order_by("pk"))
    for robot in standing:
        retire(robot=robot, by=by, at=at)
    return len(standing)


def validate_new(user: User, robot: Robot) -> None:
    """Raise `Refused` where a slug or a name does not do; the account is not there yet."""
    validate(user)
    refused = {}
    try:
        validate(robot)
    except errors.Refused as error:
        refused = {field: texts for field, texts in error.errors.items() if field != "user"}
    if refused:
        raise errors.Refused(refused)


def _as_audited(robot: Robot) -> dict[str, str]:
    return {
        "slug": robot.slug,
        "name": robot.name,
        "home": f"{robot.home_kind} {robot.home_label or robot.home_id}",
        "description": robot.description,
    }
