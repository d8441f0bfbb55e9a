"""GitHub on the wire: who somebody is, which teams count, whole lists or none, limits obeyed, signed webhooks."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.accounts.providers import declared, github, github_api
from portal.accounts.providers.answers import Arrival, Group, NotAdmitted, ProviderDown, WrongCredentials
from portal.accounts.providers.declared import GithubProvider
from portal.core import clock
from tests.fakes.github import GithubServer
from tests.fakes.https import HttpsServer

CALLBACK = "https://paddock.example.com/sign-in/github/callback/"


@pytest.fixture
def server() -> Iterator[GithubServer]:
    github_api.forget()
    with GithubServer() as running:
        acme = running.add_organisation("acme")
        ann = running.add_person("ann", name="Ann Example", email="ann@example.com")
        running.join(acme, ann)
        running.add_team(acme, "platform", ann)
        yield running


def provider(server: GithubServer, **fields: Any) -> GithubProvider:
    found = declared.parse(json.dumps([server.provider_json(**fields)]))["github"]
    assert isinstance(found, GithubProvider)
    return found


def arrive(server: GithubServer, login: str, **finish: Any) -> Arrival:
    p = provider(server)
    begun = github.start(p, redirect_uri=CALLBACK)
    back = server.sign_in(begun.url, login)
    assert back["state"] == begun.state
    given: dict[str, Any] = {"code": back["code"], "verifier": begun.verifier, "redirect_uri": CALLBACK}
    return github.finish(p, **{**given, **finish})


def test_a_whole_sign_in(server: GithubServer) -> None:
    arrival = arrive(server, "ann")
    found = arrival.found
    assert (found.subject, found.username, found.display_name) == ("1000", "ann", "Ann Example")
    assert (found.email, found.disabled) == ("ann@example.com", False)
    assert found.groups == frozenset({"org:50", "team:700"})
    assert arrival.groups == (Group("org:50", "acme", "acme"), Group("team:700", "Platform", "acme/platform"))
    assert arrival.authenticated_at is None


def test_the_start_carries_state_and_pkce(server: GithubServer) -> None:
    begun = github.start(provider(server), redirect_uri=CALLBACK, fresh=True)
    asked = parse_qs(urlsplit(begun.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [CALLBACK]
    assert asked["prompt"] == ["select_account"]
    assert begun.verifier not in begun.url
    with pytest.raises(NotAdmitted):
        arrive(server, "ann", fresh_since=clock.now())


def test_a_code_is_taken_once_and_only_with_its_verifier(server: GithubServer) -> None:
    p = provider(server)
    begun = github.start(p, redirect_uri=CALLBACK)
    code = server.sign_in(begun.url, "ann")["code"]
    github.finish(p, code=code, verifier=begun.verifier, redirect_uri=CALLBACK)
    with pytest.raises(WrongCredentials):
        github.finish(p, code=code, verifier=begun.verifier, redirect_uri=CALLBACK)
    with pytest.raises(WrongCredentials):
        arrive(server, "ann", verifier="x" * 60)
    with pytest.raises(WrongCredentials):
        arrive(server, "ann", redirect_uri="https://paddock.example.com/elsewhere/")


def test_a_login_given_to_another_person_is_another_person(server: GithubServer) -> None:
    victim = server.people[1000]
    victim.login = "ann-now"
    mallory = server.add_person("ann", name=victim.name, email=victim.email)
    with pytest.raises(NotAdmitted):
        arrive(server, "ann")
    server.join(server.organisations[50], mallory)
    found = arrive(server, "ann").found
    assert found.subject == "1001"
    assert found.groups == frozenset({"org:50"})
    assert arrive(server, "ann-now").found.subject == "1000"


def test_an_organisation_whose_name_was_taken_has_other_groups(server: GithubServer) -> None:
    server.organisations[50].login = "acme-now"
    taken = server.add_organisation("acme", 66)
    server.join(taken, server.people[1000])
    p = provider(server, organisations=["50"])
    begun = github.start(p, redirect_uri=CALLBACK)
    code = server.sign_in(begun.url, "ann")["code"]
    found = github.finish(p, code=code, verifier=begun.verifier, redirect_uri=CALLBACK).found
    assert found.groups == frozenset({"org:50", "team:700"})


def test_a_pending_invitation_is_no_membership(server: GithubServer) -> None:
    acme = server.organisations[50]
    guest = server.add_person("guest")
    server.join(acme, guest, state="pending")
    server.teams[700].members.add(guest.number)
    with pytest.raises(NotAdmitted):
        arrive(server, "guest")
    assert github.members(provider(server), "org:50").subjects == frozenset({"1000"})
    assert github.members(provider(server), "team:700").subjects == frozenset({"1000"})


def test_teams_of_an_organisation_that_is_not_declared_do_not_count(server: GithubServer) -> None:
    p = provider(server)
    other = server.add_organisation("other")
    server.join(other, server.people[1000])
    server.add_team(other, "admins", server.people[1000])
    begun = github.start(p, redirect_uri=CALLBACK)
    code = server.sign_in(begun.url, "ann")["code"]
    found = github.finish(p, code=code, verifier=begun.verifier, redirect_uri=CALLBACK).found
    assert found.groups == frozenset({"org:50", "team:700"})


def test_all_pages_of_250_teams_count(server: GithubServer) -> None:
    acme = server.organisations[50]
    for number in range(249):
        server.add_team(acme, f"team-{number}", server.people[1000])
    assert len(arrive(server, "ann").found.groups) == 251
    assert len(github.groups(provider(server)).groups or ()) == 251


def test_half_a_list_is_no_list(server: GithubServer) -> None:
    acme = server.organisations[50]
    for number in range(249):
        server.add_team(acme, f"team-{number}", server.people[1000])
    server.broken_page = 3
    with pytest.raises(ProviderDown, match="502"):
        arrive(server, "ann")
    with pytest.raises(ProviderDown, match="502"):
        github.groups(provider(server))


def test_nested_teams_name_their_parents_and_hold_their_people(server: GithubServer) -> None:
    acme, platform = server.organisations[50], server.teams[700]
    bob = server.add_person("bob")
    server.join(acme, bob)
    storage = server.add_team(acme, "storage", bob, parent=platform)
    arrival = arrive(server, "bob")
    assert arrival.found.groups == frozenset({"org:50", f"team:{storage.number}"})
    assert arrival.groups[-1].parents == frozenset({"team:700"})
    catalogue = {group.external_id: group for group in github.groups(provider(server)).groups or ()}
    assert catalogue[f"team:{storage.number}"].parents == frozenset({"team:700"})
    assert catalogue["team:700"].parents == frozenset()
    assert github.team_members(provider(server), "team:700").subjects == frozenset({"1000", str(bob.number)})


def test_a_removed_person_is_gone_from_the_list(server: GithubServer) -> None:
    p = provider(server)
    before = github.team_members(p, "team:700")
    server.teams[700].members.clear()
    after = github.team_members(p, "team:700", before.etag)
    assert after.subjects == frozenset()


def test_what_did_not_change_is_not_sent_again(server: GithubServer) -> None:
    acme = server.organisations[50]
    for number in range(149):
        server.add_team(acme, f"team-{number}", server.people[1000])
    p = provider(server, organisations=["50"])
    first = github.groups(p)
    second = github.groups(p, etag=first.etag)
    assert second.groups is None
    acme.login = "acme-renamed"
    github_api.forget()
    renamed = github.groups(p, etag=second.etag).groups
    assert renamed is not None
    assert renamed[1].path == "acme-renamed/platform"
    server.add_team(acme, "new")
    grown = github.groups(p, etag=second.etag)
    assert grown.groups is not None
    assert len(grown.groups) == 152
    people = github.members(p, "org:50")
    assert github.members(p, "org:50", etag=people.etag).subjects is None
    server.join(acme, server.add_person("new"))
    assert github.members(p, "org:50", etag=people.etag).subjects == frozenset({"1000", "1001"})


def test_a_full_last_page_that_gets_a_follower_is_seen(server: GithubServer) -> None:
    acme = server.organisations[50]
    for number in range(99):
        server.join(acme, server.add_person(f"person-{number}"))
    p = provider(server)
    full = github.members(p, "org:50")
    assert len(full.subjects or ()) == 100
    server.join(acme, server.add_person("the-next"))
    assert len(github.members(p, "org:50", etag=full.etag).subjects or ()) == 101


@pytest.mark.parametrize("etag", ["nonsense", "[]", '{"/organizations/50/members": 5}', '{"x": [[1]]}', "null"])
def test_a_spoiled_etag_costs_a_reading_and_no_more(server: GithubServer, etag: str) -> None:
    assert github.members(provider(server), "org:50", etag=etag).subjects == frozenset({"1000"})


def test_a_rate_limit_says_until_when_and_is_kept(server: GithubServer) -> None:
    p = provider(server)
    github.members(p, "org:50")
    server.limit_by_reset(600)
    with pytest.raises(ProviderDown) as caught:
        github.members(p, "org:50")
    assert caught.value.until is not None
    assert abs(caught.value.until - clock.now() - timedelta(seconds=600)) < timedelta(seconds=5)
    server.limited = None
    asked = len(server.requests)
    with pytest.raises(ProviderDown) as again:
        github.members(p, "org:50")
    assert (again.value.until, len(server.requests)) == (caught.value.until, asked)
    assert arrive(server, "ann").found.subject == "1000", "a person's own limit is another one"


@pytest.mark.parametrize(("seconds", "kept"), [(30, 30), (10**8, 7200)])
def test_a_secondary_limit_is_obeyed_within_reason(server: GithubServer, seconds: int, kept: int) -> None:
    p = provider(server)
    server.limit_by_wait(seconds)
    with pytest.raises(ProviderDown) as caught:
        github.groups(p)
    assert caught.value.until is not None
    assert abs(caught.value.until - clock.now() - timedelta(seconds=kept)) < timedelta(seconds=5)


def test_a_list_that_continues_elsewhere_is_not_followed(server: GithubServer) -> None:
    for number in range(120):
        server.join(server.organisations[50], server.add_person(f"person-{number}"))
    with HttpsServer() as elsewhere:
        server.stray_link = f"{elsewhere.url}/api/v3/organizations/50/members?page=2"
        with pytest.raises(ProviderDown, match="another address"):
            github.members(provider(server), "org:50")
        assert elsewhere.requests == []


def test_an_organisation_without_the_app_is_named(server: GithubServer) -> None:
    p = provider(server)
    server.organisations[50].installed = False
    with pytest.raises(ProviderDown, match="acme"):
        github.groups(p)


def test_a_group_nobody_knows_is_no_empty_group(server: GithubServer) -> None:
    for group in ("team:999", "org:999", "team:x", "other:1", "team:-1", "team:1/../../../user"):
        with pytest.raises(ProviderDown):
            github.members(provider(server), group)


def test_a_token_taken_back_is_replaced(server: GithubServer) -> None:
    p = provider(server)
    github.members(p, "org:50")
    server._installation_tokens.clear()
    with pytest.raises(ProviderDown):
        github.members(p, "org:50")
    assert github.members(p, "org:50").subjects == frozenset({"1000"})


def test_a_suspended_person_is_disabled(server: GithubServer) -> None:
    server.people[1000].suspended = True
    assert arrive(server, "ann").found.disabled


def test_no_secret_leaves_but_to_its_place(server: GithubServer) -> None:
    arrive(server, "ann")
    github.groups(provider(server))
    for asked in server.requests:
        assert (asked.path == "/login/oauth/access_token") == (b"github-client-secret" in asked.body)
        assert "secret" not in json.dumps(asked.query) + json.dumps(asked.headers)
    assert "github-client-secret" not in repr(provider(server))
    assert "PRIVATE KEY" not in repr(provider(server))


def test_a_webhook_needs_the_signature_of_exactly_its_body(server: GithubServer) -> None:
    p = provider(server)
    payload = server.membership_payload("removed", server.teams[700], server.people[1000])
    body, headers = server.webhook("membership", payload)
    signature = headers["X-Hub-Signature-256"]
    github.check_webhook(p, body=body, signature=signature)
    wrong = [
        (body + b" ", signature),
        (body, ""),
        (body, "sha256="),
        (body, signature.replace("sha256", "sha1")),
        (body, "sha256=é"),
        (body, server.webhook("membership", payload, secret="another")[1]["X-Hub-Signature-256"]),
    ]
    for content, given in wrong:
        with pytest.raises(WrongCredentials):
            github.check_webhook(p, body=content, signature=given)
    with pytest.raises(WrongCredentials):
        github.check_webhook(provider(server, webhook_secret=""), body=body, signature=signature)


def test_what_a_webhook_touches(server: GithubServer) -> None:
    acme, platform = server.organisations[50], server.teams[700]
    nested = server.add_team(acme, "nested", parent=platform)
    payload = server.membership_payload("removed", nested, server.people[1000])
    assert github.affected("membership", payload) == frozenset({f"team:{nested.number}", "team:700"})
    assert github.affected("membership", {**payload, "team": {"name": "gone", "deleted": True}}) == frozenset(
        {"org:50"}
    )
    assert github.affected("organization", {"action": "member_removed", "organization": acme.shown()}) == {"org:50"}
    assert github.affected("installation", {"installation": {"account": acme.shown()}}) == {"org:50"}
    for event, odd in [
        ("ping", payload),
        ("membership", {}),
        ("organization", {"organization": 5}),
        ("team", {"team": {"id": "700"}}),
    ]:
        assert github.affected(event, odd) == frozenset()
