"""Kubernetes quantities, exactly: "100m", "1.5Gi", "2e3", "129e6", "0.5".

Grammar: a signed decimal number, then nothing, a decimal suffix (n u m k M G T P E), a binary suffix
(Ki Mi Gi Ti Pi Ei) or an exponent (e or E with digits). No float is made on the way.
"""

import re
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache
from typing import TypeAlias

Quantity: TypeAlias = str | int | float | None

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?", re.ASCII)
_SCALE = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
# Wide enough for 2^63 bytes in nano-units; the longest accepted text is cut off well before that matters.
_EXACT = Context(prec=200)
_LONGEST = 64


class BadQuantity(ValueError):
    pass


@lru_cache(maxsize=16_384)
def parse(quantity: str | int | float) -> Decimal:
    """In units: cores, bytes, pieces. Raises BadQuantity."""
    text = str(quantity).strip()
    match = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise BadQuantity(f"{text[:_LONGEST]!r} is not a quantity")
    number, suffix, exponent = match.groups()
    if suffix:
        return _EXACT.multiply(Decimal(number), _SCALE[suffix])
    if exponent:
        return _EXACT.scaleb(Decimal(number), int(exponent))
    return Decimal(number)


@lru_cache(maxsize=16_384)
def milli(quantity: Quantity) -> int:
    """Thousandths of a unit, rounded up as Kubernetes does; None is 0."""
    return 0 if quantity is None else _whole(parse(quantity), 1000)


@lru_cache(maxsize=16_384)
def whole(quantity: Quantity) -> int:
    """Whole units (bytes, pieces), rounded up as Kubernetes does; None is 0."""
    return 0 if quantity is None else _whole(parse(quantity), 1)


def _whole(units: Decimal, factor: int) -> int:
    return int(_EXACT.multiply(units, factor).to_integral_value(rounding=ROUND_CEILING, context=_EXACT))
