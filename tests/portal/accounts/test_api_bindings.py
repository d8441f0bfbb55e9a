"""api/v1 of bindings and roles."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from clusters.projects.models import Project
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, CustomRole, User
from portal.core import clock
from portal.core.actors import COMMAND
from tests.clusters.projects.conftest import a_project, a_team
from tests.factories.outside import a_group
from tests.people import client_of, person

pytestmark = pytest.mark.django_db
ABSENT = str(UUID(int=7))


@pytest.fixture
def shop(db: None) -> Project:
    """A project."""
    return a_project("Checkout", a_team())


@pytest.fixture
def owner(shop: Project) -> Client:
    """Its owner's browser."""
    olga = person("olga")
    give(olga, "project_owner", shop)
    return client_of(olga)


def give(user: User, role: str, on: Project) -> Binding:
    scope = role_bindings.Scope(ScopeKind.PROJECT, on.pk, on.name)
    return role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=clock.now())


def send(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.generic(method, path, json.dumps(body or {}), content_type="application/json")


def on(thing: Project, **more: Any) -> dict[str, Any]:
    return {"role": "project_member", "scope_kind": "project", "scope_id": str(thing.pk), **more}


def test_a_binding_is_given_changed_and_taken_away(owner: Client, shop: Project, bob: User) -> None:
    made = send(owner, "POST", "/api/v1/bindings/", on(shop, user=str(bob.pk), reason="helps"))
    assert made.status_code == 201, made.content
    path = f"/api/v1/bindings/{made.json()['id']}/"
    assert made.json()["scope_label"] == "Checkout"
    changed = send(owner, "PATCH", path, {"expires_at": "2090-01-01T00:00:00Z"})
    assert changed.json()["expires_at"] == "2090-01-01T00:00:00Z"
    moved = send(owner, "PATCH", path, {"role": "project_viewer"}).json()
    assert (moved["role"], moved["expires_at"]) == ("project_viewer", "2090-01-01T00:00:00Z")
    assert send(owner, "DELETE", f"/api/v1/bindings/{moved['id']}/").status_code == 204
    assert not Binding.objects.filter(user=bob).exists()


def test_a_group_is_given_a_role(owner: Client, shop: Project) -> None:
    group = a_group("ops")
    assert send(owner, "POST", "/api/v1/bindings/", on(shop, group=str(group.pk))).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user": None}, "user"),
        ({"user": ABSENT}, "user"),
        ({"user": "x"}, "user"),
        ({"group": ABSENT}, "user"),
        ({"role": "emperor"}, "role"),
        ({"role": "admin"}, "scope"),
        ({"scope_kind": "galaxy"}, "scope_kind"),
        ({"scope_kind": "everything"}, "scope_id"),
        ({"scope_id": None}, "scope_id"),
        ({"scope_id": ABSENT}, "scope_id"),
        ({"expires_at": "yesterday"}, "expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_bad_input_is_named(owner: Client, shop: Project, bob: User, change: dict[str, Any], field: str) -> None:
    answer = send(owner, "POST", "/api/v1/bindings/", on(shop, user=str(bob.pk)) | change)
    assert answer.status_code == 422, answer.content
    assert field in answer.json()["errors"]
    assert not Binding.objects.filter(user=bob).exists()


def test_a_foreign_and_an_absent_scope_are_refused_alike(owner: Client, bob: User) -> None:
    theirs = a_project("Till", a_team("Other"))
    bodies = [
        send(owner, "POST", "/api/v1/bindings/", on(theirs, user=str(bob.pk)) | {"scope_id": key}).json()
        for key in (str(theirs.pk), ABSENT)
    ]
    assert bodies[0] | {"instance": ""} == bodies[1] | {"instance": ""}


def test_the_list_holds_what_one_sees_as_a_member(owner: Client, shop: Project, ann: User, dan: User) -> None:
    give(dan, "project_member", a_project("Till", a_team("Other")))
    mine = owner.get("/api/v1/bindings/").json()["results"]
    assert {row["username"] for row in mine} == {"olga"}
    assert {row["username"] for row in client_of(ann).get("/api/v1/bindings/").json()["results"]} == {
        "ann",
        "olga",
        "dan",
    }


def test_an_old_sign_in_writes_nothing(owner: Client, shop: Project, bob: User) -> None:
    session = owner.session
    session["authenticated_at"] = 0
    session.save()
    answer = send(owner, "POST", "/api/v1/bindings/", on(shop, user=str(bob.pk)))
    assert (answer.status_code, answer.json()["title"]) == (403, "sign_in_again")
    assert not Binding.objects.filter(user=bob).exists()


def test_a_role_is_written_whole_and_in_turn(ann: User) -> None:
    client = client_of(ann)
    role = {"name": "Reader", "scope_kinds": ["project"], "permissions": ["project.view"]}
    made = send(client, "POST", "/api/v1/roles/", role)
    assert made.status_code == 201, made.content
    path, version = "/api/v1/roles/x-reader/", made.json()["version"]
    wider = role | {"permissions": ["project.view", "cost.view"], "version": version}
    assert send(client, "PUT", path, wider).json()["permissions"] == ["project.view", "cost.view"]
    assert send(client, "PUT", path, wider).status_code == 409
    assert {one["key"] for one in client.get("/api/v1/roles/").json()["results"]} >= {"admin", "x-reader"}
    give_to = a_project("Checkout", a_team())
    give(person("bob"), "x-reader", give_to)
    assert send(client, "DELETE", path).status_code == 409
    assert send(client, "DELETE", path, {"take_away": True}).status_code == 204
    assert not CustomRole.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"permissions": ["*"]}, {"permissions": []}, {"scope_kinds": ["galaxy"]}, {"name": "admin"}, {"name": ""}],
)
def test_a_role_without_sense_is_refused(ann: User, change: dict[str, Any]) -> None:
    role = {"name": "Reader", "scope_kinds": ["project"], "permissions": ["project.view"]}
    assert send(client_of(ann), "POST", "/api/v1/roles/", role | change).status_code == 422
    assert not CustomRole.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_built_in_roles_are_not_written(ann: User, method: str) -> None:
    role = {"name": "Reader", "scope_kinds": ["project"], "permissions": ["project.view"]}
    assert send(client_of(ann), method, "/api/v1/roles/admin/", role).status_code == 404


def test_owners_find_groups_and_people_to_give_roles_to(owner: Client, shop: Project, bob: User) -> None:
    group = a_group("bob-and-friends")
    found = owner.get("/api/v1/bindings/holders/", {"who": "BOB"})
    assert found.status_code == 200, found.content
    rows = found.json()["results"]
    assert {(row["kind"], row["name"]) for row in rows} == {("person", "bob"), ("group", "bob-and-friends")}
    key = next(row["id"] for row in rows if row["kind"] == "group")
    assert key == str(group.pk)
    assert send(owner, "POST", "/api/v1/bindings/", on(shop, group=key)).status_code == 201
    assert owner.get("/api/v1/bindings/holders/", {"who": "b"}).json() == {"results": []}
    # What the page for it asks, the API asks: who gives no roles finds nobody, and the whole catalogue is not theirs.
    assert client_of(bob).get("/api/v1/bindings/holders/", {"who": "bob"}).status_code == 404
    for address in ("/settings/groups/", "/api/v1/outside-groups/"):
        assert owner.get(address).status_code == 404
