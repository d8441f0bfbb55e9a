"""An OpenID Connect provider of our own, at the wire, with switches for what a bad one does."""

import base64
import hashlib
import hmac
import html
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes import asking
from tests.fakes.https import Asked, HttpsServer, Reply, redirect

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
CLIENT, SECRET = "paddock", "oidc-client-secret"


@dataclass
class Key:
    kid: str
    private: rsa.RSAPrivateKey

    def public(self) -> dict[str, Any]:
        shown: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**shown, "kid": self.kid, "use": "sig", "alg": "RS256"}


class OidcServer(HttpsServer):
    """`people` maps a user name to claims; every password is `password`.

    `faults` holds names of what goes wrong with the next id tokens: signature, nonce, expired, future, audience,
    issuer, none, hs256, unknown_key, azp, at_hash, no_auth_time, no_iat, extra_audience.
    """

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, dict[str, Any]] = {}
        self.faults: set[str] = set()
        self.key = make_key()
        self.published = [self.key]
        self.signed_in_ago = 0  # seconds, as auth_time tells
        self.discovery: dict[str, Any] = {}  # laid over what discovery says
        self.userinfo: dict[str, Any] = {}  # laid over what userinfo says
        self.issued: list[str] = []  # id tokens, the newest last
        self._codes: dict[str, dict[str, str]] = {}
        self._access: dict[str, str] = {}

    def provider_json(self, key: str = "sso", **fields: Any) -> dict[str, Any]:
        """An entry of PADDOCK_PROVIDERS."""
        entry = {"key": key, "name": "Single sign-on", "kind": "oidc", "issuer": self.url, "ca": self.ca_pem}
        return {**entry, "client_id": CLIENT, "client_secret": SECRET, **fields}

    def add(self, username: str, **claims: Any) -> str:
        """Returns the `sub`."""
        subject = str(claims.pop("sub", f"sub-{username}"))
        self.people[username] = {"sub": subject, "preferred_username": username, **claims}
        return subject

    def rotate(self) -> None:
        """Another key signs; the former is not published any more."""
        self.key = make_key()
        self.published = [self.key]

    def sign_in(self, url: str, username: str) -> dict[str, str]:
        """What a browser does, from the authorize address to the query of the callback."""
        form = asking.get(url, self.ca_pem)
        assert form.status == 200, form.body
        answer = asking.post(url, self.ca_pem, {"username": username, "password": "password"})
        assert answer.status == 302, answer.body
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def logout_token(self, *, key: Key | None = None, typ: str = "logout+jwt", **claims: Any) -> str:
        """A claim given as None is left out."""
        at = int(time.time())
        told = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": at,
            "exp": at + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            **claims,
        }
        told = {name: value for name, value in told.items() if value is not None}
        signer = key or self.key
        return jwt.encode(told, signer.private, algorithm="RS256", headers={"kid": signer.kid, "typ": typ})

    def send_logout(self, url: str, **claims: Any) -> int:
        """Posts a logout token to the portal's address and returns the status."""
        return asking.post(url, "", {"logout_token": self.logout_token(**claims)}).status

    def answer(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/.well-known/openid-configuration":
                return Reply(body={**self._discovery(), **self.discovery})
            case "GET", "/jwks":
                return Reply(body={"keys": [key.public() for key in self.published]})
            case "GET", "/authorize":
                return Reply(body=_form(asked))
            case "POST", "/authorize":
                return self._authorize(asked)
            case "POST", "/token":
                return self._token(asked)
            case "GET", "/userinfo" if asked.bearer in self._access:
                return Reply(body={**self.people[self._access[asked.bearer]], **self.userinfo})
        return Reply(404, {"error": "not_found"})

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "backchannel_logout_supported": True,
        }

    def _authorize(self, asked: Asked) -> Reply:
        username = asked.form.get("username", "")
        if username not in self.people or asked.form.get("password") != "password":
            return Reply(body=_form(asked, "wrong user name or password"))
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked.query, "username": username}
        back = {"code": code, "state": asked.query["state"], "iss": self.url}
        return redirect(f"{asked.query['redirect_uri']}?{urlencode(back)}")

    def _token(self, asked: Asked) -> Reply:
        form = asked.form
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        posted = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if asked.headers.get("authorization") != f"Basic {pair}" and not posted:
            return Reply(401, {"error": "invalid_client"})
        begun = self._codes.pop(form.get("code", ""), None)
        challenge = _left_out(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if begun is None or begun.get("code_challenge_method") != "S256":
            return Reply(400, {"error": "invalid_grant"})
        if begun["redirect_uri"] != form.get("redirect_uri") or begun["code_challenge"] != challenge:
            return Reply(400, {"error": "invalid_grant"})
        access = secrets.token_urlsafe(16)
        self._access[access] = begun["username"]
        self.issued.append(self._id_token(begun, access))
        return Reply(body={"access_token": access, "token_type": "Bearer", "id_token": self.issued[-1]})

    def _id_token(self, begun: dict[str, str], access: str) -> str:
        at = int(time.time())
        faults = self.faults
        claims: dict[str, Any] = {
            "iss": "https://elsewhere.example" if "issuer" in faults else self.url,
            "aud": "somebody-else" if "audience" in faults else CLIENT,
            "iat": at + (3600 if "future" in faults else 0),
            "exp": at - 120 if "expired" in faults else at + 300,
            "nonce": "another" if "nonce" in faults else begun["nonce"],
            "at_hash": _left_out(hashlib.sha256(access.encode()).digest()[:16]),
            "sid": f"session-of-{begun['username']}",
            "auth_time": at - self.signed_in_ago,
            **self.people[begun["username"]],
        }
        if "at_hash" in faults:
            claims["at_hash"] = _left_out(b"x" * 16)
        if "extra_audience" in faults:
            claims["aud"] = [CLIENT, "somebody-else"]
        if "azp" in faults:
            claims["azp"] = "somebody-else"
        for name in ("auth_time", "iat"):
            if f"no_{name}" in faults:
                del claims[name]
        return self._sign(claims)

    def _sign(self, claims: dict[str, Any]) -> str:
        headers = {"kid": self.key.kid}
        if "none" in self.faults:
            return f"{_unsigned({'alg': 'none', **headers}, claims)}."
        if "hs256" in self.faults:
            # The public key as a shared secret: what a checker without a list of algorithms falls for.
            return _signed_with_public_key(claims, self.key)
        if "unknown_key" in self.faults:
            headers = {"kid": "nobody-knows"}
        token = jwt.encode(claims, self.key.private, algorithm="RS256", headers=headers)
        if "signature" in self.faults:
            front, signature = token.rsplit(".", 1)
            return f"{front}.{signature[:20]}{'A' if signature[20] != 'A' else 'B'}{signature[21:]}"
        return token


def make_key() -> Key:
    return Key(secrets.token_hex(4), rsa.generate_private_key(65537, 2048))


def _signed_with_public_key(claims: dict[str, Any], key: Key) -> str:
    front = _unsigned({"alg": "HS256", "typ": "JWT", "kid": key.kid}, claims)
    public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{front}.{_left_out(hmac.new(public, front.encode(), hashlib.sha256).digest())}"


def _unsigned(header: dict[str, str], claims: dict[str, Any]) -> str:
    return ".".join(_left_out(json.dumps(part).encode()) for part in (header, claims))


def _form(asked: Asked, error: str = "") -> str:
    address = html.escape(f"/authorize?{urlencode(asked.query)}")
    return (
        f"<!doctype html><title>Single sign-on</title><h1>Single sign-on</h1><p>{html.escape(error)}</p>"
        f'<form method="post" action="{address}"><label>User <input name="username"></label>'
        '<label>Password <input name="password" type="password"></label><button>Sign in</button></form>'
    )


def _left_out(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
