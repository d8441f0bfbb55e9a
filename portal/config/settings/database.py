"""PostgreSQL and Valkey by URL."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from portal.config import env


def parse(url: str) -> dict[str, Any]:
    """Turn a PostgreSQL URL into Django's settings; a socket folder is given as `?host=/folder`.

    Raises `env.Wrong`; the message never repeats the URL, which holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise env.Wrong("DATABASE_URL cannot be read as a URL.") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise env.Wrong("DATABASE_URL must begin with postgresql:// (PostgreSQL 16 or later is the only database).")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or parts.hostname or ""
    options.setdefault("connect_timeout", "5")
    options.setdefault(
        "options",
        "-c statement_timeout=60000 -c lock_timeout=15000 -c idle_in_transaction_session_timeout=120000",
    )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or options.pop("port", "")),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
        "TEST": {"NAME": "paddock_test"},
    }


_url = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
# Without a URL the dummy backend answers: `allocate` runs without a database, everything else stops with a check.
DATABASES: dict[str, dict[str, Any]] = {"default": parse(_url) if _url else {"ENGINE": "django.db.backends.dummy"}}
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "paddock",
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    )
}
