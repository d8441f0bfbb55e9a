"""Signing in, people and bindings in the browser."""

import pytest
from django.test import Client

from portal.access.scopes import ScopeKind
from portal.accounts import limits, services
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, Identity, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.tokens.models import Token
from tests.architecture.addresses import body
from tests.clusters.projects.conftest import a_project, a_team
from tests.factories.outside import a_group, join
from tests.factories.robots import robot_of, token_of
from tests.people import PASSWORD, client_of, person

pytestmark = pytest.mark.django_db


def sign_in(client: Client, username: str, password: str, path: str = "/sign-in/") -> int:
    """Type name and password."""
    return client.post(path, {"username": username, "password": password}).status_code


def test_signing_in_leads_where_one_wanted_to_go(ann: User, client: Client) -> None:
    wanted = client.get("/jobs/")
    assert wanted.headers["Location"] == "/sign-in/?next=/jobs/"
    answer = client.post(wanted.headers["Location"], {"username": "ANN", "password": PASSWORD})
    assert answer.headers["Location"] == "/jobs/"
    assert Event.objects.filter(kind="accounts.session.start", actor_label="ann").exists()


def test_a_fragment_without_session_moves_the_whole_page(client: Client) -> None:
    answer = client.get(
        "/jobs/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/?state=dead"}
    )
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=/jobs/%3Fstate%3Ddead"


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/sign-out/"])
def test_next_never_leads_away(ann: User, client: Client, where: str) -> None:
    answer = client.post("/sign-in/", {"username": "ann", "password": PASSWORD, "next": where})
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("username", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("ann", ""), ("", ""), ("ann", " ")]
)
def test_wrong_passwords_are_refused_alike(ann: User, client: Client, username: str, password: str) -> None:
    answer = client.post("/sign-in/", {"username": username, "password": password})
    assert answer.status_code == 422
    assert "_auth_user_id" not in client.session
    assert PASSWORD not in answer.content.decode()


def test_the_right_password_waits_too_after_too_many_tries(ann: User, client: Client) -> None:
    for _turn in range(limits.PER_ACCOUNT):
        sign_in(client, "ann", "wrong")
    assert sign_in(client, "ann", PASSWORD) == 429
    assert "_auth_user_id" not in client.session


def test_a_one_time_password_must_be_replaced(client: Client) -> None:
    _user, password = services.create_user(username="new", by=COMMAND)
    assert client.post("/sign-in/", {"username": "new", "password": password}).headers["Location"] == "/password/"
    assert client.post("/password/", {"password": "short"}).status_code == 422
    assert client.post("/password/", {"password": PASSWORD}).headers["Location"] == "/"
    assert "_auth_user_id" in client.session
    assert not User.objects.get(username="new").password_is_one_time


def test_deactivating_ends_the_session(ann: User) -> None:
    other = person("eve", "admin")
    browser = client_of(other)
    assert browser.get("/jobs/").status_code == 200
    client_of(ann).post("/people/of/eve/active/", {"active": "0"})
    assert browser.get("/jobs/").status_code == 302


def test_granting_and_revoking_on_the_page(ann: User, bob: User) -> None:
    browser = client_of(ann)
    answer = browser.post("/people/of/bob/grant/", {"role": "auditor", "scope_kind": "everything", "scope": ""})
    assert answer.status_code == 302, answer.content.decode()
    assert client_of(bob).get("/audit/").status_code == 200
    binding = Binding.objects.get(user=bob)
    browser.post(f"/people/bindings/{binding.pk}/revoke/")
    assert client_of(bob).get("/audit/").status_code == 404


def test_adding_a_person_shows_the_password_once(ann: User) -> None:
    answer = client_of(ann).post("/people/new/", {"username": "new.person", "display_name": "New"})
    assert answer.status_code == 200
    assert "one-time" in answer.content.decode().lower()
    assert client_of(ann).post("/people/new/", {"username": "new.person"}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/people/", "/people/bindings/", "/people/of/bob/", "/audit/", "/jobs/", "/people/new/"]
)
def test_pages_need_their_permission(path: str, ann: User, bob: User, client: Client) -> None:
    assert client.get(path).status_code == 302
    assert client_of(bob).get(path).status_code == 404
    assert client_of(ann).get(path).status_code == 200
    assert Event.objects.filter(kind="access.denied", actor_label="bob").exists()


@pytest.mark.parametrize("path", ["/api/v1/people/", "/api/v1/bindings/", "/api/v1/audit-events/"])
def test_the_api_needs_its_permission(path: str, ann: User, bob: User, client: Client) -> None:
    assert client.get(path).status_code == 401
    refused = client_of(bob).get(path)
    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "application/problem+json"
    answer = client_of(ann).get(path)
    assert answer.status_code == 200
    assert {"next", "results"} <= set(answer.json())


def test_signing_out_needs_a_post(ann: User) -> None:
    browser = client_of(ann)
    assert browser.get("/sign-out/").status_code == 405
    assert browser.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert "_auth_user_id" not in browser.session


def test_a_form_without_token_changes_nothing(ann: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann)
    assert browser.post("/people/new/", {"username": "x"}).status_code == 403
    assert not User.objects.filter(username="x").exists()


def test_giving_by_name_tells_nobody_of_somebody_elses_robot(ann: User, bob: User) -> None:
    at, team = clock.now(), a_team()
    ours, theirs = a_project("Ours", team), a_project("Theirs", team)
    for project, slug in ((ours, "near"), (theirs, "far")):
        robot = robot_of(project, slug, at)
        scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
        role_bindings.grant(user=robot.user, role="project_viewer", scope=scope, by=COMMAND, at=at)
    scope = role_bindings.Scope(ScopeKind.PROJECT, ours.pk, ours.name)
    role_bindings.grant(user=bob, role="project_owner", scope=scope, by=COMMAND, at=at)
    person("gone")
    User.objects.filter(username="gone").update(is_active=False)
    browser = client_of(bob)
    given = {"role": "project_viewer", "scope_kind": "project", "scope": ours.slug}
    absent = browser.get("/people/of/nobody/grant/")
    for name in ("robot-far", "gone"):
        for answer in (browser.get(f"/people/of/{name}/grant/"), browser.post(f"/people/of/{name}/grant/", given)):
            assert answer.status_code == absent.status_code == 404
            assert body(answer) == body(absent).replace(b"nobody", name.encode())
    assert browser.get("/people/of/robot-near/grant/").status_code == 200
    assert client_of(ann).get("/people/of/robot-far/grant/").status_code == 200
    # Whoever gives roles in one project alone may not see the person's page: back to the members.
    person("cleo")
    assert browser.post("/people/of/cleo/grant/", given).headers["Location"] == f"/projects/{ours.slug}/members/"


def test_an_account_elsewhere_is_unlinked_on_the_page(ann: User, bob: User) -> None:
    identity = join(bob, a_group("ops"))
    address = f"/people/identities/{identity.pk}/unlink/"
    page = client_of(ann).get("/people/of/bob/").content.decode()
    assert f'action="{address}"' in page
    assert "Unlink bob at Corporate directory? Sessions" in page
    auditor = client_of(person("reader", "auditor"))
    assert address not in auditor.get("/people/of/bob/").content.decode()
    assert auditor.post(address).status_code == 404
    assert client_of(ann).post(address).headers["Location"] == "/people/of/bob/"
    assert not Identity.objects.exists()
    assert Event.objects.filter(kind="accounts.identity.unlink", actor_label="ann", on_label="bob").exists()


def test_unlinking_the_last_way_in_is_said(ann: User, bob: User) -> None:
    join(bob, a_group("ops"))
    bob.set_unusable_password()
    bob.save()
    assert "It is their last way to sign in" in client_of(ann).get("/people/of/bob/").content.decode()


def test_the_page_of_a_person_shows_their_tokens(ann: User, bob: User) -> None:
    at, project = clock.now(), a_project("Checkout", a_team())
    token = token_of(bob, project, at)
    Token.objects.filter(pk=token.pk).update(last_used_at=at, last_address="192.0.2.7")
    token_of(person("bobby"), project, at)
    page = client_of(ann).get("/people/of/bob/").content.decode()
    assert page.count("Checkout token") + page.count("checkout token") == 1
    assert "192.0.2.7" in page and "Ends" in page
    assert "/tokens/?of=bob" in page
    assert len(client_of(ann).get("/tokens/?of=bob").context["page"].rows) == 1
    assert "None." in client_of(ann).get("/people/of/ann/").content.decode()
