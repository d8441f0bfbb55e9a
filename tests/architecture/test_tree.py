"""The house keeps its order: names, foreign keys, environment, migrations, drivers."""

import importlib.metadata
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models

from portal.audit.kinds import KINDS as EVENT_KINDS
from portal.config import env
from portal.jobs import kinds

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "clusters", "billing", "policies")
REFUSED_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "managers", "extras"}
# Lower rooms first; a foreign key may only point down or stay.
ORDER = [
    "core",
    "jobs",
    "access",
    "outbox",
    "audit",
    "accounts",
    "tokens",
    "registry",
    "inventory",
    "projects",
    "metering",
    "pricing",
    "ledger",
    "home",
]
FRAMEWORK = {"auth", "contenttypes", "sessions"}


def sources() -> list[Path]:
    """Return every Python file of the product."""
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "vendor" not in path.parts]


def test_no_file_is_named_after_nothing() -> None:
    assert [str(path) for path in sources() if path.stem in REFUSED_NAMES] == []


@pytest.mark.parametrize(
    "model", [m for m in apps.get_models() if m._meta.app_label in ORDER], ids=lambda m: m._meta.label
)
def test_foreign_keys_point_down(model: type[models.Model]) -> None:
    own = ORDER.index(model._meta.app_label)
    for field in model._meta.get_fields():
        target: Any = getattr(field, "related_model", None)
        if isinstance(field, models.ForeignKey | models.ManyToManyField) and not isinstance(target, str | None):
            label = target._meta.app_label
            assert label not in FRAMEWORK, f"{model._meta.label}.{field.name} points at a framework table"
            assert ORDER.index(label) <= own, f"{model._meta.label}.{field.name} points up to {label}"


@pytest.mark.parametrize("label", ["audit", "jobs"])
def test_log_and_jobs_stand_alone(label: str) -> None:
    for model in apps.get_app_config(label).get_models():
        assert not any(isinstance(field, models.ForeignKey) for field in model._meta.get_fields())


def test_every_variable_of_the_environment_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert [name for name in env.VARIABLES if f"`{name}`" not in page] == []


def test_the_environment_is_read_in_one_place() -> None:
    # The launcher runs before Django does and the island is a program of its own.
    allowed = {"portal/config/env.py", "portal/core/data_folder.py", "portal/config/wsgi.py", "portal/config/celery.py"}
    found = {
        str(path.relative_to(ROOT)) for path in sources() if re.search(r"os\.environ|os\.getenv", path.read_text())
    }
    island = {name for name in found if name.startswith(("portal/local/", "clusters/simulator/"))}
    assert found - island - allowed == set()


def test_enqueued_kinds_and_recorded_events_are_listed() -> None:
    text = "\n".join(path.read_text() for path in sources())
    enqueued = set(re.findall(r'enqueue\(\s*"([a-z_.]+)"', text))
    assert enqueued - set(kinds.known()) == set()
    recorded = set(re.findall(r'audit\.record\(\s*"([a-z_.]+)"', text))
    assert recorded - set(EVENT_KINDS) == set()


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0, stdout=StringIO())


@pytest.mark.django_db
def test_the_driver_is_psycopg2() -> None:
    assert connection.Database.__name__ == "psycopg2"  # type: ignore[attr-defined]
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("psycopg")


def test_no_lock_file_names_a_registry() -> None:
    for path in [*ROOT.glob("requirements*.txt"), ROOT / "package-lock.json"]:
        text = path.read_text()
        assert "://" not in text or path.name == "package-lock.json" and "resolved" not in text, path.name


def test_locks_hold_hashes() -> None:
    for path in ROOT.glob("requirements*.txt"):
        pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==", path.read_text(), re.M)
        assert pins
        assert path.read_text().count("--hash=sha256:") >= len(pins)


def test_nothing_inline_in_templates() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\bsrc=)", text), (
            f"{path} has something inline"
        )


def test_people_never_see_the_secret_settings() -> None:
    assert settings.SECRET_KEY not in repr(settings.TEMPLATES)
