"""How a token is written: `pdk_<public id>_<secret>`. Scanners of code know it by its beginning. Pure rules."""

import hashlib
import re
from dataclasses import dataclass

PREFIX = "pdk_"
# 48 bits that tell tokens apart, and 256 that nobody guesses.
_WRITTEN = re.compile(r"pdk_(?P<public_id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True)
class Written:
    """A token as its two parts; the secret shows in no repr."""

    public_id: str
    digest: str


def write(public_id: str, secret: str) -> str:
    """Return the text that is shown once."""
    return f"{PREFIX}{public_id}_{secret}"


def read(text: str) -> Written | None:
    """Return what a text names; None where it cannot be a token."""
    found = _WRITTEN.fullmatch(text)
    return Written(found["public_id"], digest_of(found["secret"])) if found else None


def digest_of(secret: str) -> str:
    """Return what is kept of a secret. It holds 256 random bits, so that a quick digest is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def speaks_of(text: str) -> bool:
    """Tell whether a text has the beginning of a token in it."""
    return PREFIX in text
