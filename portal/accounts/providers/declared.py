"""The providers that the environment declares: `PADDOCK_PROVIDERS`, a JSON list of objects.

What an operator must vouch for stands here: addresses, authorities, credentials, claim and attribute names.
Whether a provider is enabled, and whom it admits, is a row of the database.
"""

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from portal.accounts.providers.fields import Fields

LDAP, GITHUB, OIDC = "ldap", "github", "oidc"
OPENLDAP, ACTIVE_DIRECTORY = "openldap", "active_directory"
# Signatures of id tokens that are taken: public keys alone. With HS256 everybody who can check could also sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_KEY = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_RESERVED = frozenset({"local", "token", "robot"})


@dataclass(frozen=True, slots=True)
class LdapProvider:
    """A directory. `servers` are asked in turn; ldap:// always changes to TLS (StartTLS) before anything is said.

    `ca_pem` is "" where the machine's authorities vouch. `directory` chose the defaults of filters and attributes.
    """

    kind: ClassVar[str] = LDAP
    key: str
    name: str
    directory: str
    servers: tuple[str, ...]
    ca_pem: str = field(repr=False)
    bind_dn: str
    bind_password: str = field(repr=False)
    people_base: str
    people_filter: str
    login_attributes: tuple[str, ...]
    subject_attribute: str
    username_attribute: str
    name_attribute: str
    email_attribute: str
    groups_base: str
    groups_filter: str
    group_subject_attribute: str
    group_name_attribute: str
    member_attribute: str
    use_member_of: bool
    page_size: int
    seconds: int
    nested: bool = True  # groups inside groups count
    in_chain: bool = False  # Active Directory: asked for groups reached through others at every sign-in


@dataclass(frozen=True, slots=True)
class GithubProvider:
    """A GitHub App on github.com or on an Enterprise server.

    `organisations` are logins or numbers (as text); only one that installed the app counts. Without
    `webhook_secret` no webhook is taken.
    """

    kind: ClassVar[str] = GITHUB
    key: str
    name: str
    app_id: int
    private_key: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    organisations: tuple[str, ...]
    web_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    webhook_secret: str = field(default="", repr=False)
    ca_pem: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An OpenID Connect provider. `groups_claim` is "" where its tokens name no groups.

    `token_auth` is how the client proves itself at the token endpoint: basic or post.
    """

    kind: ClassVar[str] = OIDC
    key: str
    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    name_claim: str = "name"
    email_claim: str = "email"
    groups_claim: str = "groups"
    userinfo: bool = False
    token_auth: str = "basic"  # noqa: S105  (a way, not a secret)
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    ca_pem: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What a directory of this make calls things, unless the environment says otherwise."""

    login_attributes: tuple[str, ...]
    use_member_of: bool
    people_filter: str
    subject_attribute: str
    username_attribute: str
    name_attribute: str
    groups_filter: str
    group_subject_attribute: str
    email_attribute: str = "mail"
    group_name_attribute: str = "cn"
    member_attribute: str = "member"


_DIRECTORIES = {
    OPENLDAP: _Usual(
        login_attributes=("uid",),
        use_member_of=False,
        people_filter="(objectClass=inetOrgPerson)",
        subject_attribute="entryUUID",
        username_attribute="uid",
        name_attribute="cn",
        groups_filter="(objectClass=groupOfNames)",
        group_subject_attribute="entryUUID",
    ),
    ACTIVE_DIRECTORY: _Usual(
        login_attributes=("sAMAccountName", "userPrincipalName"),
        use_member_of=True,
        people_filter="(&(objectCategory=person)(objectClass=user))",
        subject_attribute="objectGUID",
        username_attribute="sAMAccountName",
        name_attribute="displayName",
        groups_filter="(objectClass=group)",
        group_subject_attribute="objectGUID",
    ),
}
_NAMES = (
    "people_filter",
    "subject_attribute",
    "username_attribute",
    "name_attribute",
    "email_attribute",
    "groups_filter",
    "group_subject_attribute",
    "group_name_attribute",
    "member_attribute",
)
Declared: TypeAlias = LdapProvider | GithubProvider | OidcProvider


def all() -> dict[str, Declared]:  # noqa: A001  (read as declared.all())
    """Every declared provider by its key, in the order of the environment. Raises ValueError."""
    return dict(_parsed(settings.PROVIDERS, settings.ALLOW_LOOPBACK))


def parse(text: str, *, allow_loopback: bool = False) -> dict[str, Declared]:
    """Raises ValueError, whose text names provider and field and repeats no value."""
    if not text.strip():
        return {}
    try:
        given = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        # The text of the parser's error is dropped: it may quote what stands around the fault.
        raise ValueError("the list cannot be read as JSON, or names a field twice") from None
    if not isinstance(given, list):
        raise ValueError("must be a JSON list of providers")
    found: dict[str, Declared] = {}
    for number, entry in enumerate(given, start=1):
        provider = _provider(entry, number, allow_loopback)
        if provider.key in found:
            raise ValueError(f"provider {provider.key}: key: is used twice")
        found[provider.key] = provider
    return found


@functools.lru_cache(maxsize=4)
def _parsed(text: str, allow_loopback: bool) -> dict[str, Declared]:
    return parse(text, allow_loopback=allow_loopback)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field twice")
    return found


def _provider(entry: object, number: int, allow_loopback: bool) -> Declared:
    if not isinstance(entry, dict):
        raise ValueError(f"provider number {number}: must be a JSON object")
    fields = Fields(entry, f"provider number {number}")
    key = fields.text("key")
    if not _KEY.fullmatch(key) or key in _RESERVED:
        raise fields.wrong("key", "must be 1 to 40 small letters, digits and hyphens, begin with a letter, be free")
    fields.place = f"provider {key}"
    name = fields.text("name", key)
    kind = fields.choice("kind", (LDAP, GITHUB, OIDC))
    made: Declared
    if kind == LDAP:
        made = _ldap(fields, key, name)
    elif kind == GITHUB:
        made = _github(fields, key, name, allow_loopback)
    else:
        made = _oidc(fields, key, name, allow_loopback)
    fields.finish()
    return made


def _ldap(fields: Fields, key: str, name: str) -> LdapProvider:
    directory = fields.choice("directory", tuple(_DIRECTORIES), OPENLDAP)
    usual = _DIRECTORIES[directory]
    base = fields.text("base", "") or None
    return LdapProvider(
        key=key,
        name=name,
        directory=directory,
        servers=_servers(fields),
        ca_pem=fields.authorities(),
        bind_dn=fields.text("bind_dn"),
        bind_password=fields.secret("bind_password"),
        people_base=fields.text("people_base", base),
        groups_base=fields.text("groups_base", base),
        login_attributes=fields.words("login_attributes", usual.login_attributes),
        use_member_of=fields.flag("use_member_of", default=usual.use_member_of),
        page_size=fields.number("page_size", 500, most=5000),
        seconds=fields.number("seconds", 8, most=8),
        nested=fields.flag("nested", default=True),
        in_chain=fields.flag("in_chain", default=False),
        **{attribute: fields.text(attribute, getattr(usual, attribute)) for attribute in _NAMES},
    )


def _servers(fields: Fields) -> tuple[str, ...]:
    servers = fields.words("servers")
    for server in servers:
        try:
            parts = urlsplit(server)
            usable = parts.scheme in {"ldap", "ldaps"} and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable or "@" in server or parts.path.strip("/") or parts.query or parts.fragment:
            raise fields.wrong("servers", "must be addresses such as ldaps://directory.example.com:636")
    return servers


def _github(fields: Fields, key: str, name: str, allow_loopback: bool) -> GithubProvider:
    web_url = fields.web_address("web_url", "https://github.com", allow_loopback=allow_loopback)
    own = web_url != "https://github.com"
    made = GithubProvider(
        key=key,
        name=name,
        web_url=web_url,
        api_url=fields.web_address(
            "api_url", f"{web_url}/api/v3" if own else "https://api.github.com", allow_loopback=allow_loopback
        ),
        ca_pem=fields.authorities(),
        app_id=fields.number("app_id"),
        private_key=fields.secret("private_key"),
        client_id=fields.text("client_id"),
        client_secret=fields.secret("client_secret"),
        webhook_secret=fields.secret("webhook_secret", ""),
        organisations=fields.words("organisations"),
    )
    if not _is_rsa(made.private_key):
        raise fields.wrong("private_key", "is not an RSA private key in PEM form without a password")
    return made


def _oidc(fields: Fields, key: str, name: str, allow_loopback: bool) -> OidcProvider:
    made = OidcProvider(
        key=key,
        name=name,
        issuer=_issuer(fields, allow_loopback),
        ca_pem=fields.authorities(),
        client_id=fields.text("client_id"),
        client_secret=fields.secret("client_secret"),
        scopes=fields.words("scopes", ("openid", "profile", "email")),
        username_claim=fields.text("username_claim", "preferred_username"),
        name_claim=fields.text("name_claim", "name"),
        email_claim=fields.text("email_claim", "email"),
        groups_claim=fields.text("groups_claim", "groups"),
        userinfo=fields.flag("userinfo", default=False),
        token_auth=fields.choice("token_auth", ("basic", "post"), "basic"),
        algorithms=fields.words("algorithms", ("RS256", "PS256", "ES256")),
    )
    if "openid" not in made.scopes:
        raise fields.wrong("scopes", "must hold openid")
    if not made.algorithms or not set(made.algorithms) <= set(ALGORITHMS):
        raise fields.wrong("algorithms", f"must be some of {', '.join(ALGORITHMS)}")
    return made


def _issuer(fields: Fields, allow_loopback: bool) -> str:
    """An issuer is compared letter by letter, so a slash at its end stays."""
    given = fields.peek("issuer")
    checked = fields.web_address("issuer", allow_loopback=allow_loopback)
    return given if given.rstrip("/") == checked else checked


def _is_rsa(pem: str) -> bool:
    try:
        return isinstance(serialization.load_pem_private_key(pem.encode(), password=None), rsa.RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
