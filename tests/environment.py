"""Pytest plugin, loaded before Django's settings: the servers and keys that the tests need.

PostgreSQL and Valkey are the embedded ones unless `DATABASE_URL` and `REDIS_URL` name others. With several workers
the controlling process starts them and the workers inherit their addresses.
"""

import atexit
import base64
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.local import folders, postgres, valkey

_servers = ExitStack()
atexit.register(_servers.close)

FIXED = {
    "PADDOCK_SECRET_KEY": "only-for-tests-" + "x" * 50,
    "PADDOCK_SEAL_KEYS": "test:" + base64.b64encode(b"t" * 32).decode(),
    "PADDOCK_ALLOW_LOOPBACK": "1",
    "PADDOCK_HTTPS": "0",
    "PADDOCK_REQUIRE_SECOND_FACTOR": "0",
    "PADDOCK_BILLING_TIME_ZONE": "UTC",
    "PADDOCK_CURRENCY": "USD",
    "PADDOCK_DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "portal.config.settings",
}


def _start() -> None:
    os.environ.update(FIXED)
    folder = _servers.enter_context(folders.temporary())
    if not os.environ.get("DATABASE_URL"):
        server = _servers.enter_context(postgres.Postgres(folder / "postgres", durable=False))
        os.environ["DATABASE_URL"] = server.url
    if not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = _servers.enter_context(valkey.Valkey(folder / "valkey")).url
    os.environ["PADDOCK_DATA_DIR"] = str(folder / "data")


if "PYTEST_XDIST_WORKER" not in os.environ:
    _start()


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Quick passwords; static files as they lie there, since `collectstatic` runs only before end-to-end tests."""
    from django.conf import settings  # noqa: PLC0415 - only after the environment above stands

    # Argon2 is slow on purpose; one test holds the real setting.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # WhiteNoise warns of a folder that is not there, and a fresh clone has none.
    collected = Path(os.environ["PADDOCK_DATA_DIR"]) / "static"
    collected.mkdir(parents=True, exist_ok=True)
    settings.STATIC_ROOT = collected
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
