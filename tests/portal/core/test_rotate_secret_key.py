"""A new secret key: sessions go on, the file stays closed to others, and nothing is changed that is not ours."""

import stat
from pathlib import Path

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from pytest_django import Settings

from portal.core import data_folder

KEY, FALLBACKS = "PADDOCK_SECRET_KEY", "PADDOCK_SECRET_KEY_FALLBACKS"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose settings file holds the key."""
    monkeypatch.setenv("PADDOCK_DATA_DIR", str(tmp_path))
    monkeypatch.delenv(KEY)
    data_folder.change_env(tmp_path, {KEY: "first" * 12, "PORT": "8001"})
    return tmp_path


def test_the_old_key_becomes_a_fallback(folder: Path, settings: Settings) -> None:
    settings.SECRET_KEY = "first" * 12
    signed = signing.dumps("hello")
    call_command("rotate_secret_key")
    call_command("rotate_secret_key")
    known = data_folder.read_env(folder)
    newest, fallbacks = known[KEY], known[FALLBACKS].split(",")
    assert len(newest) >= 50
    assert fallbacks[1] == "first" * 12
    assert known["PORT"] == "8001"
    assert stat.S_IMODE((folder / "env").stat().st_mode) == 0o600
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = newest, fallbacks
    assert signing.loads(signed) == "hello"
    call_command("rotate_secret_key", "--forget")
    assert FALLBACKS not in data_folder.read_env(folder)


def test_a_key_of_the_environment_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "env").read_text(encoding="utf-8")
    monkeypatch.setenv(f"{KEY}_FILE", "/run/secrets/key")
    with pytest.raises(CommandError, match="environment"):
        call_command("rotate_secret_key")
    assert (folder / "env").read_text(encoding="utf-8") == before


def test_without_a_file_it_says_so(folder: Path) -> None:
    (folder / "env").unlink()
    with pytest.raises(CommandError, match="make setup"):
        call_command("rotate_secret_key")
    assert not list(folder.iterdir())
