"""The one reader of the environment.

Every variable is declared in `VARIABLES`; `docs/configuration.md` names each, by test. A variable X may be given as
`X_FILE`, the path of a file whose content is the value. What the process environment leaves out is taken from
`$PADDOCK_DATA_DIR/env`, which `make setup` writes. A wrong value stops the start with the remedy.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

from portal.core import data_folder


class Wrong(ImproperlyConfigured):
    """A variable has a value that cannot be used."""


@dataclass(frozen=True)
class Variable:
    """One variable: its name, its default as text ("" when there is none), and what it is for."""

    name: str
    default: str
    meaning: str


VARIABLES = {
    variable.name: variable
    for variable in (
        Variable("PADDOCK_SECRET_KEY", "", "signs sessions and one-time links; 50 characters or more"),
        Variable(
            "PADDOCK_SECRET_KEY_FALLBACKS", "", "earlier secret keys, comma separated: they verify, and sign nothing"
        ),
        Variable(
            "PADDOCK_SEAL_KEYS",
            "",
            "keys of stored credentials, `id:base64-of-32-bytes`, the writing one first",
        ),
        Variable("DATABASE_URL", "", "PostgreSQL 16 or later: `postgresql://user:password@host:5432/name`"),
        Variable("REDIS_URL", "", "Valkey or Redis 7 or later: `redis://host:6379/0` or `unix:///path/socket?db=0`"),
        Variable("PORT", "8000", "port of the web server that `make run` starts"),
        Variable("PADDOCK_DATA_DIR", "", "folder of keys, embedded servers and logs of `make run`"),
        Variable("PADDOCK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", "host names the portal answers to"),
        Variable(
            "PADDOCK_HTTPS",
            "1",
            "0 only where nothing but this machine reaches the portal: cookies without Secure",
        ),
        Variable("PADDOCK_TRUSTED_PROXIES", "0", "number of proxies in front whose X-Forwarded-For is believed"),
        Variable(
            "PADDOCK_TRUSTED_NETWORKS",
            "",
            "networks of those proxies, comma separated CIDRs, `unix` for a socket file; others are not believed",
        ),
        Variable("PADDOCK_SECURITY_CONTACT", "", "mailto: or https: address in /.well-known/security.txt"),
        Variable("PADDOCK_SESSION_HOURS", "16", "a session ends this long after the sign-in"),
        Variable("PADDOCK_SESSION_IDLE_MINUTES", "60", "a session ends this long after the last sign of a person"),
        Variable(
            "PADDOCK_REQUIRE_SECOND_FACTOR",
            "1",
            "0 only on a machine for trying it out: administrators without a second factor",
        ),
        Variable("PADDOCK_TOKENS_PER_OWNER", "20", "live API tokens that one person or robot can have"),
        Variable("PADDOCK_ALLOW_LOOPBACK", "0", "1 lets clusters live on this machine (demo, tests)"),
        Variable("PADDOCK_BASE_URL", "", "address by which people reach the portal, for links and redirects"),
        Variable("PADDOCK_PROVIDERS", "", "where people sign in: a JSON list of LDAP, GitHub and OIDC providers"),
        Variable("PADDOCK_OUTGOING_ALLOWED", "", "private networks that webhooks may reach, as 10.1.0.0/16"),
        Variable("PADDOCK_MAIL_URL", "", "mail relay: `smtp://user:password@host:587?starttls=1` or `smtps://…`"),
        Variable("PADDOCK_MAIL_FROM", "", "address that mail is from"),
        Variable("PADDOCK_WEBHOOK_URL", "", "https address that events are posted to"),
        Variable("PADDOCK_WEBHOOK_SECRET", "", "key of the signatures of events; 16 characters or more"),
        Variable(
            "PADDOCK_AUDIT_STREAM_URL",
            "",
            "collector of audit lines: `syslog+tls://host:6514`, `syslog+tcp://host:601` or `https://…`",
        ),
        Variable("PADDOCK_OUTBOX_CA", "", "authorities (PEM) of relay, webhook and collector instead of the machine's"),
        Variable("PADDOCK_BILLING_TIME_ZONE", "UTC", "days and months of cost; fixed once a cost run exists"),
        Variable("PADDOCK_CURRENCY", "USD", "currency of cost, ISO 4217; fixed once a cost run exists"),
        Variable(
            "PADDOCK_COST_LABELS",
            "app.kubernetes.io/part-of,app.kubernetes.io/name,app,team,environment",
            "label keys by which cost of workloads is kept, at most five",
        ),
        Variable("PADDOCK_LOG_FORMAT", "text", "`text` or `json`"),
        Variable("PADDOCK_DEMO", "1", "0 keeps `make run` from loading the demo"),
        Variable("PADDOCK_DEBUG", "0", "1 shows tracebacks in the browser; never where others reach it"),
    )
}


def _given(name: str, environ: Mapping[str, str]) -> str | None:
    if environ.get(name):
        return environ[name]
    file = environ.get(f"{name}_FILE")
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Wrong(f"{name}_FILE names {file}, which cannot be read: {error.strerror}.") from None


def _sources() -> tuple[Mapping[str, str], ...]:
    return (os.environ, data_folder.read_env(data_folder.location(os.environ)))


def data_dir() -> Path:
    """Return the folder of keys, embedded servers, the demo and logs."""
    return data_folder.location(os.environ)


def text(name: str) -> str:
    """Return the variable's value, its default where it is given nowhere. Raises `KeyError` if undeclared."""
    variable = VARIABLES[name]
    for source in _sources():
        value = _given(name, source)
        if value is not None:
            return value
    return variable.default


def flag(name: str) -> bool:
    """Return a 0 or 1 variable. Raises `Wrong`."""
    value = text(name).strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise Wrong(f"{name} is {value!r}: use 1 or 0.")


def number(name: str) -> int:
    """Return a whole number of zero or more. Raises `Wrong`."""
    value = text(name)
    if not value.isdecimal():
        raise Wrong(f"{name} is {value!r}: use a whole number.")
    return int(value)


def words(name: str) -> list[str]:
    """Return a comma-separated list without empty parts."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def checked(name: str, accept: Callable[[str], bool], remedy: str) -> str:
    """Return the value if `accept` takes it. Raises `Wrong` with the remedy."""
    value = text(name)
    if not accept(value):
        raise Wrong(f"{name} is {value!r}: {remedy}")
    return value


def time_zone(name: str) -> str:
    """Return the name of a known time zone. Raises `Wrong`."""
    value = text(name)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise Wrong(f"{name} is {value!r}: use a name of the time zone database, such as Europe/Zurich.") from None
    return value
