"""The door to an OpenID Connect provider: code flow with PKCE, and its back-channel logout.

The caller keeps state, nonce and verifier in a row that is used once and bound to the browser's session; nothing
here reads or writes the database. `WrongCredentials` says in its text what did not fit, for the trace alone.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
from django.utils.translation import gettext as _

from portal.accounts.providers import asking, oidc_keys
from portal.accounts.providers.answers import Arrival, Found, Group, ProviderDown, Start, WrongCredentials
from portal.accounts.providers.declared import ALGORITHMS, OidcProvider
from portal.core import clock

LEEWAY = timedelta(seconds=60)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_TOKEN = 64 * 1024
LONGEST = 255  # characters of a subject, a group, a name
MOST_GROUPS = 2000
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Whose sessions end: all of `subject`, or those of the provider's session `sid`. One of them may be "".

    `jti` names the token: the caller takes each once, until `issued_at` is older than `LOGOUT_SPAN`.
    """

    subject: str
    sid: str
    jti: str
    issued_at: datetime


LOGOUT_SPAN = timedelta(minutes=10)


def start(p: OidcProvider, *, redirect_uri: str, fresh: bool = False) -> Start:
    """`fresh` demands a new proof of who it is, though the provider may have a session. Raises ProviderDown."""
    begun = Start(
        url="", state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48)
    )
    where = oidc_keys.addresses(p, asking.Deadline()).authorization
    asked = {
        "response_type": "code",
        "client_id": p.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(p.scopes),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": _left_out(hashlib.sha256(begun.verifier.encode("ascii")).digest()),
        "code_challenge_method": "S256",
    }
    if fresh:
        # Some providers read 0 as not given; max_age makes auth_time part of the token.
        asked |= {"prompt": "login", "max_age": "1"}
    url = f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"
    return Start(url=url, state=begun.state, nonce=begun.nonce, verifier=begun.verifier)


def finish(  # noqa: PLR0913  (what the row kept and what the browser brought)
    p: OidcProvider,
    *,
    code: str,
    verifier: str,
    nonce: str,
    redirect_uri: str,
    fresh_since: datetime | None = None,
    issuer: str | None = None,
) -> Arrival:
    """Trade the code for a person.

    `fresh_since` is when a fresh sign-in began: an older proof is refused. `issuer` is the callback's `iss`, where it
    brought one. Raises ProviderDown and WrongCredentials.
    """
    deadline = asking.Deadline()
    where = oidc_keys.addresses(p, deadline)
    if (issuer is None and where.names_issuer) or (issuer is not None and issuer != p.issuer):
        raise WrongCredentials(_("the callback does not name the declared issuer"))
    id_token, access_token = _redeem(p, where.token, code, verifier, redirect_uri, deadline)
    at = clock.now()
    header, claims = _verified(p, id_token, at=at, deadline=deadline)
    if not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()) or not nonce:
        raise WrongCredentials(_("the token belongs to another sign-in (nonce)"))
    _check_access_token(claims, header["alg"], access_token)
    proved = _instant(claims, "auth_time")
    if fresh_since is not None and (proved is None or proved < fresh_since - LEEWAY):
        raise WrongCredentials(_("the provider did not ask for a new proof (auth_time)"))
    if p.userinfo:
        claims = _with_userinfo(p, where.userinfo, access_token, claims, deadline)
    return _arrival(p, claims, proved)


def logout_subject(p: OidcProvider, token: str) -> LoggedOut:
    """Whom a back-channel logout token is about. Raises ProviderDown and WrongCredentials.

    The caller refuses a `jti` it has seen: this function remembers nothing.
    """
    at = clock.now()
    header, claims = _verified(p, token, at=at, deadline=asking.Deadline())
    if str(header.get("typ", "JWT")).lower() not in {"jwt", "logout+jwt", "application/logout+jwt"}:
        raise WrongCredentials(_("the token is not of the logout kind (typ)"))
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise WrongCredentials(_("the token is not of the logout kind (events)"))
    if "nonce" in claims:
        raise WrongCredentials(_("an id token stands in for a logout token (nonce)"))
    issued = _instant(claims, "iat")
    found = LoggedOut(_text(claims, "sub"), _text(claims, "sid"), _text(claims, "jti"), issued or at)
    if not found.jti or not (found.subject or found.sid):
        raise WrongCredentials(_("the logout token lacks jti, or sub and sid"))
    if issued is None or at - issued > LOGOUT_SPAN:
        raise WrongCredentials(_("the logout token is too old (iat)"))
    return found


def _redeem(  # noqa: PLR0913  (the fields of one request)
    p: OidcProvider, url: str, code: str, verifier: str, redirect_uri: str, deadline: asking.Deadline
) -> tuple[str, str]:
    """The id token and the access token ("" without one)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    headers = {}
    if p.token_auth == "post":  # noqa: S105  (a way, not a secret)
        form |= {"client_id": p.client_id, "client_secret": p.client_secret}
    else:
        pair = f"{quote_plus(p.client_id)}:{quote_plus(p.client_secret)}".encode("ascii")
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    answer = asking.ask("POST", url, ca_pem=p.ca_pem, deadline=deadline, headers=headers, form=form)
    told = asking.mapping(answer, _("the token address"))
    if answer.status in {400, 401} and told.get("error") == "invalid_grant":
        raise WrongCredentials(_("the provider does not take the code"))
    if answer.status in {400, 401, 403}:
        raise ProviderDown(_("the provider refuses Paddock's own credentials or request"))
    id_token, access_token = told.get("id_token"), told.get("access_token", "")
    if answer.status != 200 or not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ProviderDown(_("the token address answered %(status)d without tokens") % {"status": answer.status})
    return id_token, access_token


def _verified(
    p: OidcProvider, token: str, *, at: datetime, deadline: asking.Deadline
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token whose signature, issuer, audience and times fit."""
    if len(token) > LONGEST_TOKEN:
        raise WrongCredentials(_("the token is too long"))
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise WrongCredentials(_("the token cannot be read")) from None
    algorithm = header.get("alg")
    if algorithm not in p.algorithms or algorithm not in ALGORITHMS:
        raise WrongCredentials(_("the token is signed in a way that is not taken (alg)"))
    key = oidc_keys.find(p, header, deadline)
    # Times are checked below, by the clock of the application.
    options: Any = {
        "require": ["iss", "aud", "exp", "iat"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "enforce_minimum_key_length": True,
    }
    try:
        claims = jwt.decode(
            token, key=key, algorithms=[algorithm], audience=p.client_id, issuer=p.issuer, options=options
        )
    except jwt.InvalidSignatureError:
        raise WrongCredentials(_("the token's signature does not fit")) from None
    except jwt.InvalidIssuerError:
        raise WrongCredentials(_("the token is of another issuer (iss)")) from None
    except jwt.InvalidAudienceError:
        raise WrongCredentials(_("the token is for another client (aud)")) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise WrongCredentials(_("the token lacks a claim or is malformed")) from None
    _check_party(p, claims)
    _check_times(claims, at)
    return header, claims


def _check_party(p: OidcProvider, claims: Mapping[str, Any]) -> None:
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != p.client_id:
        raise WrongCredentials(_("the token was given to another client (azp)"))


def _check_times(claims: Mapping[str, Any], at: datetime) -> None:
    expires, issued, begins = (_instant(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise WrongCredentials(_("the token lacks its times (exp, iat)"))
    if at >= expires + LEEWAY:
        raise WrongCredentials(_("the token has expired (exp)"))
    if issued > at + LEEWAY or (begins is not None and begins > at + LEEWAY):
        raise WrongCredentials(_("the token is from the future (iat, nbf)"))


def _check_access_token(claims: Mapping[str, Any], algorithm: str, access_token: str) -> None:
    if "at_hash" not in claims:
        return
    digest = _HASHES[algorithm[-3:]](access_token.encode()).digest()
    if not hmac.compare_digest(_text(claims, "at_hash").encode(), _left_out(digest[: len(digest) // 2]).encode()):
        raise WrongCredentials(_("the access token is not the one the id token names (at_hash)"))


def _with_userinfo(
    p: OidcProvider, url: str, access_token: str, claims: dict[str, Any], deadline: asking.Deadline
) -> dict[str, Any]:
    """What the id token says wins."""
    headers = {"authorization": f"Bearer {access_token}"}
    answer = asking.ask("GET", url, ca_pem=p.ca_pem, deadline=deadline, headers=headers)
    if answer.status != 200:
        raise ProviderDown(_("the userinfo address answered %(status)d") % {"status": answer.status})
    told = asking.mapping(answer, _("the userinfo address"))
    if told.get("sub") != claims.get("sub"):
        raise WrongCredentials(_("userinfo is about another person (sub)"))
    return {**told, **claims}


def _arrival(p: OidcProvider, claims: Mapping[str, Any], proved: datetime | None) -> Arrival:
    subject = _text(claims, "sub")
    if not subject:
        raise WrongCredentials(_("the token names nobody (sub)"))
    groups = _groups(p, claims)
    found = Found(
        subject=subject,
        username=_text(claims, p.username_claim) or _text(claims, p.email_claim) or subject,
        display_name=_text(claims, p.name_claim),
        email=_text(claims, p.email_claim),
        groups=groups,
    )
    named = tuple(Group(external_id=name, name=name, path=name) for name in sorted(groups))
    return Arrival(found, named, _text(claims, "sid"), proved)


def _groups(p: OidcProvider, claims: Mapping[str, Any]) -> frozenset[str]:
    if not p.groups_claim:
        return frozenset()
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, dict) and p.groups_claim in elsewhere:
        # Entra leaves a long list out: that is "not told", not "in no group".
        raise ProviderDown(_("the token leaves the groups out because they are too many"))
    given = _claim(claims, p.groups_claim)
    names = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ProviderDown(_("the groups claim is not a list of texts"))
    if len(names) > MOST_GROUPS or not all(_can_be_kept(name) for name in names):
        raise ProviderDown(_("the groups claim is too long"))
    return frozenset(name for name in names if name)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """By its whole name, else step by step at its dots (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(claims: Mapping[str, Any], name: str) -> str:
    """An empty text where the claim is none that can be kept."""
    value = _claim(claims, name) if name else None
    return value if isinstance(value, str) and _can_be_kept(value) else ""


def _can_be_kept(value: str) -> bool:
    """JSON may hold NUL and halves of characters, which the database does not take."""
    return len(value) <= LONGEST and "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    """Raises WrongCredentials for what is no instant; None where the claim is missing."""
    value = claims.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise WrongCredentials(f"the token's {name} is no instant") from None


def _left_out(digest: bytes) -> str:
    """Base64 for addresses, its padding left out."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
