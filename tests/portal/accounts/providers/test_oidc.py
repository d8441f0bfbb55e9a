"""Signing in by OpenID Connect: the whole flow against a provider on the wire, and every way a token can be wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.accounts.providers import declared, oidc, oidc_keys
from portal.accounts.providers.answers import Arrival, Group, ProviderDown, Start, WrongCredentials
from portal.accounts.providers.declared import OidcProvider
from portal.core import clock
from tests.fakes.oidc import OidcServer, make_key
from tests.testbed import fixtures
from tests.testbed import oidc as testbed_oidc

CALLBACK = "https://paddock.example.com/sign-in/sso/callback/"


@pytest.fixture
def server() -> Iterator[OidcServer]:
    oidc_keys.forget()
    with OidcServer() as running:
        running.add("ann", name="Ann Example", email="ann@example.com", groups=["admins", "payments"])
        yield running


def provider(server: OidcServer, **fields: Any) -> OidcProvider:
    found = declared.parse(json.dumps([server.provider_json(**fields)]))["sso"]
    assert isinstance(found, OidcProvider)
    return found


def arrive(server: OidcServer, p: OidcProvider, username: str = "ann", **finish: Any) -> Arrival:
    begun = oidc.start(p, redirect_uri=CALLBACK)
    return redeem(server, p, begun, username, **finish)


def redeem(server: OidcServer, p: OidcProvider, begun: Start, username: str = "ann", **finish: Any) -> Arrival:
    back = server.sign_in(begun.url, username)
    assert back["state"] == begun.state
    given: dict[str, Any] = {
        "code": back["code"],
        "verifier": begun.verifier,
        "nonce": begun.nonce,
        "redirect_uri": CALLBACK,
    }
    return oidc.finish(p, **{**given, **finish})


def test_a_whole_sign_in(server: OidcServer) -> None:
    arrival = arrive(server, provider(server))
    found = arrival.found
    assert (found.subject, found.username, found.display_name) == ("sub-ann", "ann", "Ann Example")
    assert (found.email, found.groups, found.disabled) == ("ann@example.com", frozenset({"admins", "payments"}), False)
    assert arrival.groups == (Group("admins", "admins", "admins"), Group("payments", "payments", "payments"))
    assert arrival.sid == "session-of-ann"
    assert arrival.authenticated_at is not None
    assert abs(arrival.authenticated_at - clock.now()) < timedelta(seconds=10)


def test_what_the_browser_carries_proves_nothing_by_itself(server: OidcServer) -> None:
    begun = oidc.start(provider(server), redirect_uri=CALLBACK)
    asked = parse_qs(urlsplit(begun.url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [CALLBACK]
    assert begun.verifier not in begun.url
    again = oidc.start(provider(server), redirect_uri=CALLBACK)
    assert len({begun.state, again.state, begun.nonce, again.nonce, begun.verifier, again.verifier}) == 6


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("signature", "signature"),
        ("nonce", "nonce"),
        ("expired", "exp"),
        ("future", "iat"),
        ("no_iat", "lacks"),
        ("audience", "aud"),
        ("extra_audience", "azp"),
        ("azp", "azp"),
        ("issuer", "iss"),
        ("none", "alg"),
        ("hs256", "alg"),
        ("unknown_key", "no key"),
        ("at_hash", "at_hash"),
    ],
)
def test_a_wrong_token_signs_nobody_in(server: OidcServer, fault: str, says: str) -> None:
    server.faults = {fault}
    with pytest.raises(WrongCredentials, match=says):
        arrive(server, provider(server))
    server.faults = set()
    assert arrive(server, provider(server)).found.subject == "sub-ann"


def test_hs256_cannot_even_be_declared(server: OidcServer) -> None:
    for algorithms in (["HS256"], ["none"], ["RS256", "HS256"], []):
        with pytest.raises(ValueError, match="provider sso, algorithms: must be some of"):
            provider(server, algorithms=algorithms)


def test_only_the_declared_algorithms_are_taken(server: OidcServer) -> None:
    with pytest.raises(WrongCredentials, match="alg"):
        arrive(server, provider(server, algorithms=["ES256"]))


def test_a_code_is_taken_once_and_only_with_its_verifier(server: OidcServer) -> None:
    p = provider(server)
    begun = oidc.start(p, redirect_uri=CALLBACK)
    back = server.sign_in(begun.url, "ann")
    given: dict[str, Any] = {
        "verifier": begun.verifier,
        "nonce": begun.nonce,
        "redirect_uri": CALLBACK,
        "code": back["code"],
    }
    assert oidc.finish(p, **given).found.subject == "sub-ann"
    with pytest.raises(WrongCredentials, match="code"):
        oidc.finish(p, **given)
    with pytest.raises(WrongCredentials, match="code"):
        arrive(server, p, verifier="x" * 60)
    with pytest.raises(WrongCredentials, match="code"):
        arrive(server, p, redirect_uri="https://paddock.example.com/elsewhere/")


def test_the_nonce_of_another_sign_in_does_not_fit(server: OidcServer) -> None:
    p = provider(server)
    for nonce in (oidc.start(p, redirect_uri=CALLBACK).nonce, ""):
        with pytest.raises(WrongCredentials, match="nonce"):
            arrive(server, p, nonce=nonce)


def test_a_callback_that_names_another_issuer_is_refused(server: OidcServer) -> None:
    p = provider(server)
    assert arrive(server, p, issuer=server.url).found.subject == "sub-ann"
    with pytest.raises(WrongCredentials, match="issuer"):
        arrive(server, p, issuer="https://evil.example")
    server.discovery = {"authorization_response_iss_parameter_supported": True}
    oidc_keys.forget()
    with pytest.raises(WrongCredentials, match="issuer"):
        arrive(server, p)


def test_a_fresh_sign_in_needs_a_fresh_proof(server: OidcServer) -> None:
    p = provider(server)
    begun = oidc.start(p, redirect_uri=CALLBACK, fresh=True)
    asked = parse_qs(urlsplit(begun.url).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["1"])
    assert redeem(server, p, begun, fresh_since=clock.now()).authenticated_at
    server.signed_in_ago = 3600
    with pytest.raises(WrongCredentials, match="auth_time"):
        arrive(server, p, fresh_since=clock.now())
    server.faults = {"no_auth_time"}
    with pytest.raises(WrongCredentials, match="auth_time"):
        arrive(server, p, fresh_since=clock.now())
    assert arrive(server, p).authenticated_at is None


def test_a_rotated_key_is_found_and_nonsense_buys_one_look_a_minute(
    server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(oidc_keys, "monotonic", lambda: now)
    p = provider(server)
    arrive(server, p)
    server.rotate()
    with pytest.raises(WrongCredentials, match="no key"):
        arrive(server, p)
    now += 61
    assert arrive(server, p).found.subject == "sub-ann"
    server.faults = {"unknown_key"}
    for _ in range(5):
        with pytest.raises(WrongCredentials, match="no key"):
            arrive(server, p)
    assert looks(server) == 2
    now += 61
    for _ in range(5):
        with pytest.raises(WrongCredentials, match="no key"):
            arrive(server, p)
    assert looks(server) == 3


def looks(server: OidcServer) -> int:
    return sum(asked.path == "/jwks" for asked in server.requests)


def test_equal_mail_or_name_is_another_subject(server: OidcServer) -> None:
    server.add("mallory", email="ann@example.com", name="Ann Example", preferred_username="ann")
    p = provider(server)
    assert arrive(server, p, "mallory").found.subject == "sub-mallory"
    assert arrive(server, p, "ann").found.subject == "sub-ann"


def test_claims_are_read_by_their_declared_names(server: OidcServer) -> None:
    server.add(
        "bob",
        upn="bob@corp",
        nick="Bob",
        work={"mail": "bob@work.example", "roles": ["a", "b"]},
        preferred_username="x",
    )
    p = provider(server, username_claim="upn", name_claim="nick", email_claim="work.mail", groups_claim="work.roles")
    found = arrive(server, p, "bob").found
    assert (found.username, found.display_name, found.email) == ("bob@corp", "Bob", "bob@work.example")
    assert found.groups == frozenset({"a", "b"})


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": [1, 2]},
        {"groups": {"admins": True}},
        {"groups": ["x" * 300]},
        {"groups": [f"g{number}" for number in range(3000)]},
        {"groups": ["nul\0"]},
        {"_claim_names": {"groups": "src1"}},
    ],
)
def test_groups_that_cannot_be_read_are_no_answer_rather_than_no_groups(
    server: OidcServer, claims: dict[str, Any]
) -> None:
    server.add("eve", **claims)
    with pytest.raises(ProviderDown):
        arrive(server, provider(server), "eve")


def test_groups_of_one_of_none_and_not_wanted(server: OidcServer) -> None:
    server.add("one", groups="admins")
    server.add("none")
    p = provider(server)
    assert arrive(server, p, "one").found.groups == frozenset({"admins"})
    assert arrive(server, p, "none").found.groups == frozenset()
    assert arrive(server, provider(server, groups_claim=""), "ann").found.groups == frozenset()


def test_userinfo_is_asked_only_when_declared_and_about_the_same_person(server: OidcServer) -> None:
    arrive(server, provider(server))
    assert not any(asked.path == "/userinfo" for asked in server.requests)
    p = provider(server, userinfo=True)
    server.userinfo = {"department": "payments", "groups": ["from-userinfo"]}
    assert arrive(server, p).found.groups == frozenset({"admins", "payments"}), "the signed token wins"
    server.userinfo = {"sub": "sub-of-the-victim"}
    with pytest.raises(WrongCredentials, match="sub"):
        arrive(server, p)


@pytest.mark.parametrize("subject", ["", "x" * 300, "a\0b", "half \ud800"])
def test_a_subject_that_cannot_be_a_key_is_refused(server: OidcServer, subject: str) -> None:
    server.add("odd", sub=subject)
    with pytest.raises(WrongCredentials, match="sub"):
        arrive(server, provider(server), "odd")


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://user@elsewhere.example/"},
        {"jwks_uri": "gopher://127.0.0.1/"},
    ],
)
def test_discovery_that_points_astray_is_refused(server: OidcServer, told: dict[str, Any]) -> None:
    server.discovery = told
    with pytest.raises(ProviderDown):
        arrive(server, provider(server))


def test_keys_at_a_metadata_address_are_not_fetched(server: OidcServer) -> None:
    server.discovery = {"jwks_uri": "https://169.254.169.254/keys"}
    with pytest.raises(ProviderDown, match="link-local or metadata"):
        arrive(server, provider(server))


def test_a_provider_that_is_gone_is_down_and_nobody_is_wrong(server: OidcServer) -> None:
    p = provider(server)
    begun = oidc.start(p, redirect_uri=CALLBACK)
    server.close()
    with pytest.raises(ProviderDown) as caught:
        oidc.finish(p, code="any", verifier=begun.verifier, nonce=begun.nonce, redirect_uri=CALLBACK)
    assert "127.0.0.1" in caught.value.reason


def test_the_clients_own_secret_refused_is_no_wrong_password(server: OidcServer) -> None:
    p = provider(server, client_secret="not-it")
    with pytest.raises(ProviderDown) as caught:
        arrive(server, p)
    assert "not-it" not in str(caught.value)


def test_the_secret_goes_by_post_where_declared(server: OidcServer) -> None:
    arrive(server, provider(server, token_auth="post"))
    asked = next(asked for asked in server.requests if asked.path == "/token")
    assert "authorization" not in asked.headers
    assert asked.form["client_secret"] == "oidc-client-secret"


def test_a_logout_token_names_whom_and_its_own_number(server: OidcServer) -> None:
    p = provider(server)
    gone = oidc.logout_subject(p, server.logout_token(sub="sub-ann", sid="session-of-ann", jti="one"))
    assert (gone.subject, gone.sid, gone.jti) == ("sub-ann", "session-of-ann", "one")
    assert oidc.logout_subject(p, server.logout_token(sid="only")).subject == ""


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "sub-ann", "nonce": "an id token"},
        {"sub": "sub-ann", "events": None},
        {"sub": "sub-ann", "events": {}},
        {"sub": "sub-ann", "events": {"http://schemas.openid.net/event/backchannel-logout": None}},
        {"sub": "sub-ann", "aud": "somebody-else"},
        {"sub": "sub-ann", "iss": "https://elsewhere.example"},
        {"sub": "sub-ann", "jti": None},
        {"sub": "sub-ann", "exp": None},
        {"sub": "sub-ann", "exp": 1},
        {"sub": "sub-ann", "iat": 1, "exp": 4_000_000_000},
        {"sub": "sub-ann", "iat": float("nan")},
        {"sub": "sub-ann", "exp": float("inf")},
        {"sub": "sub-ann", "typ": "at+jwt"},
        {"sub": "sub-ann", "key": make_key()},
        {},
    ],
)
def test_a_wrong_logout_token_ends_no_session(server: OidcServer, claims: dict[str, Any]) -> None:
    p = provider(server)
    with pytest.raises(WrongCredentials):
        oidc.logout_subject(p, server.logout_token(**claims))


@pytest.mark.parametrize("token", ["", "a.b.c", "." * 5, "x" * 100_000, "é.é.é", "e30.e30.", "bnVsbA.e30.e30"])
def test_nonsense_is_no_token(server: OidcServer, token: str) -> None:
    with pytest.raises(WrongCredentials):
        oidc.logout_subject(provider(server), token)


def test_an_id_token_does_not_log_anybody_out(server: OidcServer) -> None:
    p = provider(server)
    arrive(server, p)
    with pytest.raises(WrongCredentials, match="logout kind"):
        oidc.logout_subject(p, server.issued[-1])


@pytest.fixture(scope="module")
def other() -> Iterator[testbed_oidc.OidcServer]:
    fixtures.demand("oidc-server")
    with testbed_oidc.start(redirect_uri=CALLBACK) as running:
        yield running


def test_a_whole_sign_in_at_a_provider_that_is_not_ours(other: testbed_oidc.OidcServer) -> None:
    text = json.dumps([other.provider_json()])
    with pytest.raises(ValueError, match="provider other, issuer: must begin with https"):
        declared.parse(text)
    p = declared.parse(text, allow_loopback=True)["other"]
    assert isinstance(p, OidcProvider)
    begun = oidc.start(p, redirect_uri=CALLBACK, fresh=True)
    assert other.sign_in(begun.url, password="wrong") == {}
    since = clock.now()
    begun = oidc.start(p, redirect_uri=CALLBACK, fresh=True)
    back = other.sign_in(begun.url)
    assert back["state"] == begun.state
    given: dict[str, Any] = {"code": back["code"], "redirect_uri": CALLBACK, "nonce": begun.nonce, "fresh_since": since}
    with pytest.raises(WrongCredentials):
        oidc.finish(p, verifier="x" * 60, **given)
    begun = oidc.start(p, redirect_uri=CALLBACK, fresh=True)
    given |= {"code": other.sign_in(begun.url)["code"], "nonce": begun.nonce}
    arrival = oidc.finish(p, verifier=begun.verifier, **given)
    told = (arrival.found.subject, arrival.found.username, arrival.found.display_name, arrival.found.email)
    assert told == tuple(testbed_oidc.PERSON[name] for name in ("sub", "username", "name", "email"))
    assert arrival.authenticated_at is not None
    assert arrival.authenticated_at >= since - timedelta(seconds=2)
    with pytest.raises(WrongCredentials):
        oidc.finish(p, verifier=begun.verifier, **given)
