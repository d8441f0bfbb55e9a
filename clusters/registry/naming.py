"""What a cluster may be called, and the slug made of its name."""

import re

# Plain letters only: a name that looks like another one's must not be possible (letters of other scripts do).
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,61}[A-Za-z0-9])?")
LONGEST = 63
# Words that stand where a slug stands in the addresses of the room.
RESERVED = frozenset({"add", "rights"})


def is_name(name: str) -> bool:
    """Tell whether a name has 1 to 63 plain letters, digits and inner spaces, dots, hyphens and underscores."""
    return _NAME.fullmatch(name) is not None


def slug_of(name: str) -> str:
    """Return the slug of a valid name; names that differ by case and separators alone share it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def numbered(slug: str, number: int) -> str:
    """Return another slug of the same family, within the length a slug may have."""
    ending = f"-{number}"
    return slug[: LONGEST - len(ending)].rstrip("-") + ending
