"""Reading the query string of a list: filters, order, page size and cursor, each by allow-list."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException

from portal.core.listing import cursors
from portal.core.listing.declare import Filter, Text

SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
LONGEST_VALUE = 400
OWN_PARAMETERS = frozenset({"order", "size", "cursor", "format"})


class BadQuery(APIException):
    """A parameter that cannot be used. `parameter` names it; `detail` maps the name to its messages."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_parameter"

    def __init__(self, parameter: str, text: Text) -> None:
        super().__init__({parameter: [str(text)]}, self.default_code)
        self.parameter = parameter
        self.text = str(text)


@dataclass(frozen=True)
class Params:
    """A query string that was understood.

    `filters` holds the parsed value of every declared filter (None where unset and without default); `given`
    is the raw text of those the viewer set; `order` is the order's name, with `-` in front where it is
    reversed.
    """

    filters: Mapping[str, Any]
    given: Mapping[str, str]
    order: str
    at: datetime
    size: int = DEFAULT_SIZE
    cursor: cursors.Cursor | None = None


@dataclass(frozen=True)
class Grammar:
    """What one list understands: its key (cursors are bound to it), filters, orders and the order used by
    default.
    """

    key: str
    filters: tuple[Filter, ...]
    orders: Mapping[str, tuple[str, ...]]
    default_order: str


def parse(grammar: Grammar, user: Any, query: QueryDict, *, at: datetime, strict: bool) -> Params:
    """Understand `query`, or raise `BadQuery`. `strict` refuses unknown parameters, as the API does."""
    if strict:
        _refuse_unknown(grammar, query)
    filters: dict[str, Any] = {}
    given: dict[str, str] = {}
    for declared in grammar.filters:
        text = query.get(declared.key, "").strip()
        if text:
            given[declared.key] = text
        filters[declared.key] = _value(declared, user, text or declared.default)
    order = _order(grammar, query.get("order", ""))
    return Params(
        filters=filters,
        given=given,
        order=order,
        at=at,
        size=_size(query.get("size", "")),
        cursor=_cursor(grammar, query.get("cursor", ""), order),
    )


def _refuse_unknown(grammar: Grammar, query: Iterable[str]) -> None:
    known = OWN_PARAMETERS | {declared.key for declared in grammar.filters}
    for name in query:
        if name not in known:
            raise BadQuery(name, gettext("This list has no parameter of this name."))


def _value(declared: Filter, user: Any, text: str) -> Any:
    if not text:
        return None
    if len(text) > LONGEST_VALUE or "\0" in text:
        raise BadQuery(declared.key, gettext("This value is too long or holds a character that cannot be searched."))
    if declared.kind == "choice" and declared.choices is not None:
        if text not in {value for value, _label in declared.choices(user)}:
            raise BadQuery(declared.key, gettext("This is not one of the values to choose from."))
        return text
    try:
        return _PARSERS[declared.kind](text)
    except (ValueError, InvalidOperation):
        raise BadQuery(declared.key, _EXPECTED[declared.kind]) from None


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text] if text in _FLAGS else _no(text)


_FLAGS = frozenset({"1", "true", "0", "false"})


def _no(text: str) -> bool:
    raise ValueError(text)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError(text)
    return number


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "choice": str,
    "text": str,
    "flag": _flag,
    "day": date.fromisoformat,
    "uuid": uuid.UUID,
    "number": _number,
}
_EXPECTED: Mapping[str, Text] = {
    "flag": _("Use 1 or 0."),
    "day": _("Use a day like 2026-08-31."),
    "uuid": _("This is not an identifier."),
    "number": _("Use a plain number."),
}


def _order(grammar: Grammar, text: str) -> str:
    order = text or grammar.default_order
    if order.removeprefix("-") not in grammar.orders:
        raise BadQuery("order", gettext("This list cannot be ordered by that."))
    return order


def _size(text: str) -> int:
    if not text:
        return DEFAULT_SIZE
    if text not in {str(size) for size in SIZES}:
        raise BadQuery("size", gettext("The page size is 25, 50 or 100."))
    return int(text)


def _cursor(grammar: Grammar, text: str, order: str) -> cursors.Cursor | None:
    if not text:
        return None
    try:
        return cursors.read(text, list_key=grammar.key, order=order, keys=len(grammar.orders[order.removeprefix("-")]))
    except cursors.BadCursor:
        raise BadQuery(
            "cursor", gettext("This place in the list is no longer valid. Begin again at the first page.")
        ) from None
