"""Words of the full-text search: what separates them, the same in the database and here. Pure rules."""

# What the function `audit_words` of migration 0003 is given, in its order; its index is used for these alone.
COLUMNS = ("kind", "on_label", "actor_label", "as_label", "before", "after")
SEPARATORS = "._-/:@=,;()[]{}<>|#*+&%$!?~^`\"'\\"
_SPACES = str.maketrans(dict.fromkeys(SEPARATORS, " "))


def split(text: str) -> list[str]:
    """Return the words of a text."""
    return text.translate(_SPACES).split()


def prefix_query(text: str) -> str:
    """Return a `to_tsquery` text in which each word is the beginning of one; "" where there is no word."""
    return " & ".join(f"'{word}':*" for word in split(text)[:10])
