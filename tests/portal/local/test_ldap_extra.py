"""The LDAP extra is really built, by each way this machine has; where none works Paddock runs without it."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from portal.core import data_folder
from portal.local import errors, ldap_extra, locks

ASK_FILES = "import ldap; print(ldap.__version__); print(open('/proc/self/maps').read())"


def needed(program: str, package: str) -> None:
    """Skip where a part is missing; with `CI=true` that is a failure."""
    if shutil.which(program) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{program} is missing: apt install {package}")


@pytest.fixture
def fresh(place: Path) -> ldap_extra.Place:
    """An environment with pip and nothing else."""
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    return ldap_extra.Place(place / "venv", place)


def loaded(fresh: ldap_extra.Place) -> str:
    return subprocess.run([fresh.python, "-c", ASK_FILES], check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
def test_a_fresh_environment_gets_a_module_that_loads(fresh: ldap_extra.Place) -> None:
    needed(ldap_extra.compiler()[0], "gcc")
    assert not fresh.works()
    assert ldap_extra.install_into(fresh) == "built"
    assert loaded(fresh).startswith("3.4.8")
    assert fresh.remembered() == "built"
    installed = subprocess.run([fresh.python, "-m", "pip", "list"], check=True, capture_output=True, text=True).stdout
    assert "84.2.1" not in installed, "what builds stays out of the environment"


@pytest.mark.slow
def test_without_headers_debians_are_unpacked_beside_the_environment(
    fresh: ldap_extra.Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed(ldap_extra.compiler()[0], "gcc")
    needed("apt-get", "apt, which is on Debian and Ubuntu alone")
    monkeypatch.setattr(ldap_extra, "ROUTES", (ldap_extra.with_private_headers,))
    assert ldap_extra.install_into(fresh) == "built", "\n".join(
        log.read_text(encoding="utf-8")[-500:] for log in fresh.log_dir.glob("ldap*.log")
    )
    ours = re.findall(r"\S+/venv/ldap/usr/lib/\S+/(lib\w+)", loaded(fresh))
    assert {"libldap", "liblber", "libsasl2"} <= set(ours)
    moved = fresh.environment.rename(fresh.environment.with_name("moved"))
    assert "/moved/ldap/usr/lib/" in loaded(ldap_extra.Place(moved, fresh.log_dir)), "found relative to the module"


def test_no_way_is_an_outcome_that_is_remembered_and_asks_nobody_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(_place: ldap_extra.Place) -> dict[str, str]:
        asked.append("asked")
        raise errors.LocalError("no compiler")

    monkeypatch.setattr(ldap_extra, "ROUTES", (refuse, refuse))
    here = ldap_extra.Place(place, place)
    assert ldap_extra.install_into(here) == ldap_extra.MISSING
    assert ldap_extra.install_into(here) == ldap_extra.MISSING
    assert len(asked) == 2
    ldap_extra.install_into(here, insist=True)
    assert len(asked) == 4, "`make setup` tries again"


def test_another_compiler_or_lock_makes_it_try_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ldap_extra.Place(place, place)
    here.remember(ldap_extra.MISSING)
    assert here.remembered() == ldap_extra.MISSING
    monkeypatch.setenv("CC", "/nowhere/cc")
    assert here.remembered() == ""


def test_no_compiler_means_no_route(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc")
    for route in ldap_extra.ROUTES:
        with pytest.raises(errors.LocalError):
            route(ldap_extra.Place(place, place))


def test_a_failed_build_ends_no_start(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ldap_extra, "ROUTES", (lambda _place: {},))
    # No interpreter lies there, so that the build itself fails.
    assert ldap_extra.install_into(ldap_extra.Place(place, place)) == ldap_extra.MISSING


def test_two_starts_do_not_build_at_once(place: Path) -> None:
    with locks.held(data_folder.CHECKOUT, wait=False) as mine:
        if not mine:
            pytest.fail("another start holds the lock of this checkout")
        question = (
            "import sys; from pathlib import Path; from portal.local import ldap_extra as e; "
            "e.ROUTES = (); place = Path(sys.argv[1]); e.install_into(e.Place(place, place))"
        )
        other = subprocess.Popen([sys.executable, "-c", question, place], cwd=data_folder.CHECKOUT, env={**os.environ})
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=1)
    assert other.wait(timeout=30) == 0


@pytest.mark.parametrize(("extra", "lock"), [("ldap", ldap_extra.LOCK), ("ldap-build", ldap_extra.BUILD_LOCK)])
def test_the_locks_hold_what_the_project_names(extra: str, lock: str) -> None:
    project = tomllib.loads((data_folder.CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (data_folder.CHECKOUT / lock).read_text(encoding="utf-8").splitlines()
    pins = {line.split(" ")[0] for line in lines if line[:1].isalnum()}
    assert set(project["project"]["optional-dependencies"][extra]) <= pins
