"""Signing in at GitHub and at an OpenID Connect provider, through the whole flow of a browser."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts.bindings import role_bindings
from portal.accounts.models import Identity, OutsideGroup, Provider, RoundTrip, SecondFactor, Session, User
from portal.accounts.providers import github_api, oidc_keys
from portal.accounts.signing import factors
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.core.sealed import open_sealed
from portal.jobs.models import Job
from tests.fakes.github import GithubServer
from tests.fakes.oidc import OidcServer
from tests.people import client_of, person
from tests.portal.accounts.providing import declare, group_names, is_signed_in, read, run_jobs, signed_in_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def sso() -> Iterator[OidcServer]:
    oidc_keys.forget()
    with OidcServer() as server:
        server.add("ann", name="Ann Example", email="ann@example.com", groups=["admins", "payments"])
        server.add("bob", name="Bob", email="ann@example.com")
        yield server


@pytest.fixture
def single(sso: OidcServer, settings: Settings) -> Provider:
    return declare(settings, sso.provider_json())[0]


def begin(client: Client, key: str = "sso", **form: str) -> str:
    """Press the button; returns the address that the browser goes on to."""
    answer = client.post(f"/sign-in/{key}/start/", form)
    assert answer.status_code == 200, answer.content.decode()
    address: str = answer.context["address"]
    return address


def come_back(client: Client, back: dict[str, str], key: str = "sso") -> Any:
    """Follow the provider's redirect."""
    return client.get(f"/sign-in/{key}/callback/?{urlencode(back)}")


def sign_in(client: Client, sso: OidcServer, username: str, **form: str) -> Any:
    """The whole flow."""
    return come_back(client, sso.sign_in(begin(client, **form), username))


def test_the_whole_flow_makes_a_person_without_rights(sso: OidcServer, single: Provider) -> None:
    client = Client()
    assert "Go on with Single sign-on" in client.get("/sign-in/").content.decode()

    answer = sign_in(client, sso, "ann", next="/profile/sessions/")

    assert answer.headers["Location"] == "/profile/sessions/", answer.content.decode()
    user = signed_in_as(client)
    assert (user.username, user.rights()) == ("ann", [])
    assert group_names(single, "ann") == {"admins", "payments"}
    assert Session.objects.get(user=user).identity == Identity.objects.get(username="ann")


def test_nothing_of_a_sign_in_under_way_is_kept_in_clear(sso: OidcServer, single: Provider) -> None:
    client = Client()
    back = sso.sign_in(begin(client), "ann")
    trip = RoundTrip.objects.get()
    stored = json.dumps({field.name: str(getattr(trip, field.name)) for field in trip._meta.fields})
    assert back["state"] not in stored
    assert trip.state_digest == hashlib.sha256(back["state"].encode()).hexdigest()
    assert trip.nonce.startswith("v1.") and trip.verifier.startswith("v1.")


def test_a_callback_is_good_once(sso: OidcServer, single: Provider) -> None:
    client = Client()
    back = sso.sign_in(begin(client), "ann")
    assert come_back(client, back).status_code == 302
    client.post("/sign-out/")
    again = come_back(client, back)
    assert again.status_code == 422
    assert not is_signed_in(client)


def test_a_callback_is_good_in_its_browser_alone(sso: OidcServer, single: Provider) -> None:
    """Signing somebody in to an attacker's account, and taking a code over."""
    attacker, victim = Client(), Client()
    back = sso.sign_in(begin(attacker), "bob")
    assert come_back(victim, back).status_code == 422
    begin(victim)
    assert come_back(victim, back).status_code == 422
    assert not is_signed_in(victim)


@pytest.mark.parametrize(("name", "value"), [("state", "x"), ("state", ""), ("code", "x"), ("code", ""), ("iss", "x")])
def test_a_changed_callback_signs_nobody_in(sso: OidcServer, single: Provider, name: str, value: str) -> None:
    client = Client()
    back = {**sso.sign_in(begin(client), "ann"), name: value}
    assert come_back(client, back).status_code == 422
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("fault", ["signature", "nonce", "expired", "audience", "issuer", "none", "hs256"])
def test_a_wrong_token_signs_nobody_in(sso: OidcServer, single: Provider, fault: str) -> None:
    sso.faults.add(fault)
    client = Client()
    assert sign_in(client, sso, "ann").status_code == 422
    assert not User.objects.exists()
    refusal = Event.objects.get(kind="accounts.session.refuse")
    assert (refusal.after or {})["why"].startswith("sso: ")


def test_a_late_callback_is_refused(sso: OidcServer, single: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    back = sso.sign_in(begin(client), "ann")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
    assert come_back(client, back).status_code == 422


def test_it_never_starts_by_a_link(single: Provider) -> None:
    assert Client().get("/sign-in/sso/start/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/sign-in/sso/start/").status_code == 403
    assert not RoundTrip.objects.exists()


def test_next_never_leads_away(sso: OidcServer, single: Provider) -> None:
    answer = sign_in(Client(), sso, "ann", next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_an_equal_mail_address_links_nobody(sso: OidcServer, single: Provider) -> None:
    local = person("ann", "admin")
    User.objects.filter(pk=local.pk).update(email="ann@example.com")
    sign_in(first := Client(), sso, "ann")
    sign_in(second := Client(), sso, "bob")
    assert len({local, signed_in_as(first), signed_in_as(second)}) == 3
    assert signed_in_as(first).rights() == []


def test_a_provider_that_is_down_says_so(sso: OidcServer, single: Provider) -> None:
    client = Client()
    back = sso.sign_in(begin(client), "ann")
    sso.close()
    answer = come_back(client, back)
    assert answer.status_code == 503
    text = answer.content.decode()
    assert "cannot be reached" in text
    assert answer.headers["X-Request-Id"] in text


def test_groups_of_a_token_give_rights_for_sixteen_hours(
    sso: OidcServer, single: Provider, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SESSION_IDLE_SECONDS = settings.SESSION_COOKIE_AGE = 10 * 24 * 3600
    sign_in(client := Client(), sso, "ann")
    group = OutsideGroup.objects.get(provider=single, name="admins")
    role_bindings.grant(group=group, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=15))
    assert client.get("/audit/").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=17))
    assert client.get("/audit/").status_code == 404


def test_a_group_taken_away_is_gone_with_the_next_sign_in(sso: OidcServer, single: Provider) -> None:
    sign_in(Client(), sso, "ann")
    sso.people["ann"]["groups"] = ["payments"]
    sign_in(Client(), sso, "ann")
    assert group_names(single, "ann") == {"payments"}


def test_signing_out_there_ends_the_sessions_here(sso: OidcServer, single: Provider) -> None:
    sign_in(ann := Client(), sso, "ann")
    sign_in(bob := Client(), sso, "bob")
    token = sso.logout_token(sub="sub-ann", sid="session-of-ann")
    hook = "/hooks/oidc/sso/logout/"

    answer = Client().post(hook, {"logout_token": token})

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert not is_signed_in(ann)
    assert is_signed_in(bob)
    assert Client().post(hook, {"logout_token": token}).status_code == 400, "the same token again"
    assert Client().post(hook, {"logout_token": sso.logout_token(sid="session-of-bob", sub=None)}).status_code == 200
    assert not is_signed_in(bob)


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_a_wrong_logout_ends_nothing(sso: OidcServer, single: Provider, token: str) -> None:
    sign_in(ann := Client(), sso, "ann")
    assert Client().post("/hooks/oidc/sso/logout/", {"logout_token": token}).status_code == 400
    assert is_signed_in(ann)


def test_linking_makes_a_second_way_in(sso: OidcServer, single: Provider) -> None:
    bob = person("bobby")
    client = client_of(bob)
    answer = sign_in(client, sso, "bob", purpose="link")
    assert answer.headers["Location"] == "/profile/identities/", answer.content.decode()
    assert Identity.objects.get(provider=single).user == bob
    sign_in(other := Client(), sso, "bob")
    assert signed_in_as(other) == bob
    assert Event.objects.filter(kind="accounts.identity.link", on_label="bobby").exists()


def test_an_account_of_somebody_else_is_not_linked(sso: OidcServer, single: Provider) -> None:
    sign_in(Client(), sso, "ann")
    client = client_of(person("thief"))
    answer = sign_in(client, sso, "ann", purpose="link")
    assert answer.status_code == 422
    assert "another person" in answer.content.decode()
    assert Identity.objects.get(username="ann").user.username == "ann"  # type: ignore[union-attr]


def test_a_link_needs_a_fresh_sign_in(
    sso: OidcServer, single: Provider, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = client_of(person("bobby"))
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=11))
    answer = client.post("/sign-in/sso/start/", {"purpose": "link"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/confirm/")
    assert not RoundTrip.objects.exists()


def test_a_link_is_of_who_began_it(sso: OidcServer, single: Provider) -> None:
    client = client_of(person("bobby"))
    back = sso.sign_in(begin(client, purpose="link"), "bob")
    client.force_login(person("other"))
    assert come_back(client, back).status_code == 422
    assert not Identity.objects.exists()


def test_the_last_way_in_stays(sso: OidcServer, single: Provider) -> None:
    sign_in(client := Client(), sso, "ann")
    account = Identity.objects.get()
    page = client.get("/profile/identities/").content.decode()
    assert "only way to sign in" in page
    assert client.post(f"/profile/identities/{account.pk}/unlink/").status_code == 409
    assert Identity.objects.exists()


def test_unlinking_ends_its_sessions(sso: OidcServer, single: Provider) -> None:
    bob = person("bobby")
    client = client_of(bob)
    sign_in(client, sso, "bob", purpose="link")
    sign_in(other := Client(), sso, "bob")
    account = Identity.objects.get()
    assert client.post(f"/profile/identities/{account.pk}/unlink/").status_code == 302
    assert not is_signed_in(other)
    assert is_signed_in(client)
    assert Event.objects.filter(kind="accounts.identity.unlink").exists()


def test_confirming_by_a_round_trip(sso: OidcServer, single: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(client := Client(), sso, "ann")
    page = client.get("/confirm/?next=/profile/").content.decode()
    assert "Go on with Single sign-on" in page
    answer = sign_in(client, sso, "ann", purpose="confirm", next="/profile/")
    assert answer.headers["Location"] == "/profile/", answer.content.decode()
    assert Event.objects.filter(kind="accounts.session.confirm").exists()


def test_an_old_proof_confirms_nothing(sso: OidcServer, single: Provider) -> None:
    sign_in(client := Client(), sso, "ann")
    sso.signed_in_ago = 3600
    assert sign_in(client, sso, "ann", purpose="confirm").status_code == 422
    sso.signed_in_ago = 0
    assert sign_in(client, sso, "bob", purpose="confirm").status_code == 422
    assert not Event.objects.filter(kind="accounts.session.confirm").exists()


def test_trying_out_signs_nobody_in(sso: OidcServer, single: Provider, ann: User) -> None:
    client = client_of(ann)
    answer = sign_in(client, sso, "bob", purpose="test")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Round trip to the provider" in text
    assert "makes a new person" in text
    assert signed_in_as(client) == ann
    assert not Identity.objects.exists()
    assert Client().post("/sign-in/sso/start/", {"purpose": "test"}).status_code == 404
    assert client_of(person("nobody")).post("/sign-in/sso/start/", {"purpose": "test"}).status_code == 404


# GitHub


@pytest.fixture
def hub() -> Iterator[GithubServer]:
    github_api.forget()
    with GithubServer() as server:
        acme = server.add_organisation("acme")
        people = [server.add_person(login) for login in ("octo", "hexa", "mona")]
        server.join(acme, *people)
        platform = server.add_team(acme, "platform", people[0])
        server.add_team(acme, "on-call", people[1], parent=platform)
        yield server
    github_api.forget()


@pytest.fixture
def github(hub: GithubServer, settings: Settings) -> Provider:
    (provider,) = declare(settings, hub.provider_json())
    assert read(provider).why == ""
    return provider


def come_from(hub: GithubServer, login: str, **form: str) -> tuple[Client, Any]:
    """The whole flow of a new browser."""
    client = Client()
    return client, come_back(client, hub.sign_in(begin(client, "github", **form), login), "github")


def team(hub: GithubServer, slug: str) -> Any:
    """A team of the fake."""
    return next(one for one in hub.teams.values() if one.slug == slug)


def bind(provider: Provider, name: str) -> None:
    """Give the auditor's role to a group."""
    group = OutsideGroup.objects.get(provider=provider, name=name)
    role_bindings.grant(group=group, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())


def test_a_member_signs_in_with_teams(hub: GithubServer, github: Provider) -> None:
    client, answer = come_from(hub, "hexa")
    assert answer.status_code == 302, answer.content.decode()
    assert signed_in_as(client).rights() == []
    assert group_names(github, "hexa") == {"acme", "On-Call", "Platform"}


def test_whoever_is_in_no_organisation_stays_out(hub: GithubServer, github: Provider) -> None:
    stranger, invited = hub.add_person("stranger"), hub.add_person("invited")
    hub.join(next(iter(hub.organisations.values())), invited, state="pending")
    for login in (stranger.login, invited.login):
        client, answer = come_from(hub, login)
        assert answer.status_code == 422
        assert "may not sign in here" in answer.content.decode()
        assert not is_signed_in(client)
    assert not User.objects.exists()


def test_a_login_taken_by_somebody_else_is_another_person(hub: GithubServer, github: Provider) -> None:
    first, _answer = come_from(hub, "octo")
    old = next(one for one in hub.people.values() if one.login == "octo")
    old.login = "octo-renamed"
    newcomer = hub.add_person("octo")
    hub.join(next(iter(hub.organisations.values())), newcomer)
    second, _answer = come_from(hub, "octo")
    assert signed_in_as(first) != signed_in_as(second)
    assert signed_in_as(second).username == "octo.github"
    third, _answer = come_from(hub, "octo-renamed")
    assert signed_in_as(third) == signed_in_as(first)


def test_a_webhook_ends_the_right_of_a_removed_member(hub: GithubServer, github: Provider) -> None:
    bind(github, "Platform")
    client, _answer = come_from(hub, "hexa")
    read(github)
    assert client.get("/audit/").status_code == 200
    on_call, hexa = team(hub, "on-call"), hub.people[1001]
    on_call.members.clear()
    body, headers = hub.webhook("membership", hub.membership_payload("removed", on_call, hexa))

    def deliver(content: bytes = body, signature: str = headers["X-Hub-Signature-256"]) -> int:
        sent = {**headers, "X-Hub-Signature-256": signature}
        answer = Client().post("/hooks/github/github/", content, content_type="application/json", headers=sent)
        return answer.status_code

    assert deliver(signature="sha256=" + "0" * 64) == 404
    assert deliver(body + b" ") == 404
    assert not Job.objects.filter(kind="portal.accounts.refresh").exists()
    assert deliver() == 204
    assert run_jobs() == ["succeeded"]
    assert client.get("/audit/").status_code == 404
    assert deliver() == 204, "the same delivery again"
    assert not Job.objects.filter(state="waiting").exists()
    assert is_signed_in(client)


def test_a_hook_takes_no_more_than_a_mebibyte(github: Provider) -> None:
    answer = Client().post("/hooks/github/github/", b"x" * (2**20 + 1), content_type="application/json")
    assert answer.status_code == 413


def test_leaving_every_organisation_ends_the_sessions(hub: GithubServer, github: Provider) -> None:
    client, _answer = come_from(hub, "octo")
    come_from(hub, "mona")
    next(iter(hub.organisations.values())).members.pop(1000)
    read(github)
    assert not is_signed_in(client)
    assert Identity.objects.get(username="octo").state == "gone"
    assert Identity.objects.get(username="mona").state == "active"


def test_only_groups_that_count_are_asked_for(hub: GithubServer, github: Provider) -> None:
    come_from(hub, "octo")
    read(github)
    assert set(github.marks["members"]) == {"org:50"}
    bind(github, "On-Call")
    read(github)
    assert set(github.marks["members"]) == {"org:50", f"team:{team(hub, 'on-call').number}"}


def test_nothing_new_at_github_writes_nothing(hub: GithubServer, github: Provider) -> None:
    bind(github, "Platform")
    come_from(hub, "hexa")
    read(github)
    outcome = read(github)
    assert not outcome.changed
    assert group_names(github, "hexa") == {"acme", "On-Call", "Platform"}


def test_a_rate_limit_changes_nothing(hub: GithubServer, github: Provider) -> None:
    bind(github, "Platform")
    client, _answer = come_from(hub, "hexa")
    hub.limit_by_wait(60)
    assert read(github).why
    assert client.get("/audit/").status_code == 200


def test_confirming_at_github_takes_the_same_account(hub: GithubServer, github: Provider) -> None:
    client, _answer = come_from(hub, "octo")
    other = hub.sign_in(begin(client, "github", purpose="confirm", next="/profile/"), "mona")
    assert come_back(client, other, "github").status_code == 422
    own = hub.sign_in(begin(client, "github", purpose="confirm", next="/profile/"), "octo")
    assert come_back(client, own, "github").headers["Location"] == "/profile/"


def test_who_has_github_alone_is_told_how_to_confirm(hub: GithubServer, github: Provider) -> None:
    client, _answer = come_from(hub, "octo")
    page = client.get("/confirm/?next=/profile/").content.decode()
    assert "Go on with GitHub" in page
    assert "GitHub does not ask again whoever is still signed in there" in page
    assert 'href="/profile/second-factor/"' in page
    user = signed_in_as(client)
    factors.begin(user=user, at=clock.now())
    factor = SecondFactor.objects.get(user=user)
    secret = pyotp.TOTP(open_sealed(factor, "secret").reveal())
    before = clock.now() - timedelta(seconds=30)
    factors.confirm(user=user, code=secret.at(before), by=COMMAND, at=clock.now())
    page = client.get("/confirm/?next=/profile/").content.decode()
    assert "the code of your second factor is asked for afterwards" in page
    assert "does not ask again" not in page
    # The round trip alone is no proof any more: the code is.
    back = hub.sign_in(begin(client, "github", purpose="confirm", next="/profile/"), "octo")
    assert come_back(client, back, "github").headers["Location"].startswith("/confirm/")
    assert not Event.objects.filter(kind="accounts.session.confirm").exists()
    proved = client.post("/confirm/?next=/profile/", {"code": secret.at(clock.now())})
    assert proved.headers["Location"] == "/profile/"
    assert Event.objects.filter(kind="accounts.session.confirm").exists()


def test_others_are_not_told_of_it(sso: OidcServer, single: Provider) -> None:
    sign_in(client := Client(), sso, "ann")
    assert "does not ask again" not in client.get("/confirm/?next=/profile/").content.decode()
