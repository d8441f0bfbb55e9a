"""Kubernetes quantities: read exactly, summed, and written as a server writes them."""

import re
from collections.abc import Iterable
from decimal import Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def parse(value: object) -> Decimal:
    """In units; raises ValueError."""
    match = _FORM.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a quantity")
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix in _BINARY:
        return number * Decimal(2 ** _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


def add(values: Iterable[object]) -> str:
    """The sum as text, in powers of 1024 where one of the addends is written so; "0" of nothing."""
    texts = [str(value) for value in values]
    return text(sum(map(parse, texts), Decimal(0)), binary=any(each[-1:] == "i" for each in texts))


def text(units: Decimal, *, binary: bool) -> str:
    """The whole number before the largest suffix that leaves one."""
    if binary and units == units.to_integral_value():
        whole = int(units)
        for suffix, power in reversed(_BINARY.items()):
            if whole and whole % 2**power == 0:
                return f"{whole // 2**power}{suffix}"
        return str(whole)
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = units.scaleb(-power)
        if units and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return "0"
