"""Every secret that this issue brought is asked for everywhere and found nowhere (T1).

Secrets of the installation (providers, mail, webhook, sealing and signing keys) and of people (tokens, second factors,
recovery codes, sessions): in no answer, row, log, cache or message, in whatever form.
"""

import base64
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import SecondFactor, User
from portal.accounts.signing import factors
from portal.core.actors import COMMAND
from portal.outbox import services as outbox
from portal.outbox import targets
from tests.architecture import matrix
from tests.architecture.matrix import Sweep
from tests.factories.rivals import AT
from tests.portal.accounts.providers.test_declared import LDAP, OIDC
from tests.portal.accounts.providing import declare

pytestmark = pytest.mark.django_db
_MARK = "Zq7Wd3canary"
BIND, CLIENT_SECRET, HOOK = f"bind-{_MARK}-0123456789", f"client-{_MARK}-0123456789", f"hook-{_MARK}-0123456789"
MAIL, OUT_HOOK = f"smtp-{_MARK}-0123456789", f"out-{_MARK}-0123456789012345678901234567890123"
TYPED = f"typed-{_MARK}-0123456789"
# Where a secret itself must stand: a session is looked up by its key.
SESSIONS = "session"


def forms(secret: str) -> set[str]:
    """The ways in which a text could hold it."""
    raw = secret.encode()
    shifted = {base64.b64encode(b"x" * pad + raw).decode()[4:-4] for pad in range(3)}
    return {secret, quote(secret, safe=""), raw.hex(), raw.hex()[::-1], secret[::-1], *shifted}


class Watch:
    """The secrets by name, and what was found of them where."""

    def __init__(self, secrets: dict[str, str]) -> None:
        assert all(len(secret) >= 8 for secret in secrets.values())
        self.forms = {form: name for name, secret in secrets.items() for form in forms(secret)}
        self.found: list[tuple[str, str]] = []

    def look(self, where: str, text: str) -> None:
        """Search one text."""
        self.found += [(name, where) for form, name in self.forms.items() if form in text]


def key_lines() -> tuple[str, str]:
    """A private key, and a line from the middle of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, pem.splitlines()[8]


def of_people(sweep: Sweep) -> dict[str, str]:
    """What tokens, sessions and second factors of the cast are made of."""
    found: dict[str, Any] = {}
    for key, who in sweep.people.items():
        token = who.client.defaults.get("HTTP_AUTHORIZATION", "").partition("_")[2].partition("_")[2]
        session = who.client.cookies.get(django_settings.SESSION_COOKIE_NAME)
        found |= {f"token of {key}": token} if token else {}
        found |= {f"session of {key}": session.value} if session is not None else {}
    user = User.objects.get(pk=sweep.people["nobody"].user.pk)  # type: ignore[union-attr]
    factors.begin(user=user, at=AT)
    spoken = factors.spoken_secret(SecondFactor.objects.get(user=user)).replace(" ", "")
    codes = factors.confirm(user=user, code=pyotp.TOTP(spoken).at(AT), by=COMMAND, at=AT)
    return found | {"second factor": spoken} | {f"recovery code {n}": code for n, code in enumerate(codes)}


def installed(settings: Settings) -> dict[str, str]:
    """Declare providers and targets, each with a secret."""
    pem, line = key_lines()
    hub = {
        "key": "hub",
        "name": "GitHub",
        "kind": "github",
        "app_id": 1,
        "private_key": pem,
        "client_id": "paddock",
        "client_secret": f"{CLIENT_SECRET}-hub",
        "webhook_secret": HOOK,
        "organisations": ["acme"],
    }
    ldap = {name: value for name, value in LDAP.items() if name != "ca"}
    declare(settings, {**ldap, "bind_password": BIND}, {**OIDC, "client_secret": CLIENT_SECRET}, hub)
    settings.OUTBOX_MAIL = targets.parse_mail(f"smtps://user:{MAIL}@127.0.0.1:1", "paddock@example.com")
    settings.OUTBOX_WEBHOOK = targets.parse_webhook("https://127.0.0.1:1/", OUT_HOOK)
    sealing = base64.b64encode(b"t" * 32).decode()
    return {
        "bind password": BIND,
        "client secret": CLIENT_SECRET,
        "webhook secret": HOOK,
        "private key": line,
        "mail password": MAIL,
        "secret of outgoing webhooks": OUT_HOOK,
        "signing key": django_settings.SECRET_KEY,
        "sealing key": sealing,
    }


def stored() -> Iterable[tuple[str, str]]:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            without = " - 'session_key'" if table == SESSIONS else ""
            cursor.execute(f'SELECT (to_jsonb(t){without})::text FROM "{table}" AS t')
            yield from ((table, row[0]) for row in cursor.fetchall())


def cached() -> Iterable[tuple[str, str]]:
    """Every key of Valkey with what it holds."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        for key in client.scan_iter(count=1000):
            yield "valkey", f"{key!r} {client.dump(key)!r}"


def whole(answer: HttpResponseBase, body: str) -> str:
    """Headers and body; the cookie of a session is where its key belongs."""
    return "\n".join(f"{name}: {value}" for name, value in answer.headers.items()) + body


def wrong_ones() -> Iterable[tuple[str, HttpResponseBase]]:
    """Forty kinds of errors with something secret in what was sent."""
    client = Client(raise_request_exception=False)
    paths = ["/sign-in/", "/api/v1/projects/", "/hooks/github/hub/", "/hooks/oidc/sso/logout/", "/no-such-page/"]
    for path in paths:
        yield path, client.post(path, {"username": "ann", "password": TYPED, "logout_token": TYPED})
        yield path, client.post(path, TYPED.encode(), content_type="application/json")
        yield path, client.get(path, headers={"Authorization": f"Bearer pdk_0123456789ab_{TYPED}"})
        yield path, client.get(path, headers={"Authorization": f"Basic {TYPED}"})
        yield path, client.get(path, headers={"Cookie": f"{django_settings.SESSION_COOKIE_NAME}={TYPED}"})
        yield path, client.post(path, b"{}", content_type="text/plain", headers={"X-Hub-Signature-256": TYPED})
        yield path, client.put(path, TYPED.encode(), content_type="application/x-www-form-urlencoded")
        yield path, client.post(path, {"code": TYPED, "password": TYPED}, headers={"HX-Request": "true"})


def test_no_secret_is_found_anywhere(sweep: Sweep, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    watch = Watch(of_people(sweep) | installed(settings) | {"what was typed": TYPED})
    outbox.mail(to=["a@example.com"], subject="hello", text="a text", key="canary", at=AT + timedelta(seconds=1))
    for cell in matrix.cells(["everything", "owner", "token"]):
        watch.look(str(cell), whole(sweep.ask(cell), sweep.last))
    client = sweep.people["everything"].client
    for key in ("corp", "sso", "hub"):
        for page in ("", "state/", "people/", "admits/", "test/", "disable/", "delete/"):
            answer: Any = client.get(f"/settings/providers/{key}/{page}")
            watch.look(page, whole(answer, answer.content.decode()))
    asked = list(wrong_ones())
    assert len(asked) >= 40
    for path, answer in asked:
        watch.look(f"error at {path}", whole(answer, getattr(answer, "content", b"").decode()))
    for where, text in [*stored(), *cached(), ("log", caplog.text)]:
        watch.look(where, text)
    assert watch.found == []


def test_the_search_finds_what_is_there() -> None:
    for form in forms(TYPED):
        watch = Watch({"one": TYPED})
        watch.look("here", f"before {form} after")
        assert watch.found
