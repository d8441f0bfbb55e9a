"""What a token's scope leaves of rights that mean something on everything alone, and of a maker's right for a time."""

from datetime import timedelta

import pytest
from django.test import Client

from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import EVERYTHING, Scope
from portal.accounts.models import Binding, User
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.tokens.services import robots, tokens
from tests.factories import rivals
from tests.people import person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ALL = frozenset(Permission) - PERSONAL


@pytest.mark.parametrize("by", ["scope", "only"])
def test_a_token_of_a_project_reads_nothing_of_everything(ann: User, by: str) -> None:
    project = rivals.world().ours.project
    place = Scope(ScopeKind.PROJECT, project.pk, project.slug)
    scope, only = (place, ()) if by == "scope" else (EVERYTHING, (place,))
    wanted = tokens.Wanted("narrow", scope, ALL, clock.now() + DAY, only=only)
    _token, text = tokens.create(user=ann, wanted=wanted, by=COMMAND, at=clock.now())
    program = Client(headers={"Authorization": f"Bearer {text}"})
    assert len(program.get("/api/v1/projects/").json()["results"]) == 1
    for name in ("people", "providers", "roles", "outside-groups", "outbox-messages", "price-books"):
        assert program.get(f"/api/v1/{name}/").status_code == 404, name


def test_a_robots_token_does_not_outlive_its_makers_right(ann: User) -> None:
    project, at = rivals.world().ours.project, clock.now()
    place = Scope(ScopeKind.PROJECT, project.pk, project.slug)
    temp = person("temp")
    rivals.give(temp, "project_owner", ScopeKind.PROJECT, project)
    Binding.objects.filter(user=temp).update(expires_at=at + 2 * DAY)
    temp = User.objects.get(pk=temp.pk)
    wanted = robots.Wanted("deploy", "Deploy", place, "project_viewer")
    with pytest.raises(errors.Refused) as refused:
        robots.create(wanted=wanted, creator=temp, by=COMMAND, at=at)
    assert list(refused.value.errors) == ["expires_at"]
    robot = robots.create(wanted=wanted, creator=ann, by=COMMAND, at=at)
    rights = frozenset({Permission.PROJECT_VIEW})
    long, short = (tokens.Wanted("ci", place, rights, at + days * DAY) for days in (3, 1))
    with pytest.raises(errors.Refused) as refused:
        tokens.create(user=robot.user, wanted=long, maker=temp, by=COMMAND, at=at)
    assert list(refused.value.errors) == ["expires_at"]
    assert tokens.create(user=robot.user, wanted=short, maker=temp, by=COMMAND, at=at)
    assert role_bindings.holds(temp, Permission.ROBOT_EDIT, place)
