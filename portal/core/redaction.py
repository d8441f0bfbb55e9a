"""Secrets are taken out of every log line, whatever wrote it: the last step before a line is rendered.

Names decide first (`password=…`, `Authorization: …`), then shapes (tokens, keys, user information in URLs). Masking too
much costs a puzzled reader; masking too little costs a password.
"""

import logging
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

MASK = "[masked]"
_DEEPEST = 6

_WORDS = (
    r"pass(?:word|wd|phrase)|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|key[_-]data|seal[_-]?keys?|"
    r"authorization|cookie|session[_-]?(?:id|key)|credentials?|recovery[_-]?codes?|otp|bindpw|assertion"
)
_NAME = re.compile(rf"(?:{_WORDS})", re.IGNORECASE)
# Names of this kind whose value tells nothing: how many, when, whether.
_HARMLESS = re.compile(r"(?:_id|_at|_count|_kind|_name|_prefix|_state|_used|_days)\Z", re.IGNORECASE)

_Replace = str | Callable[[re.Match[str]], str]
_RULES: tuple[tuple[re.Pattern[str], _Replace], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{20,}"), MASK),
    # A header, to the end of its line or of the text that quotes it.
    (
        re.compile(
            r"(\b(?:proxy-)?(?:authorization|cookie)\b|\bset-cookie\b)([\"']?\s*[:=,]\s*)(?:b?\"[^\"\n]*\"?|b?'[^'\n]*'?|[^\n\"']+)",
            re.IGNORECASE,
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\b(bearer|basic|digest|negotiate)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://)[^\s/'\"<>]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (
        re.compile(r"([?&](?:code|state|nonce|sig|signature|key|auth|id_token|ticket)=)[^&\s\"'<>]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            rf"([\w.-]{{0,40}}(?:{_WORDS})[\w-]{{0,20}})([\"']?\s*(?:=>|[=:])\s*)(?:b?\"[^\"\n]*\"?|b?'[^'\n]*'?|[^\s&\"',;)}}\]]+)",
            re.IGNORECASE,
        ),
        lambda found: found[0] if _HARMLESS.search(found[1]) else f"{found[1]}{found[2]}{MASK}",
    ),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MASK),
    (re.compile(r"\b(pdk_|gh[oprsu]_|github_pat_|sha256=)[A-Za-z0-9_-]{6,}"), rf"\1{MASK}"),
    (re.compile(r"(?:%70|p)dk_[A-Za-z0-9_%-]{6,}", re.IGNORECASE), f"pdk_{MASK}"),
)


def mask(text: str) -> str:
    """Return the text without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def masked(value: Any, *, name: str = "", depth: int = 0) -> Any:
    """Return a value of a log event without secrets; what is no plain value becomes text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if name and _NAME.search(name) and not _HARMLESS.search(name):
        return MASK
    if isinstance(value, str):
        return mask(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {mask(str(key)): masked(inner, name=str(key), depth=depth + 1) for key, inner in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [masked(inner, depth=depth + 1) for inner in value]
    if isinstance(value, bytes):
        return mask(value.decode("utf-8", errors="replace"))
    return mask(repr(value))


def processor(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask a structlog event; stands right before the renderer, behind what makes text of an exception."""
    for name, value in list(event.items()):
        event[name] = masked(value, name="" if name in {"event", "logger", "level", "timestamp"} else name)
    return event


class Formatter(logging.Formatter):
    """Masks what another formatter has made, for programs with handlers of their own."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return mask(self._inner.format(record))
