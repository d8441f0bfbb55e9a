"""Prices to begin with (`cost.md` 7.3): offered as a file, never applied unasked. US dollars."""

from billing.pricing.sheet import HEADER

CURRENCY = "USD"
# asset, class, price, unit
_ROWS = (
    ("core", "", "0.031611", "hour"),
    ("memory", "", "0.004237", "hour"),
    ("gpu", "", "0.95", "hour"),
    ("core", "spot", "0.006655", "hour"),
    ("memory", "spot", "0.000892", "hour"),
    ("volume", "", "0.04", "month"),
)


def as_csv(currency: str) -> str:
    """Return the file. For a book in another currency the prices stay empty: nobody converted them."""
    lines = [",".join(HEADER)]
    for asset, capacity_class, price, unit in _ROWS:
        shown = price if currency == CURRENCY else ""
        lines.append(f"{asset},,,{capacity_class},,,{shown},{unit},{currency},,")
    return "\n".join(lines) + "\n"
