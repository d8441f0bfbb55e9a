"""The mark that says which row of which installation wrote an object, and the field manager. Pure.

A label's value has 63 bytes at most; two ids in their usual form need 73. So both are written as base32, in lower case
and unpadded: `<26 letters>.<26 letters>`. A mark is output: whoever may write an object may strip and forge it.
"""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

LABEL = "paddock.io/owner"
LETTERS = 26
_PADDING = "=" * 6


@dataclass(frozen=True)
class Mark:
    """Who wrote an object, as it says itself."""

    installation: UUID
    row: UUID

    def __str__(self) -> str:
        return f"{short(self.installation)}.{short(self.row)}"


def short(one: UUID) -> str:
    """Return the 26 letters of an id."""
    return base64.b32encode(one.bytes).decode().rstrip("=").lower()


def read(value: str) -> Mark | None:
    """Return what a label says, None where no Paddock wrote it like this."""
    parts = value.split(".")
    if len(parts) != 2 or any(len(part) != LETTERS for part in parts):
        return None
    try:
        first, second = (UUID(bytes=base64.b32decode(part.upper() + _PADDING)) for part in parts)
    except (binascii.Error, ValueError):
        return None
    found = Mark(first, second)
    # The last letter holds unused bits: only one spelling of a mark is its own.
    return found if str(found) == value else None


def manager(installation: UUID) -> str:
    """Return the name under which this installation applies fields."""
    return f"paddock-{short(installation)}"
