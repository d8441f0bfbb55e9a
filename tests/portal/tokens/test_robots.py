"""Robots: accounts of programs that belong to a project or a team."""

import pytest

from clusters.projects.models import Project, Team
from clusters.projects.services import projects, teams
from portal.access.permissions import PERSONAL
from portal.access.permissions import Permission as P
from portal.accounts import services as accounts
from portal.accounts.models import Binding, User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.tokens import selectors
from portal.tokens.models import Robot, Token
from portal.tokens.services import robots
from tests.people import person
from tests.portal.tokens.conftest import Estate, ask, give, make, scope_of, seen

pytestmark = pytest.mark.django_db


def robot_by(
    creator: User, home: Team | Project, role: str = "project_viewer", *, slug: str = "ci", on: Project | None = None
) -> Robot:
    """Have somebody make a robot."""
    wanted = robots.Wanted(
        slug=slug, name="Pipeline", home=scope_of(home), role=role, scope=scope_of(on) if on else None
    )
    return robots.create(wanted=wanted, creator=creator, by=creator.as_actor(), at=clock.now())


@pytest.fixture
def owner(bob: User, estate: Estate) -> User:
    """bob owns Checkout."""
    give(bob, "project_owner", estate.shop)
    return bob


@pytest.fixture
def robot(owner: User, estate: Estate) -> Robot:
    """A robot of Checkout that reads it."""
    return robot_by(owner, estate.shop)


def test_a_robot_is_an_account_without_a_password(robot: Robot, estate: Estate) -> None:
    assert robot.user.kind == "robot"
    assert robot.user.username == "robot-ci"
    assert not robot.user.has_usable_password()
    (binding,) = Binding.objects.filter(user=robot.user)
    assert (binding.role, binding.scope_id) == ("project_viewer", estate.shop.pk)
    event = Event.objects.get(kind="tokens.robot.create")
    assert event.project_id == estate.shop.pk


def test_its_token_does_what_its_role_says(robot: Robot, owner: User, estate: Estate) -> None:
    _token, text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=owner)
    assert seen(text) == {"checkout"}
    assert ask(text, f"/api/v1/projects/{estate.foreign.pk}/").status_code == 404


def test_it_survives_its_creator(robot: Robot, owner: User, estate: Estate) -> None:
    _token, text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=owner)
    Binding.objects.filter(user=owner).delete()
    accounts.set_active(user=owner, active=False, by=COMMAND)
    assert seen(text) == {"checkout"}
    owner.delete()
    assert seen(text) == {"checkout"}


@pytest.mark.parametrize("role", ["finance", "admin", "team_owner", "nothing"])
def test_a_creator_gives_no_more_than_they_have(owner: User, estate: Estate, role: str) -> None:
    with pytest.raises(errors.Refused, match=r"role|scope"):
        robot_by(owner, estate.shop, role)
    assert not Robot.objects.exists()
    assert not User.objects.filter(kind="robot").exists()


def test_a_member_makes_none(cleo: User, estate: Estate) -> None:
    give(cleo, "project_member", estate.shop)
    with pytest.raises(errors.Refused, match="home"):
        robot_by(cleo, estate.shop)


def test_an_administrator_without_cost_makes_none_that_sees_cost(estate: Estate) -> None:
    admin = person("plain", "admin")
    with pytest.raises(errors.Refused, match="role"):
        robot_by(admin, estate.shop, "cost_viewer")


def test_an_administrator_reads_no_cost_through_a_robot(estate: Estate, owner: User) -> None:
    """Whoever makes a token of a robot holds its text, and must hold what it may do."""
    seeing = robot_by(owner, estate.shop, "cost_viewer")
    admin = person("plain", "admin")
    with pytest.raises(errors.Refused, match="permissions"):
        make(seeing.user, estate.shop, [P.COST_VIEW], maker=admin)
    make(seeing.user, estate.shop, [P.PROJECT_VIEW], maker=admin)
    make(seeing.user, estate.shop, [P.COST_VIEW], maker=owner)


def test_a_robots_token_is_no_more_than_the_robot(robot: Robot, ann: User, estate: Estate) -> None:
    for place, permission in ((estate.shop, P.PROJECT_EDIT), (estate.cart, P.PROJECT_VIEW), (None, P.PROJECT_VIEW)):
        with pytest.raises(errors.Refused, match="permissions"):
            make(robot.user, place, [permission], maker=ann)


@pytest.mark.parametrize("permission", sorted(PERSONAL))
def test_no_robot_does_what_is_personal(owner: User, estate: Estate, permission: P) -> None:
    ruler = robot_by(owner, estate.shop, "project_owner")
    assert ruler.user.scopes_for(permission).none


def test_the_role_lies_in_the_home(owner: User, estate: Estate) -> None:
    give(owner, "team_owner", estate.team)
    inside = robot_by(owner, estate.team, "project_viewer", on=estate.cart)
    assert Binding.objects.get(user=inside.user).scope_id == estate.cart.pk
    with pytest.raises(errors.Refused, match="scope"):
        robot_by(owner, estate.team, "project_viewer", slug="other", on=estate.foreign)
    with pytest.raises(errors.Refused, match="scope"):
        robot_by(owner, estate.shop, "project_viewer", slug="other", on=estate.cart)


@pytest.mark.parametrize("slug", ["new", "tokens", "Upper", "-a", "a b", "", "x" * 51, "ci"])
def test_slugs_that_do_not_do(robot: Robot, owner: User, estate: Estate, slug: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        robot_by(owner, estate.shop, slug=slug)
    assert set(refused.value.errors) <= {"slug", "username"}
    assert Robot.objects.count() == 1


def test_a_name_that_somebody_has_is_taken(owner: User, estate: Estate) -> None:
    person("Robot-Deploy")
    with pytest.raises(errors.Refused, match="slug"):
        robot_by(owner, estate.shop, slug="deploy")


def test_retiring_ends_all(robot: Robot, owner: User, estate: Estate) -> None:
    token, text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=owner)
    robots.retire(robot=robot, by=COMMAND, at=clock.now())
    assert ask(text).status_code == 401
    assert selectors.limits_of(str(token.pk)) is None
    assert not Binding.objects.filter(user=robot.user).exists()
    assert Token.objects.get(pk=token.pk).revoked_at is not None
    assert not User.objects.get(pk=robot.user.pk).is_active
    robots.retire(robot=robot, by=COMMAND, at=clock.now())
    assert Event.objects.filter(kind="tokens.robot.retire").count() == 1
    with pytest.raises(errors.Refused):
        make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=owner)
    with pytest.raises(errors.Refused, match="slug"):
        robot_by(owner, estate.shop, slug="ci")


def test_a_closing_project_retires_its_robots(robot: Robot, owner: User, estate: Estate) -> None:
    _token, text = make(robot.user, estate.shop, [P.PROJECT_VIEW], maker=owner)
    other = robot_by(person("root", "admin"), estate.cart, slug="other")
    projects.close(project=estate.shop, by=COMMAND, at=clock.now())
    assert ask(text).status_code == 401
    assert Robot.objects.get(pk=robot.pk).retired_at is not None
    assert Robot.objects.get(pk=other.pk).retired_at is None


def test_a_closing_team_retires_its_robots(ann: User, estate: Estate) -> None:
    mine = robot_by(ann, estate.other_team, "team_owner")
    projects.close(project=estate.foreign, by=COMMAND, at=clock.now())
    assert Robot.objects.get(pk=mine.pk).retired_at is None
    teams.close(team=estate.other_team, by=COMMAND, at=clock.now())
    assert Robot.objects.get(pk=mine.pk).retired_at is not None


def test_who_sees_which_robots(robot: Robot, ann: User, dan: User, cleo: User, estate: Estate) -> None:
    beside = robot_by(ann, estate.team, "cost_viewer", slug="team-wide")
    give(cleo, "team_owner", estate.team)
    give(dan, "team_owner", estate.other_team)
    assert set(Robot.objects.visible_to(ann)) == {robot, beside}
    assert set(Robot.objects.visible_to(cleo)) == {robot, beside}
    assert set(Robot.objects.visible_to(robot.user)) == {robot}
    assert set(Robot.objects.visible_to(dan)) == set()
