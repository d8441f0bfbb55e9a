"""Roles that end: who is told, how often, and what is forgotten when."""

from datetime import timedelta
from typing import Any

import pytest

from portal.access.scopes import ScopeKind
from portal.accounts.bindings import ending, givers, memberships, role_bindings
from portal.accounts.models import Binding, Identity, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.outbox.models import Message
from tests.clusters.projects.conftest import a_project, a_team
from tests.factories.outside import a_group
from tests.people import person

pytestmark = pytest.mark.django_db
NOW = clock.now()
DAY = timedelta(days=1)


@pytest.fixture
def place(db: None) -> role_bindings.Scope:
    """A project with an owner who can be written to."""
    project = a_project("Checkout", a_team())
    scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
    owner = person("olga")
    owner.email = "olga@example.org"
    owner.save()
    role_bindings.grant(user=owner, role="project_owner", scope=scope, by=COMMAND, at=NOW - 60 * DAY)
    return scope


def give(scope: role_bindings.Scope, ends: timedelta, *, since: timedelta = 60 * DAY, **holder: Any) -> Binding:
    """Give a role `since` ago that ends in `ends` from now."""
    return role_bindings.grant(
        role="project_member", scope=scope, by=COMMAND, at=NOW - since, expires_at=NOW + ends, **holder
    )


def told() -> set[str]:
    return {address for message in Message.objects.filter(kind="mail") for address in message.to}


@pytest.fixture
def bob_with_mail(bob: User) -> User:
    """Bob, who can be written to."""
    bob.email = "bob@example.org"
    bob.save()
    return bob


def test_holder_and_owners_are_told_a_week_and_a_day_before_each_once(
    place: role_bindings.Scope, bob_with_mail: User
) -> None:
    binding = give(place, 6 * DAY, user=bob_with_mail)
    assert ending.warn(at=NOW) == 1
    assert ending.warn(at=NOW) == 0
    assert told() == {"bob@example.org", "olga@example.org"}
    assert Message.objects.count() == 2
    first = Message.objects.filter(to__contains=["bob@example.org"]).get()
    assert first.subject == "A role ends in 6 days: Project member on Checkout"
    assert ending.warn(at=NOW + 5 * DAY + timedelta(hours=1)) == 1
    assert ending.warn(at=NOW + 5 * DAY + timedelta(hours=2)) == 0
    assert Message.objects.count() == 4
    binding.refresh_from_db()
    assert binding.warned_days == 1


def test_another_end_is_warned_of_anew(place: role_bindings.Scope, bob_with_mail: User) -> None:
    binding = give(place, 6 * DAY, user=bob_with_mail)
    ending.warn(at=NOW)
    role_bindings.change_end(binding=binding, expires_at=NOW + 20 * DAY, by=COMMAND, at=NOW)
    assert ending.warn(at=NOW) == 0
    assert ending.warn(at=NOW + 15 * DAY) == 1


@pytest.mark.parametrize(
    ("ends", "since", "expected"),
    [
        (8 * DAY, 60 * DAY, 0),
        (7 * DAY, 60 * DAY, 1),
        (timedelta(hours=3), 60 * DAY, 1),
        (6 * DAY, timedelta(hours=1), 0),
        (timedelta(hours=20), timedelta(hours=1), 0),
        (timedelta(hours=20), 5 * DAY, 1),
    ],
)
def test_what_was_given_for_less_is_not_warned_of_early(
    place: role_bindings.Scope, bob_with_mail: User, ends: timedelta, since: timedelta, expected: int
) -> None:
    give(place, ends, since=since, user=bob_with_mail)
    assert ending.warn(at=NOW) == expected


def test_the_people_of_a_group_are_told(place: role_bindings.Scope, bob_with_mail: User) -> None:
    give(place, 3 * DAY, group=a_group("ops", bob_with_mail))
    assert ending.warn(at=NOW) == 1
    assert told() == {"bob@example.org", "olga@example.org"}


def test_without_any_address_it_is_still_done_once(place: role_bindings.Scope, bob: User) -> None:
    User.objects.update(email="")
    give(place, 3 * DAY, user=bob)
    assert ending.warn(at=NOW) == 1
    assert ending.warn(at=NOW) == 0
    assert not Message.objects.exists()


def test_an_ended_role_is_forgotten_after_ninety_days_and_audited(
    place: role_bindings.Scope, bob: User, cleo: User
) -> None:
    old, recent = give(place, DAY, user=bob), give(place, DAY, user=cleo)
    Binding.objects.filter(pk=old.pk).update(expires_at=NOW - 91 * DAY)
    Binding.objects.filter(pk=recent.pk).update(expires_at=NOW - 89 * DAY)
    assert ending.prune(at=NOW) == 1
    assert not Binding.objects.filter(pk=old.pk).exists()
    assert Binding.objects.filter(pk=recent.pk).exists()
    assert Event.objects.filter(kind="accounts.binding.forget", on_id=str(old.pk)).exists()


def test_nearest_givers_are_told_by_their_own_roles_and_through_groups(place: role_bindings.Scope, bob: User) -> None:
    """One rule for requests, reviews, ends of roles and tokens of robots."""
    assert place.id is not None

    def told_of(**more: Any) -> list[str]:
        return givers.addresses(place.kind, place.id, at=NOW, **more)

    olga = User.objects.get(username="olga")
    assert told_of() == ["olga@example.org"]
    team = memberships.team_of(place.id)
    User.objects.filter(pk=bob.pk).update(email="bob@example.org")
    scope = role_bindings.Scope(ScopeKind.TEAM, team, "Team")
    role_bindings.grant(group=a_group("leads", bob), role="team_owner", scope=scope, by=COMMAND, at=NOW)
    boss = person("boss", "admin")
    User.objects.filter(pk=boss.pk).update(email="boss@example.org")
    assert told_of() == ["olga@example.org"]
    assert told_of(but=olga) == ["bob@example.org"]
    assert told_of(without=Binding.objects.get(user=olga).pk) == ["bob@example.org"]
    User.objects.exclude(pk=boss.pk).update(is_active=False)
    assert told_of() == ["boss@example.org"]
    assert givers.addresses("everything", None, at=NOW) == ["boss@example.org"]
    User.objects.update(is_active=True, email="")
    Identity.objects.update(email="bob@corp.example")
    assert told_of() == ["bob@corp.example"]
