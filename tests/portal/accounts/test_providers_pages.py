"""The settings of providers: enabling, freezing, who may sign in, trials, patterns; pages and API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from clusters.projects.models import Team
from portal.accounts import limits
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, GroupPattern, Identity, OutsideGroup, Provider, Session, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.clusters.projects.conftest import a_project, a_team
from tests.factories.robots import token_of
from tests.people import client_of, person
from tests.portal.accounts.providing import declare, identity, is_signed_in, read, run_jobs, type_in
from tests.testbed import ldif
from tests.testbed.directories import Directory

pytestmark = pytest.mark.django_db
CORP = "/settings/providers/corp/"


@pytest.fixture
def corp(openldap: Directory, settings: Settings) -> Provider:
    (provider,) = declare(settings, openldap.provider_json(name="Company directory"))
    read(provider)
    return provider


@pytest.fixture
def admin(ann: User) -> Client:
    """An administrator's browser."""
    return client_of(ann)


def arrive(openldap: Directory, username: str) -> Client:
    client = Client()
    type_in(client, username, openldap.password_of(username))
    assert is_signed_in(client), username
    return client


def test_a_declared_provider_is_there_and_disabled(openldap: Directory, settings: Settings, admin: Client) -> None:
    declare(settings, openldap.provider_json(name="Company directory"), enabled=False)
    page = admin.get("/settings/providers/").content.decode()
    assert "Company directory" in page and "Disabled" in page
    assert not Client().get("/sign-in/").context["browsed"]


def test_enabling_reads_its_groups(openldap: Directory, settings: Settings, admin: Client) -> None:
    (provider,) = declare(settings, openldap.provider_json(), enabled=False)
    assert admin.post(f"{CORP}enable/").status_code == 302
    busy = admin.get(CORP).content.decode()
    assert "being read" in busy
    assert run_jobs() == ["succeeded"]
    assert provider.groups.count() == len(ldif.small().groups)
    fragment = admin.get(f"{CORP}state/", headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in fragment
    assert Event.objects.filter(kind="accounts.provider.enable", actor_label="ann").exists()


def test_no_secret_is_on_the_page(corp: Provider, admin: Client) -> None:
    page = admin.get(CORP).content.decode()
    assert "Service account" in page
    assert ldif.SERVICE in page
    assert ldif.SERVICE_PASSWORD not in page
    assert ldif.SERVICE_PASSWORD.replace("'", "&#x27;") not in page


def test_disabling_freezes_and_enabling_brings_back(openldap: Directory, corp: Provider, admin: Client) -> None:
    client = arrive(openldap, "cleo")
    group = OutsideGroup.objects.get(name="team-red")
    role_bindings.grant(group=group, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    assert client.get("/audit/").status_code == 200
    preview = admin.get(f"{CORP}disable/").content.decode()
    assert "Open sessions" in preview

    admin.post(f"{CORP}disable/")

    assert not is_signed_in(client)
    assert not Session.objects.filter(user__username="cleo").exists()
    assert Identity.objects.get(username="cleo").user.rights() == []  # type: ignore[union-attr]
    told = Event.objects.get(kind="accounts.provider.disable")
    assert told.after == {"people": 1, "sessions": 1, "programs": 0, "bindings": 1, "groups": 8}
    admin.post(f"{CORP}enable/")
    assert arrive(openldap, "cleo").get("/audit/").status_code == 200


def test_deleting_is_refused_while_roles_rest_on_it(openldap: Directory, corp: Provider, admin: Client) -> None:
    arrive(openldap, "cleo")
    group = OutsideGroup.objects.get(name="team-red")
    role_bindings.grant(group=group, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    assert admin.post(f"{CORP}delete/", {"with_bindings": "on"}).status_code == 422
    admin.post(f"{CORP}disable/")
    assert admin.post(f"{CORP}delete/").status_code == 422
    assert Binding.objects.filter(group=group).exists()

    assert admin.post(f"{CORP}delete/", {"with_bindings": "on"}).status_code == 302

    assert not Binding.objects.filter(group__isnull=False).exists()
    assert User.objects.filter(username="cleo").exists()
    assert admin.get(CORP).status_code == 200, "declared, so it is back, empty and disabled"
    assert not Provider.objects.get(key="corp").enabled


def test_who_may_sign_in_is_tried_out_by_name_before_it_is_saved(
    openldap: Directory, corp: Provider, admin: Client
) -> None:
    inside, outside = arrive(openldap, "cleo"), arrive(openldap, "fay")
    typed = {"admits": "groups", "groups": "developers", "people": ""}

    tried = admin.post(f"{CORP}admits/", typed)

    assert tried.status_code == 200
    assert [one["account"] for one in tried.context["tried"]["inside"]["people"]] == ["cleo"]
    assert [one["account"] for one in tried.context["tried"]["newly"]["people"]] == ["fay"]
    corp.refresh_from_db()
    assert corp.admits == "anybody"
    assert is_signed_in(outside)

    assert admin.post(f"{CORP}admits/", {**typed, "save": "1"}).status_code == 302
    assert is_signed_in(inside)
    assert not is_signed_in(outside)
    told = Event.objects.get(kind="accounts.provider.admit")
    assert (told.after or {})["groups"] == [ldif.group_dn("developers")]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ({"admits": "groups", "groups": ""}, "nobody gets in"),
        ({"admits": "groups", "groups": "no-such-group"}, "has no group"),
        ({"admits": "people", "people": " \n"}, "nobody gets in"),
        ({"admits": "everyone"}, "Select a valid choice"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(
    corp: Provider, admin: Client, typed: dict[str, str], text: str
) -> None:
    answer = admin.post(f"{CORP}admits/", {**typed, "save": "1"})
    assert answer.status_code == 422
    assert text in answer.content.decode()


def test_two_groups_with_one_name_need_their_place(openldap: Directory, settings: Settings, admin: Client) -> None:
    (provider,) = declare(settings, openldap.provider_json(groups_base=ldif.BASE))
    read(provider)
    refused = admin.post(f"{CORP}admits/", {"admits": "groups", "groups": "team-blue", "save": "1"})
    assert refused.status_code == 422
    assert ldif.group_dn("team-blue") in refused.content.decode()
    place = ldif.group_dn("team-blue")
    assert admin.post(f"{CORP}admits/", {"admits": "groups", "groups": place, "save": "1"}).status_code == 302


def test_a_listed_name_is_tied_to_its_first_account(openldap: Directory, corp: Provider, admin: Client) -> None:
    admin.post(f"{CORP}admits/", {"admits": "people", "people": "CLEO\nbob", "save": "1"})
    arrive(openldap, "cleo")
    openldap.rename_person("cleo", "cleopatra")
    openldap.add_person("cleo")

    type_in(newcomer := Client(), "cleo", openldap.password_of("cleo"))
    type_in(same := Client(), "cleopatra", openldap.password_of("cleo"))
    type_in(unlisted := Client(), "dan", openldap.password_of("dan"))

    assert [is_signed_in(one) for one in (newcomer, same, unlisted)] == [False, True, False]


def test_leaving_an_admitted_group_ends_the_session(openldap: Directory, corp: Provider, admin: Client) -> None:
    client = arrive(openldap, "cleo")
    admin.post(f"{CORP}admits/", {"admits": "groups", "groups": "developers", "save": "1"})
    assert is_signed_in(client)
    openldap.remove_member("developers", "@team-red")
    assert read(corp).sessions_ended == 1
    assert not is_signed_in(client)


def test_a_trial_tells_each_step_and_keeps_nothing(openldap: Directory, corp: Provider, admin: Client) -> None:
    group = OutsideGroup.objects.get(name="developers")
    role_bindings.grant(group=group, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    people = User.objects.count()
    right = openldap.password_of("bob")

    answer = admin.post(f"{CORP}test/", {"username": "bob", "password": right})

    text = answer.content.decode()
    assert answer.status_code == 200, text
    for word in ("Resolve the name", "Connect, with TLS", "service account", "Find the person", "Groups", "Auditor on"):
        assert word in text
    assert right not in text
    assert ldif.SERVICE_PASSWORD not in text
    assert (User.objects.count(), Identity.objects.count()) == (people, 0)
    told = Event.objects.get(kind="accounts.provider.test")
    assert told.after == {"failed_at": ""}
    assert right not in str(told.__dict__)


def test_a_trial_says_where_it_failed(openldap: Directory, corp: Provider, admin: Client) -> None:
    answer = admin.post(f"{CORP}test/", {"username": "bob", "password": "wrong"})
    failed = [str(check.label) for check in answer.context["checks"] if check.tone == "broken"]
    assert failed == ["Sign in as the person"]
    openldap.stop()
    answer = admin.post(f"{CORP}test/", {"username": "bob", "password": "wrong"})
    failed = [str(check.label) for check in answer.context["checks"] if check.tone == "broken"]
    assert failed == ["Connect, with TLS"]


def test_trials_are_counted(corp: Provider, admin: Client) -> None:
    for _turn in range(limits.LOGIN_TESTS.per):
        admin.post(f"{CORP}test/", {"username": "bob", "password": "wrong"})
    answer = admin.post(f"{CORP}test/", {"username": "bob", "password": "wrong"})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "300"
    assert "Too many trials" in answer.content.decode()


def test_a_failed_reading_is_told_with_its_reason(openldap: Directory, corp: Provider, admin: Client) -> None:
    openldap.stop()
    read(corp)
    page = admin.get(CORP).content.decode()
    assert "The last reading failed" in page
    assert "Cannot be read" in admin.get("/settings/providers/").content.decode()


def test_a_pattern_proposes_and_gives_nothing(openldap: Directory, corp: Provider, admin: Client, ann: User) -> None:
    Team.objects.create(slug="blue", name="Blue team")
    client = arrive(openldap, "bob")
    typed = {"provider": str(corp.pk), "pattern": "team-*", "scope_kind": "team", "role": "team_owner"}
    assert admin.post("/settings/proposals/", typed).status_code == 302
    assert Identity.objects.get(username="bob").user.rights() == []  # type: ignore[union-attr]
    page = admin.get("/settings/proposals/")
    (proposal,) = page.context["proposals"]
    assert (proposal.group.name, proposal.scope.label) == ("team-blue", "Blue team")

    given = {"pattern": str(proposal.pattern.pk), "group": str(proposal.group.pk), "answer": "accept"}
    answer = admin.post("/settings/proposals/answer/", given)

    # Team owners see cost, which ann holds as finance: she may give it.
    assert answer.status_code == 302, answer.content.decode()
    binding = Binding.objects.get(group=proposal.group)
    assert (binding.role, binding.scope_label) == ("team_owner", "Blue team")
    assert not admin.get("/settings/proposals/").context["proposals"]
    assert client.get("/teams/").status_code == 200


def test_nobody_accepts_more_than_they_have(corp: Provider) -> None:
    Team.objects.create(slug="blue", name="Blue team")
    lesser = client_of(person("lesser", "admin"))
    typed = {"provider": str(corp.pk), "pattern": "team-*", "scope_kind": "team", "role": "team_owner"}
    lesser.post("/settings/proposals/", typed)
    (proposal,) = lesser.get("/settings/proposals/").context["proposals"]
    given = {"pattern": str(proposal.pattern.pk), "group": str(proposal.group.pk)}
    assert lesser.post("/settings/proposals/answer/", {**given, "answer": "accept"}).status_code == 422
    assert not Binding.objects.filter(group__isnull=False).exists()
    assert lesser.post("/settings/proposals/answer/", {**given, "answer": "dismiss"}).status_code == 302
    assert not lesser.get("/settings/proposals/").context["proposals"]


@pytest.mark.parametrize("pattern", ["", "*", "team", "a*b*c", "t*"])
def test_a_pattern_needs_one_star_with_something_around(corp: Provider, admin: Client, pattern: str) -> None:
    typed = {"provider": str(corp.pk), "pattern": pattern, "scope_kind": "team", "role": "team_owner"}
    assert admin.post("/settings/proposals/", typed).status_code == 422
    assert not GroupPattern.objects.exists()


def test_the_page_of_a_group(openldap: Directory, corp: Provider, admin: Client) -> None:
    arrive(openldap, "bob")
    group = OutsideGroup.objects.get(name="developers")
    page = admin.get(f"/groups/{group.pk}/").content.decode()
    for word in ("bob", "team-blue", "everybody", "Known members"):
        assert word in page
    assert client_of(person("nobody")).get(f"/groups/{group.pk}/").status_code == 404


def test_an_administrator_unlinks_anybodys_account(openldap: Directory, corp: Provider, admin: Client) -> None:
    client = arrive(openldap, "bob")
    account = identity(corp, "bob")
    assert admin.post(f"/people/identities/{account.pk}/unlink/").status_code == 302
    assert not is_signed_in(client)


def test_linking_a_directory(openldap: Directory, corp: Provider) -> None:
    user = person("bobby")
    client = client_of(user)
    page = "/profile/identities/link/corp/"
    wrong = client.post(page, {"username": "bob", "password": "wrong"})
    assert wrong.status_code == 422
    right = client.post(page, {"username": "bob", "password": openldap.password_of("bob")})
    assert right.status_code == 302
    assert identity(corp, "bob").user == user
    assert "Company directory" in client.get("/profile/identities/").content.decode()


def test_confirming_with_the_password_of_the_directory(openldap: Directory, corp: Provider) -> None:
    client = arrive(openldap, "bob")
    wrong = client.post("/confirm/?next=/profile/", {"current": "wrong"})
    assert wrong.status_code == 422
    right = client.post("/confirm/?next=/profile/", {"current": openldap.password_of("bob")})
    assert right.headers["Location"] == "/profile/", right.content.decode()


def api(client: Client, provider: Provider, body: dict[str, Any]) -> Any:
    return client.patch(f"/api/v1/providers/{provider.pk}/", body, content_type="application/json")


def test_the_api_does_the_same(openldap: Directory, corp: Provider, admin: Client) -> None:
    listed = admin.get("/api/v1/providers/").json()["results"]
    assert [row["key"] for row in listed] == ["corp"]
    groups = admin.get("/api/v1/outside-groups/", {"name": "developers"}).json()["results"]
    assert [row["name"] for row in groups] == ["developers"]

    answer = api(admin, corp, {"admits": "groups", "admitted_groups": [groups[0]["id"]]})
    assert answer.json()["admitted_groups"] == [groups[0]["id"]], answer.content.decode()
    assert api(admin, corp, {"admits": "groups"}).status_code == 422
    assert api(admin, corp, {"admitted_people": ["x"]}).status_code == 422
    assert api(admin, corp, {"enabled": False}).json()["enabled"] is False
    assert admin.post(f"/api/v1/providers/{corp.pk}/refresh/").status_code == 202
    assert Job.objects.filter(kind="portal.accounts.refresh", by_label="ann").exists()
    assert ldif.SERVICE_PASSWORD not in admin.get(f"/api/v1/providers/{corp.pk}/").content.decode()


@pytest.mark.parametrize(
    "path", ["", "enable/", "disable/", "delete/", "admits/", "test/", "refresh/", "hold/", "age/"]
)
def test_the_settings_are_for_administrators(corp: Provider, path: str) -> None:
    auditor = client_of(person("reader", "auditor"))
    assert auditor.get(CORP).status_code == 200
    if path:
        assert auditor.post(f"{CORP}{path}").status_code == 404
    assert client_of(person("nobody")).get(f"{CORP}{path}").status_code in {404, 405}


def test_many_names_of_a_dry_run_are_paged_and_told_whole_as_csv(corp: Provider, admin: Client) -> None:
    for number in range(120):
        user = person(f"many-{number:03}")
        Identity.objects.create(provider=corp, user=user, subject=f"many-{number}", username=user.username)
    typed = {"admits": "people", "groups": "", "people": "many-007\n=many-119"}
    page = admin.post(f"{CORP}admits/", typed)
    newly = page.context["tried"]["newly"]
    names = [one["account"] for one in newly["people"]]
    while newly["next"]:
        page = admin.post(f"{CORP}admits/", {**typed, "turn": newly["next"]})
        assert f'name="turn" value="{newly["next"]}"' not in page.content.decode()
        newly = page.context["tried"]["newly"]
        names += [one["account"] for one in newly["people"]]
    assert names == [f"many-{number:03}" for number in range(120) if number != 7]
    assert (newly["first"], newly["last"], newly["count"]) == (101, 119, 119)
    assert "101 to 119 of 119" in page.content.decode()
    assert page.context["tried"]["inside"]["people"][0]["account"] == "many-007"
    for wrong in ("x", "1,2", "-1,0,0", "9999999999,0,0", "5000,0,0"):
        turned = admin.post(f"{CORP}admits/", {**typed, "turn": wrong})
        assert turned.context["tried"]["newly"]["first"] == 1, wrong

    answer = admin.post(f"{CORP}admits/", {**typed, "file": "csv"})
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert lines[0] == "outcome,account,person,name"
    assert len(lines) == 121
    assert "inside,many-007,many-007," in lines
    assert "newly,many-119,many-119," in lines
    corp.refresh_from_db()
    assert corp.admits == "anybody"


def test_disabling_tells_of_tokens_that_open_nothing_afterwards(corp: Provider, admin: Client) -> None:
    project, at = a_project("Checkout", a_team()), clock.now()
    inside, elsewhere = person("inside"), person("elsewhere")
    inside.set_unusable_password()
    inside.save()
    for user in (inside, elsewhere):
        Identity.objects.create(provider=corp, user=user, subject=user.username, username=user.username)
        token_of(user, project, at)
    revoked = token_of(inside, project, at)
    revoked.revoked_at = at
    revoked.save()
    for step in ("disable", "delete"):
        facts = {str(one.label): one.value for one in admin.get(f"{CORP}{step}/").context["facts"]}
        assert facts["Of them without another way in"] == "1"
        assert facts["Tokens of those without another way in"] == "1", step
    admin.post(f"{CORP}disable/")
    assert (Event.objects.get(kind="accounts.provider.disable").after or {})["programs"] == 1
