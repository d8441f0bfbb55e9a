"""Sealed values open only where they belong."""

import base64

import pytest
from pytest_django import Settings

from portal.core import sealed

KEY_A = "a:" + base64.b64encode(b"a" * 32).decode()
KEY_B = "b:" + base64.b64encode(b"b" * 32).decode()


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.SEAL_KEYS = KEY_A


def test_it_opens_at_its_place_only() -> None:
    value = sealed.seal("hello", place="cluster/1/credential")
    assert sealed.unseal(value, place="cluster/1/credential") == "hello"
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(value, place="cluster/2/credential")


def test_a_flipped_character_is_noticed() -> None:
    value = sealed.seal("hello", place="p")
    flipped = value[:-2] + ("A" if value[-2] != "A" else "B") + value[-1]
    with pytest.raises(sealed.SealBroken):
        sealed.unseal(flipped, place="p")


def test_an_old_key_still_reads_and_the_first_one_writes(settings: Settings) -> None:
    old = sealed.seal("hello", place="p")
    settings.SEAL_KEYS = f"{KEY_B},{KEY_A}"
    assert sealed.unseal(old, place="p") == "hello"
    assert sealed.seal("x", place="p").split(".")[1] == "b"
    settings.SEAL_KEYS = KEY_B
    with pytest.raises(sealed.SealBroken, match="'a'"):
        sealed.unseal(old, place="p")


@pytest.mark.parametrize(
    "bad", ["a", "a:xyz", ":" + KEY_A, "a:" + base64.b64encode(b"short").decode(), f"{KEY_A},{KEY_A}"]
)
def test_bad_keys_are_refused_without_showing_them(bad: str) -> None:
    with pytest.raises(ValueError, match="pair") as error:
        sealed.parse_keys(bad)
    assert "xyz" not in str(error.value)
    assert KEY_A.split(":")[1] not in str(error.value)


def test_a_secret_is_not_shown() -> None:
    assert "hunter" not in f"{sealed.Sealed('hunter2')!r} {sealed.Sealed('hunter2')}"
