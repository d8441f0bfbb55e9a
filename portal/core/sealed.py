"""Sealed values: AES-256-GCM, bound to the table, the row and the field they were written for.

A value reads `v1.<key id>.<nonce>.<ciphertext>` in URL-safe base64, so it names the key that opens it. Several keys
can be readable at once; the first of `SEAL_KEYS` writes. A value copied to another row, table or field does not open.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

VERSION = "v1"
NONCE_BYTES = 12


class SealBroken(Exception):
    """The value was altered, moved from another place, or its key is not among `PADDOCK_SEAL_KEYS`."""


def parse_keys(text: str) -> dict[str, bytes]:
    """Read `id:base64-of-32-bytes` pairs, comma separated, the writing key first.

    Raises `ValueError` naming the pair that is wrong; the key itself is never part of the message.
    """
    keys: dict[str, bytes] = {}
    for number, pair in enumerate((part.strip() for part in text.split(",") if part.strip()), start=1):
        key_id, separator, encoded = pair.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not separator or not key_id.isalnum() or len(key) != 32:
            raise ValueError(f"pair {number} is not of the form id:base64-of-32-bytes")
        if key_id in keys:
            raise ValueError(f"the key id of pair {number} appears twice")
        keys[key_id] = key
    return keys


def _keys() -> dict[str, bytes]:
    keys = parse_keys(settings.SEAL_KEYS)
    if not keys:
        raise SealBroken("PADDOCK_SEAL_KEYS is empty")
    return keys


def seal(clear: str, *, place: str) -> str:
    """Seal a text for one place, written `table/row/field`."""
    key_id, key = next(iter(_keys().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(key).encrypt(nonce, clear.encode(), f"{VERSION}/{place}".encode())
    return ".".join((VERSION, key_id, _encode(nonce), _encode(cipher)))


def unseal(value: str, *, place: str) -> str:
    """Open a value sealed for the same place. Raises `SealBroken`."""
    try:
        version, key_id, nonce, cipher = value.split(".")
        key = _keys()[key_id]
        clear = AESGCM(key).decrypt(_decode(nonce), _decode(cipher), f"{version}/{place}".encode())
    except KeyError:
        raise SealBroken(f"no key with the id {key_id!r} is configured") from None
    except (ValueError, InvalidTag):
        raise SealBroken("the sealed value does not belong to this place, or was altered") from None
    return clear.decode()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Sealed:
    """A secret in memory: never shown by `repr`, `str`, a template or a log."""

    def __init__(self, clear: str) -> None:
        self._clear = clear

    def reveal(self) -> str:
        """Return the secret itself, for the one call that needs it."""
        return self._clear

    def __repr__(self) -> str:
        return "Sealed(…)"

    __str__ = __repr__


class SealedField(models.TextField):  # type: ignore[type-arg]
    """A text column that holds only sealed values. Write with `set_sealed`, read with `open_sealed`.

    The binding needs the row's key, so rows whose key is made in Python (`UUIDModel`) can be sealed before saving.
    """


def place_of(instance: models.Model, field: str) -> str:
    """Return the place a sealed value of this row and field is bound to."""
    return f"{instance._meta.db_table}/{instance.pk}/{field}"


def set_sealed(instance: models.Model, field: str, clear: str) -> None:
    """Seal `clear` into the instance's field; the instance is not saved."""
    setattr(instance, field, seal(clear, place=place_of(instance, field)))


def open_sealed(instance: models.Model, field: str) -> Sealed:
    """Open the instance's field. Raises `SealBroken`."""
    return Sealed(unseal(getattr(instance, field), place=place_of(instance, field)))
