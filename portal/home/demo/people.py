"""Who does what in the demo: people and their roles, what they ask for, and a program with a token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings, role_services
from portal.accounts.models import Binding, CustomRole, User
from portal.accounts.models.people import PERSON
from portal.audit import services as audit
from portal.core.actors import Actor
from portal.home.demo.catalogue import organisation
from portal.home.demo.catalogue.organisation import Asked, Given, OwnRole, Person
from portal.requests import services as requests
from portal.requests.models import AccessRequest, Review
from portal.tokens.services import robots, tokens

Scopes = Mapping[tuple[str, str], role_bindings.Scope]
# Of the token; it is made anew with the demo alone.
_TOKEN_LIFE = timedelta(days=80)


def bring(scopes: Scopes, *, at: datetime, by: Actor) -> None:
    """Make what is missing; `scopes` are by kind and slug, `at` is the world's now."""
    bring_roles(at=at, by=by)
    for person in organisation.PEOPLE:
        _person(person, scopes, at=at, by=by)
    for asked in organisation.REQUESTS:
        _asked(asked, scopes, at=at, by=by)
    for robot in organisation.ROBOTS:
        _robot(robot, scopes, at=at, by=by)


def bring_roles(*, at: datetime, by: Actor) -> None:
    """Make the roles of the installation's own that are missing."""
    for role in organisation.OWN_ROLES:
        _own_role(role, by=by, at=at)


def erase(scope_ids: list[UUID]) -> tuple[int, int]:
    """Remove people, robots, requests and roles; returns how many people went, and how many roles stay.

    What real people hold on the demo's things goes; a role of the demo that real people hold elsewhere stays.
    """
    AccessRequest.objects.filter(Q(is_demo=True) | Q(scope_id__in=scope_ids)).delete()
    Review.objects.filter(scope_id__in=scope_ids).delete()
    User.objects.filter(robot__home_id__in=scope_ids).delete()
    Binding.objects.filter(Q(is_demo=True) | Q(scope_id__in=scope_ids)).delete()
    gone = User.objects.filter(is_demo=True)
    count = gone.filter(kind=PERSON).count()
    gone.delete()
    brought = CustomRole.objects.filter(name__in=[role.name for role in organisation.OWN_ROLES])
    used = Binding.objects.values("role")
    kept = brought.filter(key__in=used).count()
    brought.exclude(key__in=used).delete()
    return count, kept


def _own_role(role: OwnRole, *, by: Actor, at: datetime) -> None:
    if CustomRole.objects.filter(name=role.name).exists():
        return
    draft = role_services.Draft(
        role.name,
        role.description,
        frozenset(map(ScopeKind, role.kinds)),
        frozenset(map(Permission, role.permissions)),
    )
    role_services.create(draft=draft, by=by, at=at, author=None)


def _person(person: Person, scopes: Scopes, *, at: datetime, by: Actor) -> None:
    """Add a person who holds roles and cannot sign in: there is no password for them."""
    if _of(person.username) is not None:
        return
    taken = User.objects.filter(username=person.username).exists()
    with transaction.atomic():
        user, _password = accounts.create_user(
            username=f"{person.username}.demo" if taken else person.username,
            display_name=person.name,
            email=person.email,
            is_demo=True,
            by=by,
        )
        user.set_unusable_password()
        user.password_is_one_time = False
        user.save(update_fields=["password", "password_is_one_time"])
        for given in person.roles:
            role_bindings.grant(
                user=user,
                role=given.role,
                scope=scopes[given.kind, given.slug],
                by=by,
                at=at,
                reason=given.reason or "demo",
                expires_at=_end(given, at),
                is_demo=True,
            )


def _end(given: Given, at: datetime) -> datetime | None:
    return at + timedelta(days=given.days) if given.days else None


def _asked(asked: Asked, scopes: Scopes, *, at: datetime, by: Actor) -> None:
    """Put in a request without the mail that tells of it: whoever decides here is real."""
    user, given, since = _of(asked.who), asked.given, at - timedelta(hours=asked.hours)
    if user is None or AccessRequest.objects.filter(asker=user, role=given.role, is_demo=True).exists():
        return
    scope = scopes[given.kind, given.slug]
    with transaction.atomic():
        request = AccessRequest.objects.create(
            asker=user,
            role=given.role,
            scope_kind=scope.kind.value,
            scope_id=scope.id,
            scope_label=scope.label,
            asked_for=given.slug,
            reason=given.reason,
            days=given.days or None,
            created_at=since,
            expires_at=since + requests.KEPT_OPEN,
            is_demo=True,
        )
        after = {"role": given.role, "scope": f"{given.kind} {given.slug}", "reason": given.reason, "days": given.days}
        audit.record("requests.request.ask", by=by, on=request.as_subject(), after=after)


def _robot(robot: organisation.Robot, scopes: Scopes, *, at: datetime, by: Actor) -> None:
    """Make a robot with a token whose text nobody sees."""
    home, maker = scopes[robot.home], _of(robot.maker)
    slug = robot.slug
    if maker is None or User.objects.filter(is_demo=True, robot__name=robot.name).exists():
        return
    if User.objects.filter(username=f"robot-{slug}").exists():
        slug = f"{slug}-demo"
    with transaction.atomic():
        wanted = robots.Wanted(slug=slug, name=robot.name, home=home, role=robot.role, description=robot.description)
        made = robots.create(wanted=wanted, creator=maker, by=by, at=at)
        User.objects.filter(pk=made.user_id).update(is_demo=True)
        Binding.objects.filter(user_id=made.user_id).update(is_demo=True)
        token = tokens.Wanted(
            name=robot.token,
            scope=home,
            permissions=frozenset(map(Permission, robot.permissions)),
            expires_at=at + _TOKEN_LIFE,
            networks=robot.networks,
        )
        tokens.create(user=made.user, wanted=token, by=by, at=at, maker=maker)


def _of(username: str) -> User | None:
    """The demo's person of this name in the catalogue, whose user name may be another one here."""
    name = next(one.name for one in organisation.PEOPLE if one.username == username)
    return User.objects.filter(is_demo=True, display_name=name).first()
