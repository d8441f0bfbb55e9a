"""The declared list of providers: what is read, and that a fault names provider and field and no value."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from portal.accounts.providers import checks, declared
from portal.accounts.providers.declared import GithubProvider, LdapProvider, OidcProvider
from portal.core import clock
from tests.fakes.github import GithubServer
from tests.testbed.certificates import Authority

CANARY = "canary-secret-value"
CA = Authority(name="declared", at=clock.now()).certificate.decode()
OIDC = {
    "key": "sso",
    "name": "Single sign-on",
    "kind": "oidc",
    "issuer": "https://sso.example.com/realms/a",
    "client_id": "paddock",
    "client_secret": CANARY,
}
LDAP = {
    "key": "corp",
    "kind": "ldap",
    "servers": ["ldaps://one.example.com", "ldap://two.example.com:3389"],
    "ca": CA,
    "bind_dn": "cn=reader,dc=example,dc=com",
    "bind_password": CANARY,
    "base": "dc=example,dc=com",
}


@pytest.fixture(scope="module")
def github() -> dict[str, Any]:
    with GithubServer() as server:
        server.add_organisation("acme")
        return server.provider_json(web_url="https://github.example.com", client_secret=CANARY)


def parse(*entries: Any) -> dict[str, declared.Declared]:
    return declared.parse(json.dumps(list(entries)))


def test_several_at_once_in_their_order(github: dict[str, Any]) -> None:
    found = parse(LDAP, github, OIDC, {**OIDC, "key": "sso-two"})
    assert [(key, provider.kind) for key, provider in found.items()] == [
        ("corp", "ldap"),
        ("github", "github"),
        ("sso", "oidc"),
        ("sso-two", "oidc"),
    ]
    assert declared.parse("") == declared.parse(" [] ") == {}


def test_defaults_of_each_kind(github: dict[str, Any]) -> None:
    ldap, hub, sso = parse(LDAP, github, OIDC).values()
    assert isinstance(ldap, LdapProvider)
    assert (ldap.name, ldap.subject_attribute, ldap.people_base) == ("corp", "entryUUID", "dc=example,dc=com")
    assert (ldap.groups_base, ldap.use_member_of, ldap.login_attributes) == ("dc=example,dc=com", False, ("uid",))
    assert isinstance(hub, GithubProvider)
    assert hub.api_url == "https://github.example.com/api/v3"
    assert isinstance(sso, OidcProvider)
    assert (sso.scopes, sso.userinfo, sso.token_auth) == (("openid", "profile", "email"), False, "basic")
    public = {name: value for name, value in github.items() if name != "web_url"}
    hub = parse(public)["github"]
    assert isinstance(hub, GithubProvider)
    assert (hub.web_url, hub.api_url) == ("https://github.com", "https://api.github.com")


def test_active_directory_has_its_own_names() -> None:
    ldap = parse({**LDAP, "directory": "active_directory", "people_base": "ou=people,dc=example,dc=com"})["corp"]
    assert isinstance(ldap, LdapProvider)
    assert (ldap.subject_attribute, ldap.group_subject_attribute) == ("objectGUID", "objectGUID")
    assert (ldap.login_attributes, ldap.use_member_of) == (("sAMAccountName", "userPrincipalName"), True)
    assert (ldap.people_base, ldap.groups_base) == ("ou=people,dc=example,dc=com", "dc=example,dc=com")


def test_secrets_and_authorities_come_from_files(tmp_path: Path, github: dict[str, Any]) -> None:
    files = {"secret": "from a file\n", "ca": CA, "key": github["private_key"]}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    path = {name: str(tmp_path / name) for name in files}
    entries = [
        {**{k: v for k, v in LDAP.items() if k not in {"ca", "bind_password"}}}
        | {"ca_file": path["ca"], "bind_password_file": path["secret"]},
        {k: v for k, v in OIDC.items() if k != "client_secret"} | {"client_secret_file": path["secret"]},
        {k: v for k, v in github.items() if k not in {"private_key", "webhook_secret"}}
        | {"private_key_file": path["key"], "webhook_secret_file": path["secret"]},
    ]
    ldap, sso, hub = parse(*entries).values()
    assert isinstance(ldap, LdapProvider)
    assert (ldap.bind_password, ldap.ca_pem) == ("from a file", CA.strip())
    assert isinstance(sso, OidcProvider)
    assert sso.client_secret == "from a file"
    assert isinstance(hub, GithubProvider)
    assert hub.webhook_secret == "from a file"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"issuer": None}, "provider sso, issuer: is missing"),
        ({"issuer": f"http://{CANARY}.example.com"}, "provider sso, issuer: must begin with https://"),
        ({"issuer": f"https://user:{CANARY}@example.com"}, "provider sso, issuer: must be an address without"),
        ({"issuer": f"https://example.com/?{CANARY}"}, "provider sso, issuer: must be an address without"),
        ({"issuer": "https://[::1"}, "provider sso, issuer: is not an address"),
        ({"issuer": "https://example.com:x"}, "provider sso, issuer: is not an address"),
        ({"issuer": 5}, "provider sso, issuer: must be a text"),
        ({"client_secret": None}, "provider sso, client_secret: is missing"),
        ({"client_secret": " "}, "provider sso, client_secret: must be a text that is not blank"),
        ({"client_secret": [CANARY]}, "provider sso, client_secret: must be a text"),
        ({"client_secret": f"{CANARY}\0"}, "provider sso, client_secret: is too long or holds a NUL"),
        (
            {"client_secret": None, "client_secret_file": "/does/not/exist"},
            "provider sso, client_secret_file: cannot be read",
        ),
        ({"client_secret_file": "/dev/null"}, "provider sso, client_secret: is given twice"),
        ({"ca": CANARY}, "provider sso, ca: does not hold certificates"),
        ({"scopes": ["profile"]}, "provider sso, scopes: must hold openid"),
        ({"scopes": "openid"}, "provider sso, scopes: must be a list"),
        ({"userinfo": "yes"}, "provider sso, userinfo: must be true or false"),
        ({"token_auth": CANARY}, "provider sso, token_auth: must be one of basic, post"),
        ({"kind": CANARY}, "provider sso, kind: must be one of ldap, github, oidc"),
        ({"key": "Big Letters"}, "provider number 1, key: must be"),
        ({"key": "local"}, "provider number 1, key: must be"),
        ({"key": "x" * 41}, "provider number 1, key: must be"),
        ({"clientsecret": CANARY}, "provider sso, clientsecret: is not a field"),
    ],
)
def test_a_fault_names_provider_and_field(change: dict[str, Any], says: str) -> None:
    entry = {name: value for name, value in {**OIDC, **change}.items() if value is not None}
    with pytest.raises(ValueError, match="provider") as caught:
        parse(entry)
    assert says in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"servers": []}, "servers: must not be empty"),
        ({"servers": ["https://directory.example.com"]}, "servers: must be addresses such as"),
        ({"servers": [f"ldaps://cn=x:{CANARY}@directory.example.com"]}, "servers: must be addresses such as"),
        ({"servers": ["ldaps://directory.example.com:99999"]}, "servers: must be addresses such as"),
        ({"base": None}, "people_base: is missing"),
        ({"seconds": 60}, "seconds: must be a whole number from 1 to 8"),
        ({"page_size": True}, "page_size: must be a whole number"),
        ({"directory": CANARY}, "directory: must be one of openldap, active_directory"),
    ],
)
def test_faults_of_a_directory(change: dict[str, Any], says: str) -> None:
    entry = {name: value for name, value in {**LDAP, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=f"provider corp, {says}") as caught:
        parse(entry)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"private_key": CANARY}, "private_key: is not an RSA private key"),
        ({"private_key": CA}, "private_key: is not an RSA private key"),
        ({"app_id": "4711"}, "app_id: must be a whole number"),
        ({"organisations": []}, "organisations: must not be empty"),
        ({"api_url": "http://127.0.0.1/api"}, "api_url: must begin with https"),
    ],
)
def test_faults_of_github(github: dict[str, Any], change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"provider github, {says}") as caught:
        parse({**github, **change})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"key": "{CANARY}"',
        f'"{CANARY}"',
        "{}",
        f'["{CANARY}"]',
        "[null]",
        "[" * 100_000,
        f'[{{"key": "a", "key": "{CANARY}"}}]',
        "NaN",
    ],
)
def test_text_that_is_no_list_of_objects(text: str) -> None:
    with pytest.raises(ValueError, match="must be|cannot be read") as caught:
        declared.parse(text)
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_key_twice() -> None:
    with pytest.raises(ValueError, match="provider sso: key: is used twice"):
        parse(OIDC, OIDC)


def test_an_issuer_is_kept_letter_by_letter() -> None:
    for issuer in ("https://sso.example.com", "https://sso.example.com/", "https://sso.example.com/realms/a/"):
        found = parse({**OIDC, "issuer": issuer})["sso"]
        assert isinstance(found, OidcProvider)
        assert found.issuer == issuer


def test_http_only_on_this_machine_and_only_where_allowed() -> None:
    text = json.dumps([{**OIDC, "issuer": "http://127.0.0.1:9998/"}])
    assert declared.parse(text, allow_loopback=True)
    with pytest.raises(ValueError, match="must begin with https"):
        declared.parse(text)
    with pytest.raises(ValueError, match="must begin with https"):
        declared.parse(text.replace("127.0.0.1", "10.0.0.1"), allow_loopback=True)


def test_no_secret_is_shown(github: dict[str, Any]) -> None:
    found = parse(LDAP, github, OIDC)
    assert CANARY not in repr(found)
    assert "PRIVATE KEY" not in repr(found)


def test_the_start_is_refused_with_the_fault(settings: Settings) -> None:
    settings.PROVIDERS, settings.BASE_URL = "", ""
    assert checks.providers(None) == []
    settings.PROVIDERS = json.dumps([{**OIDC, "issuer": CANARY}])
    (error,) = checks.providers(None)
    assert error.id == "paddock.E010"
    assert "provider sso, issuer" in error.msg
    assert CANARY not in error.msg
    settings.PROVIDERS = json.dumps([OIDC])
    (error,) = checks.providers(None)
    assert error.id == "paddock.E011"
    settings.BASE_URL = "https://paddock.example.com"
    assert checks.providers(None) == []
    assert list(declared.all()) == ["sso"]


def test_what_is_given_back_cannot_spoil_what_is_kept(settings: Settings) -> None:
    settings.PROVIDERS = json.dumps([OIDC])
    declared.all().clear()
    assert list(declared.all()) == ["sso"]
