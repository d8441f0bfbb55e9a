"""Finding people and groups by any part of their names."""

import pytest
from django.db import connection

from portal.access.scopes import ScopeKind
from portal.accounts import services
from portal.accounts.bindings import role_bindings, searching
from portal.accounts.models import User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_project, a_team
from tests.factories.outside import a_group, a_provider
from tests.people import client_of, person

pytestmark = pytest.mark.django_db


def names(text: str, by: User) -> list[str]:
    return [one.name for one in searching.find(text, by=by)]


@pytest.mark.parametrize("text", ["äNN", "ann", "Svensson", "SVENS", "ｓｖｅｎ", "n sv", "nn"])
def test_any_part_in_any_case_finds_a_person(ann: User, text: str) -> None:
    User.objects.filter(pk=ann.pk).update(display_name="Änn Svensson")
    assert names(text, ann) == ["ann"]


def test_groups_are_found_by_name_and_place(ann: User) -> None:
    a_group("shop-developers", path="cn=shop-developers,ou=Berlin,dc=example")
    assert names("DEVELOP", ann) == ["shop-developers"]
    assert names("berlin", ann) == ["shop-developers"]


@pytest.mark.parametrize("text", ["", " ", "a", "\0", "%", "__", "%%%", "*", "\\", "'; drop table"])
def test_signs_mean_themselves(ann: User, bob: User, text: str) -> None:
    assert names(text, ann) == []


def test_who_is_gone_is_not_found(ann: User, bob: User) -> None:
    services.set_active(user=bob, active=False, by=COMMAND)
    group = a_group("bobbers")
    group.gone_at = clock.now()
    group.save()
    assert names("bob", ann) == []
    a_group("bobsled", provider=a_provider("old"))
    assert names("bob", ann) == ["bobsled"]
    provider = a_provider("old")
    provider.enabled = False
    provider.save()
    assert names("bob", ann) == []


def test_robots_are_found_by_those_who_see_them_as_members(ann: User, bob: User) -> None:
    mine, theirs = a_project("Checkout", a_team()), a_project("Till", a_team("Other"))
    for thing, name in ((mine, "robot-one"), (theirs, "robot-two")):
        robot = person(name)
        User.objects.filter(pk=robot.pk).update(kind="robot")
        scope = role_bindings.Scope(ScopeKind.PROJECT, thing.pk, thing.name)
        role_bindings.grant(user=robot, role="project_viewer", scope=scope, by=COMMAND, at=clock.now())
    scope = role_bindings.Scope(ScopeKind.PROJECT, mine.pk, mine.name)
    role_bindings.grant(user=bob, role="project_owner", scope=scope, by=COMMAND, at=clock.now())
    assert names("robot", User.objects.get(pk=bob.pk)) == ["robot-one"]
    assert sorted(names("robot", ann)) == ["robot-one", "robot-two"]


def test_the_best_stand_first_and_there_are_twenty_at_most(ann: User) -> None:
    for number in range(30):
        person(f"x-deploy-{number}")
    person("deploy")
    a_group("deployers")
    found = names("deploy", ann)
    assert len(found) == 20
    assert found[0] == "deploy"
    assert "deployers" in found


def test_the_index_serves_the_search(ann: User) -> None:
    with connection.cursor() as cursor:
        # Of a handful of rows any way to read them is cheap; what is asked is whether the index can serve at all.
        for other in ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan"):
            cursor.execute(f"SET LOCAL {other} = off")
        given = searching.parameters("nn", robots=[], most=20)
        cursor.execute(f"EXPLAIN {searching.STATEMENT_FOR_PEOPLE}", given)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "user_account_search" in plan


def test_the_fragment_lists_options_and_says_when_there_is_none(ann: User, bob: User) -> None:
    client = client_of(ann)
    assert 'role="option"' in client.get("/people/bindings/search/", {"who": "BO"}).content.decode()
    assert "Nobody and no group" in client.get("/people/bindings/search/", {"who": "zzz"}).content.decode()
    assert client.get("/people/bindings/search/", {"who": "b"}).content.decode().strip() == ""


def test_the_list_of_people_is_searched_and_filtered(ann: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(display_name="Robert Baker")
    a_group("g", bob)
    client = client_of(ann)

    def listed(**query: str) -> list[str]:
        return [row["username"] for row in client.get("/api/v1/people/", query).json()["results"]]

    assert listed(username="BAKER") == ["bob"]
    assert listed(username="ob") == ["bob"]
    assert listed(source="corp") == ["bob"]
    assert listed(source="local") == ["ann", "bob"]
    assert listed(state="never") == ["bob"]
    assert listed(robots="1") == []
