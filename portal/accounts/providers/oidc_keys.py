"""What an OIDC provider publishes of itself: its addresses and its keys, kept for a while in this process."""

import threading
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import jwt
from django.conf import settings
from django.utils.translation import gettext as _

from portal.accounts.providers import asking
from portal.accounts.providers.answers import ProviderDown, WrongCredentials
from portal.accounts.providers.declared import OidcProvider
from portal.accounts.providers.fields import is_loopback

FRESH_SECONDS = 600.0
# A token with a key nobody knows may be a rotation, or anybody's nonsense: it buys one look a minute.
UNKNOWN_KEY_SECONDS = 60.0
MOST_KEYS = 100
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """What discovery told. `userinfo` is "" where there is none."""

    authorization: str
    token: str
    jwks: str
    userinfo: str
    names_issuer: bool


class _Known:
    """What this process knows of one provider."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.addresses: Addresses | None = None
        self.addresses_at = 0.0
        self.keys: tuple[dict[str, Any], ...] = ()
        self.keys_at: float | None = None


_known: dict[OidcProvider, _Known] = {}


def forget() -> None:
    """Drop everything known, as a new process would."""
    _known.clear()


def addresses(p: OidcProvider, deadline: asking.Deadline) -> Addresses:
    """Raises ProviderDown."""
    known = _known.setdefault(p, _Known())
    with known.lock:
        if known.addresses is None or monotonic() - known.addresses_at > FRESH_SECONDS:
            known.addresses, known.addresses_at = _discover(p, deadline), monotonic()
        return known.addresses


def find(p: OidcProvider, header: dict[str, Any], deadline: asking.Deadline) -> Any:
    """The public key for a token's header. Raises WrongCredentials when there is none, ProviderDown when not known."""
    where = addresses(p, deadline).jwks
    known = _known[p]
    with known.lock:
        age = None if known.keys_at is None else monotonic() - known.keys_at
        if age is None or age > FRESH_SECONDS:
            known.keys, known.keys_at, age = _fetch_keys(p, where, deadline), monotonic(), 0.0
        fitting = _fitting(known.keys, header)
        if not fitting and age >= UNKNOWN_KEY_SECONDS:
            known.keys, known.keys_at = _fetch_keys(p, where, deadline), monotonic()
            fitting = _fitting(known.keys, header)
    if len(fitting) != 1:
        raise WrongCredentials(_("the token names no key that the provider publishes"))
    try:
        return jwt.PyJWK(fitting[0], algorithm=header["alg"]).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise WrongCredentials(_("the provider's key cannot be used for the token's algorithm")) from None


def _fitting(keys: tuple[dict[str, Any], ...], header: dict[str, Any]) -> list[dict[str, Any]]:
    """Keys of the right family for signatures; by `kid` where the token names one."""
    algorithm, kid = header["alg"], header.get("kid")
    found = [
        key
        for key in keys
        if key.get("kty") == _FAMILIES[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
    return [key for key in found if key.get("kid") == kid] if kid is not None else found


def _discover(p: OidcProvider, deadline: asking.Deadline) -> Addresses:
    url = f"{p.issuer.rstrip('/')}/.well-known/openid-configuration"
    answer = asking.ask("GET", url, ca_pem=p.ca_pem, deadline=deadline)
    if answer.status != 200:
        raise ProviderDown(_("discovery answered %(status)d") % {"status": answer.status})
    told = asking.mapping(answer, _("discovery"))
    if told.get("issuer") != p.issuer:
        raise ProviderDown(_("discovery names another issuer than the one declared"))
    return Addresses(
        authorization=_address(told, "authorization_endpoint"),
        token=_address(told, "token_endpoint"),
        jwks=_address(told, "jwks_uri"),
        userinfo=_address(told, "userinfo_endpoint") if p.userinfo else "",
        names_issuer=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(told: dict[str, object], field: str) -> str:
    """Judged here for the browser's sake; what Paddock asks itself is judged again by the client."""
    value = told.get(field)
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts, host = None, None
    if not isinstance(value, str) or parts is None or not host or "@" in parts.netloc or parts.fragment:
        raise ProviderDown(_("discovery gives no usable %(field)s") % {"field": field})
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.ALLOW_LOOPBACK and is_loopback(host)):
        raise ProviderDown(_("discovery gives a %(field)s that is not https") % {"field": field})
    return value


def _fetch_keys(p: OidcProvider, url: str, deadline: asking.Deadline) -> tuple[dict[str, Any], ...]:
    answer = asking.ask("GET", url, ca_pem=p.ca_pem, deadline=deadline)
    if answer.status != 200:
        raise ProviderDown(_("the key list answered %(status)d") % {"status": answer.status})
    keys = asking.mapping(answer, _("the key list")).get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise ProviderDown(_("the key list is none"))
    return tuple(key for key in keys if isinstance(key, dict))
