"""A new secret key: sessions go on, the file stays closed to others, and nothing is changed that is not ours."""

import stat
from pathlib import Path

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from portal.audit.models import Event
from portal.core import data_folder

pytestmark = pytest.mark.django_db
KEY, FALLBACKS = "PADDOCK_SECRET_KEY", "PADDOCK_SECRET_KEY_FALLBACKS"
FIRST = "first" * 12


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A data folder whose settings file holds the key that is in use."""
    data_folder.change_env(tmp_path, {KEY: FIRST, "PORT": "8001"})
    settings.DATA_DIR = tmp_path
    start_again(settings)
    return tmp_path


def start_again(settings: Settings) -> None:
    """What a process reads when it starts."""
    known = data_folder.read_env(settings.DATA_DIR)
    settings.SECRET_KEY = known[KEY]
    settings.SECRET_KEY_FALLBACKS = [key for key in known.get(FALLBACKS, "").split(",") if key]


def test_the_old_key_becomes_a_fallback(folder: Path, settings: Settings) -> None:
    signed = signing.dumps("hello")
    for _each in range(2):
        call_command("rotate_secret_key")
        start_again(settings)
    known = data_folder.read_env(folder)
    assert len(known[KEY]) >= 50
    assert known[FALLBACKS].split(",")[1] == FIRST
    assert known["PORT"] == "8001"
    assert stat.S_IMODE((folder / "env").stat().st_mode) == 0o600
    assert signing.loads(signed) == "hello"
    call_command("rotate_secret_key", "--forget")
    start_again(settings)
    assert FALLBACKS not in data_folder.read_env(folder)
    with pytest.raises(signing.BadSignature):
        signing.loads(signed)
    told = Event.objects.filter(kind__startswith="accounts.secret.").order_by("id")
    assert [(one.kind, one.actor_kind, (one.after or {})["earlier_keys_that_still_open"]) for one in told] == [
        ("accounts.secret.rotate", "command", 1),
        ("accounts.secret.rotate", "command", 2),
        ("accounts.secret.forget", "command", 0),
    ]
    assert known[KEY] not in str(list(told.values()))


def test_without_an_audit_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / "env").read_text(encoding="utf-8")

    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(Event.objects, "create", away)
    with pytest.raises(CommandError, match="audit cannot be written"):
        call_command("rotate_secret_key")
    assert (folder / "env").read_text(encoding="utf-8") == before


def test_a_key_of_the_environment_is_left_alone(folder: Path, settings: Settings) -> None:
    before = (folder / "env").read_text(encoding="utf-8")
    settings.SECRET_KEY = "from-elsewhere" * 5
    with pytest.raises(CommandError, match="environment"):
        call_command("rotate_secret_key")
    assert (folder / "env").read_text(encoding="utf-8") == before
    assert not Event.objects.exists()


def test_without_a_file_it_says_so(folder: Path) -> None:
    (folder / "env").unlink()
    with pytest.raises(CommandError, match="make setup"):
        call_command("rotate_secret_key")
    assert not list(folder.iterdir())
