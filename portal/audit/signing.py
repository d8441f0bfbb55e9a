"""The keys that sign heads: made on first use, sealed in the database, replaced on request."""

import base64
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from portal.audit import chain
from portal.audit.models import SigningKey
from portal.core.sealed import SealBroken, open_sealed, set_sealed


def current(*, at: datetime) -> SigningKey:
    """Return the key that signs now; the first call makes it. Called under the sealer's lock."""
    return newest() or _make(at)


def newest() -> SigningKey | None:
    """Return the key that signs now, None before the first head."""
    return SigningKey.objects.order_by("-created_at").first()


def replace(*, at: datetime) -> SigningKey:
    """Make a new key, introduced by the one before if that can still be opened. Called under the sealer's lock."""
    before = newest()
    if before is None:
        return _make(at)
    later = max(at, before.created_at + timedelta(seconds=1))
    try:
        return _make(later, before)
    except SealBroken:
        # What sealed the old one is lost. The new one stands alone, and verification says so from then on.
        return _make(later)


def sign(key: SigningKey, text: bytes) -> str:
    """Return the signature in base64. Raises `SealBroken` where the key cannot be opened."""
    return _encode(_private(key).sign(text))


def is_signed(public: str, text: bytes, signature: str) -> bool:
    """Tell whether the signature is the key's over the text."""
    try:
        _public(public).verify(base64.b64decode(signature, validate=True), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(at: datetime, before: SigningKey | None = None) -> SigningKey:
    pair = Ed25519PrivateKey.generate()
    raw = pair.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    key = SigningKey(created_at=at, public=_encode(pair.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)))
    set_sealed(key, "private", _encode(raw))
    if before is not None:
        key.introduced_by = before.pk
        key.introduction = sign(before, chain.introduction_text(key.public))
    key.save(force_insert=True)
    return key


def _private(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(open_sealed(key, "private").reveal()))


@lru_cache(maxsize=32)
def _public(public: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
