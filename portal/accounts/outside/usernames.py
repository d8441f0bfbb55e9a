"""User names for people of providers. Pure rules."""

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 150
_REFUSED = re.compile(r"[^\w.@+-]+")


def candidates(wanted: str, provider: str) -> Iterator[str]:
    """Yield names to try in turn: the provider's own, then one that names the provider, then numbered ones.

    The first that nobody has is taken: a name that exists here is somebody else's, whatever the provider says.
    """
    plain = _REFUSED.sub("-", unicodedata.normalize("NFKC", wanted)).strip("-.")
    if plain:
        yield plain[:LONGEST]
    stem = f"{plain[: LONGEST - len(provider) - 12]}.{provider}" if plain else provider
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
