"""The slug made of a name, and another one where it is taken. Pure."""

import re
import unicodedata
from collections.abc import Collection

LONGEST = 63
# Words that stand where a slug stands in the addresses of the room.
RESERVED = frozenset({"new", "unowned", "rules"})


def slug_of(name: str) -> str:
    """Return the plain letters, digits and hyphens of a name; "" where it has none."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].rstrip("-")


def free(wanted: str, taken: Collection[str]) -> str:
    """Return `wanted`, or its first numbered variant that is free; whose the taken one is stays unsaid."""
    taken = RESERVED.union(taken)
    if wanted not in taken:
        return wanted
    number = 2
    while (slug := f"{wanted[: LONGEST - len(str(number)) - 1].rstrip('-')}-{number}") in taken:
        number += 1
    return slug
