"""Mail before a token ends."""

from datetime import datetime

import pytest

from portal.access.permissions import Permission as P
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import GroupMembership, Identity, OutsideGroup, Provider, User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.outbox.models import Message
from portal.tokens.models import Token
from portal.tokens.services import tokens, warnings
from tests.portal.tokens.conftest import DAY, Estate, give, make, scope_of
from tests.portal.tokens.test_robots import robot_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mailed(ann: User, bob: User, cleo: User) -> None:
    """Everybody has an address."""
    for user in (ann, bob, cleo):
        user.email = f"{user.username}@example.com"
        user.save(update_fields=["email"])


def subjects() -> list[str]:
    """What was written."""
    return list(Message.objects.order_by("created_at").values_list("subject", flat=True))


def days_before(token: Token, days: float) -> datetime:
    """An instant before its end."""
    return token.expires_at - days * DAY


def test_at_14_3_and_1_days_each_once(ann: User, estate: Estate) -> None:
    token, text = make(ann, None, days=30)
    for days, mails in ((20, 0), (14.1, 0), (14, 1), (13, 1), (3.5, 1), (3, 2), (2, 2), (1, 3), (0.5, 3), (0.1, 3)):
        for _turn in range(2):
            warnings.warn(at=days_before(token, days))
        assert Message.objects.count() == mails, days
    first = Message.objects.order_by("created_at")[0]
    assert first.to == ["ann@example.com"]
    assert "report" in first.subject
    assert token.begins in first.body
    assert text not in first.body


def test_who_sleeps_gets_one_and_not_three(ann: User, estate: Estate) -> None:
    token, _text = make(ann, None, days=30)
    warnings.warn(at=days_before(token, 0.5))
    warnings.warn(at=days_before(token, 0.4))
    assert len(subjects()) == 1


@pytest.mark.parametrize(("life", "mails"), [(1, 0), (2, 1), (7, 2), (14, 2), (30, 3)])
def test_a_short_life_is_warned_of_less(ann: User, estate: Estate, life: int, mails: int) -> None:
    token, _text = make(ann, None, days=life)
    for hours in range(24 * life, 0, -6):
        warnings.warn(at=days_before(token, hours / 24))
    assert len(subjects()) == mails


def test_ended_ones_and_those_of_nobody_are_silent(ann: User, bob: User, estate: Estate) -> None:
    revoked, _text = make(ann, None)
    tokens.revoke(token=revoked, by=COMMAND, at=clock.now())
    give(bob, "project_viewer", estate.shop)
    gone, _text = make(bob, estate.shop)
    accounts.set_active(user=bob, active=False, by=COMMAND)
    late, _text = make(ann, None, days=2)
    warnings.warn(at=late.expires_at)
    warnings.warn(at=days_before(gone, 2))
    assert subjects() == []


def test_an_owner_without_address_shows_in_the_outbox(dan: User, estate: Estate) -> None:
    give(dan, "project_viewer", estate.shop)
    token, _text = make(dan, estate.shop)
    warnings.warn(at=days_before(token, 2))
    (message,) = Message.objects.all()
    assert message.state == "no_target"


def test_a_robots_mail_goes_to_the_owners_of_its_home(
    ann: User, bob: User, cleo: User, dan: User, estate: Estate
) -> None:
    give(bob, "project_owner", estate.shop)
    give(dan, "project_member", estate.shop)
    robot = robot_by(bob, estate.shop)
    provider = Provider.objects.create(key="corp", kind="ldap", name="Corp", enabled=True)
    group = OutsideGroup.objects.create(provider=provider, external_id="1", name="leads", seen_at=clock.now())
    identity = Identity.objects.create(
        user=cleo, provider=provider, subject="1", username="cleo", groups_as_of=clock.now() + DAY
    )
    GroupMembership.objects.create(identity=identity, group=group, direct=True)
    scope = scope_of(estate.shop)
    role_bindings.grant(group=group, role="project_owner", scope=scope, by=COMMAND, at=clock.now())
    token, _text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=bob, days=2)
    warnings.warn(at=days_before(token, 1))
    (message,) = Message.objects.all()
    assert message.to == ["bob@example.com", "cleo@example.com"]
    assert "Pipeline" in message.body


def test_without_owners_of_the_project_those_of_the_team_hear_of_it(ann: User, bob: User, estate: Estate) -> None:
    give(bob, "team_owner", estate.team)
    robot = robot_by(bob, estate.shop)
    token, _text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=bob)
    warnings.warn(at=days_before(token, 2))
    (message,) = Message.objects.all()
    assert message.to == ["bob@example.com"]
