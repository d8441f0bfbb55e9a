"""Django's own list of demands on a deployment, with TLS and without; and what stops a start."""

import os
import subprocess
import sys

import pytest

from portal.core import data_folder


def check(**environ: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` in another environment; an empty value takes a variable out."""
    given = {name: value for name, value in {**os.environ, **environ}.items() if value}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--tag", "paddock"],
        cwd=data_folder.CHECKOUT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("https", ["0", "1"])
def test_nothing_is_left_to_demand(https: str) -> None:
    done = check(PADDOCK_HTTPS=https, PADDOCK_SECRET_KEY="aB3-" * 20 + "xyzuvwrst")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert "security." not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"PADDOCK_SECRET_KEY": ""}, "PADDOCK_SECRET_KEY is missing"),
        ({"PADDOCK_SECRET_KEY": "short"}, "shorter than 50"),
        ({"PADDOCK_SEAL_KEYS": ""}, "PADDOCK_SEAL_KEYS is missing"),
        ({"PADDOCK_SEAL_KEYS": "k1:nonsense"}, "pair 1"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"PADDOCK_TRUSTED_PROXIES": "1"}, "needs PADDOCK_TRUSTED_NETWORKS"),
        ({"PADDOCK_TRUSTED_PROXIES": "1", "PADDOCK_TRUSTED_NETWORKS": "10.0.0.1/8"}, "host bits"),
        ({"PADDOCK_TRUSTED_PROXIES": "-1"}, "whole number"),
        ({"PADDOCK_HTTPS": "maybe"}, "use 1 or 0"),
    ],
)
def test_a_missing_or_wrong_setting_is_no_start(environ: dict[str, str], says: str) -> None:
    done = check(**environ)
    assert done.returncode != 0
    assert says in done.stderr
