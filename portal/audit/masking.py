"""What of a value an event keeps: no secrets, no control characters, nothing without bound. Pure rules."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

MASK = "…"
SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "kubeconfig",
    "client_key",
    "private_key",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "recovery_code",
)
LONGEST_TEXT = 2_000
LONGEST_KEY = 200
MOST_ITEMS = 200
DEEPEST = 8

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_SCHEME = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
# Looked for from the beginning of a run of letters alone: a run of many such words would be read again from each.
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")
_ISSUED = re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|pdk[a-z]*_|paddock_)[A-Za-z0-9_-]{16,}")
_USERINFO = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
_NAMED = re.compile(
    r"(?P<name>(?<![\w-])(?=[\w-]*?(?:password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key))"
    r"[\w-]++[\"']?\s*+[=:]\s*+)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"',;&}]+)",
    re.IGNORECASE,
)
# Turn text around or hide in it: what is shown would not be what is written.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def label(text: str, longest: int) -> str:
    """Return one line of text without secrets and control characters, cut to a length."""
    return _cut(_redacted(_visible(str(text))), longest)


def plain(text: str, longest: int) -> str:
    """Return an identifier without control characters, cut to a length."""
    return _visible(str(text))[:longest]


def masked(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what may be kept of a before or after: secrets masked at every depth, texts and lists bounded."""
    return None if values is None else _mapping(values, 0)


def _value(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return label(value, LONGEST_TEXT)
    if isinstance(value, Mapping | list | tuple | set | frozenset) and depth >= DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray):
        return _items(sorted(value, key=str) if isinstance(value, set | frozenset) else value, depth)
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    # Bytes and objects of code have no readable form that is known to be free of secrets.
    return MASK


def _mapping(values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    # Lists of {name, value}, as environment variables are written: the name speaks of the value beside it.
    named = _is_secret(str(values.get("name", values.get("key", ""))))
    kept: dict[str, Any] = {}
    for number, (key, value) in enumerate(values.items()):
        if number >= MOST_ITEMS:
            kept[MASK] = len(values) - MOST_ITEMS
            break
        name = _cut(_visible(str(key)), LONGEST_KEY)
        hidden = _is_secret(name) or (named and name.lower() in {"value", "data"})
        kept[name] = MASK if hidden and not isinstance(value, bool | None) else _value(value, depth + 1)
    return kept


def _items(values: Sequence[Any], depth: int) -> list[Any]:
    kept = [_value(value, depth + 1) for value in values[:MOST_ITEMS]]
    return [*kept, f"{MASK} +{len(values) - MOST_ITEMS}"] if len(values) > MOST_ITEMS else kept


def _is_secret(name: str) -> bool:
    folded = name.lower().replace("-", "_")
    return any(word in folded for word in SECRET_WORDS)


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if letter in "\t\n\r" else letter for letter in text if letter in "\t\n\r" or _is_seen(letter))


def _is_seen(letter: str) -> bool:
    return unicodedata.category(letter) not in _UNSEEN


def _redacted(text: str) -> str:
    text = _PEM.sub(MASK, text)
    text = _SCHEME.sub(rf"\1 {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _ISSUED.sub(MASK, text)
    text = _USERINFO.sub(rf"\1:{MASK}@", text)
    return _NAMED.sub(rf"\g<name>{MASK}", text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + MASK
