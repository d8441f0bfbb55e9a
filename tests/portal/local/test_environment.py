"""The settings file: made once, closed, kept."""

import base64
import os
import stat
from pathlib import Path

import pytest

from portal.core import data_folder
from portal.local import environment


def _prepare(place: Path) -> dict[str, str]:
    folder = environment.prepare({"PADDOCK_DATA_DIR": str(place / "my data")})
    return data_folder.read_env(folder)


def test_the_file_is_closed_to_others(place: Path) -> None:
    _prepare(place)
    assert stat.S_IMODE((place / "my data" / "env").stat().st_mode) == 0o600


def test_keys_are_made_once_and_kept(place: Path) -> None:
    first = _prepare(place)
    name, _, key = first["PADDOCK_SEAL_KEYS"].partition(":")
    assert name == "k1"
    assert len(base64.b64decode(key, validate=True)) == 32
    assert len(first["PADDOCK_SECRET_KEY"]) >= 50
    assert _prepare(place) == first


def test_two_data_folders_share_no_key(place: Path) -> None:
    first = _prepare(place)
    (place / "my data").rename(place / "moved")
    second = _prepare(place)
    for name in ("PADDOCK_SECRET_KEY", "PADDOCK_SEAL_KEYS", "DATABASE_URL"):
        assert first[name] != second[name]


def test_a_line_that_a_person_added_stays_and_a_stale_address_goes(place: Path) -> None:
    first = _prepare(place)
    file = place / "my data" / "env"
    text = file.read_text(encoding="utf-8").replace(first["REDIS_URL"], "unix:///gone/valkey.sock?db=0")
    file.write_text(text + "PADDOCK_CURRENCY=CHF\n", encoding="utf-8")
    assert _prepare(place) == {**first, "PADDOCK_CURRENCY": "CHF"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_folder_by_default_and_by_variable(place: Path) -> None:
    default = data_folder.location({})
    if os.geteuid() == 0:
        assert default.parent == Path("/var/lib/paddock")
    else:
        assert default == data_folder.CHECKOUT / "var"
    assert data_folder.location({"PADDOCK_DATA_DIR": "/a b/c"}) == Path("/a b/c")
    (place / "named").write_text("/elsewhere\n", encoding="utf-8")
    assert data_folder.location({"PADDOCK_DATA_DIR_FILE": str(place / "named")}) == Path("/elsewhere")


def test_a_missing_file_is_no_settings(place: Path) -> None:
    assert data_folder.read_env(place) == {}


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
def test_a_server_of_ones_own_replaces_the_embedded_one(name: str) -> None:
    assert environment.replaced({name: "x"}, "DATABASE_URL")
    assert not environment.replaced({name: ""}, "DATABASE_URL")
