"""Rows as finished strings. A page of 50 rows by 10 columns costs about a millisecond this way, so nothing
here is a template.

Every value passes through `escape` or `format_html`; the pieces around it are built once per page. Adding two
escaped strings gives an escaped string, so no text is ever declared safe by hand.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from portal.core import formats
from portal.core.listing.declare import Column, Row, Total

LABELS_SHOWN = 2
Piece = Callable[[Row], SafeString]

NOTHING = escape("")
# Django's `escape` without the wrapper that looks for lazy texts: what comes here is `str` already, and a
# page has
# a thousand calls.
quick: Callable[[str], SafeString] = escape.__wrapped__  # type: ignore[attr-defined]


def _figure_text(column: Column, value: Any, unit: str) -> str:
    match column.kind:
        case "money":
            return formats.money(value, unit)
        case "cpu":
            return formats.cores(value)
        case "bytes":
            return formats.gibibytes(value)
        case "percent":
            return formats.percent(value)
        case "duration":
            return formats.duration(value)
        case _:
            return f"{formats.number(value)} {unit}".rstrip()


def _figure_title(column: Column, value: Any, unit: str) -> str:
    match column.kind:
        case "money":
            return formats.money_exact(value, unit or str(column.unit))
        case "cpu":
            return f"{int(value)}m"
        case "bytes":
            return gettext("%(n)s bytes") % {"n": formats.number(int(value))}
        case "percent" | "duration":
            return formats.plain(Decimal(str(value)))
        case _:
            return formats.plain(value) if isinstance(value, Decimal) else ""


def head_unit(column: Column) -> str:
    """What the head says of the unit; empty where the cells say it."""
    if column.kind == "cpu":
        return gettext("cores")
    if column.kind == "bytes":
        return gettext("GiB")
    return str(column.unit)


def _css(column: Column) -> str:
    if column.is_figure:
        return "num"
    return {"code": "mono", "labels": "labels", "age": "when", "instant": "when", "state": "is-state"}.get(
        column.kind, ""
    )


def _word(column: Column) -> Callable[[Any, Row, datetime], SafeString]:
    """How the value of a cell that is not a figure becomes HTML."""
    match column.kind:
        case "state":
            badges = {word: _badge(tone, str(label)) for word, (tone, label) in column.states.items()}
            return lambda value, _row, _at: badges.get(value) or _badge("plain", str(value))
        case "instant":
            return lambda value, _row, at: time_html(value, at)
        case "age":
            return lambda value, _row, at: _time(value, formats.age(value, at), "age")
        case "labels":
            return lambda value, _row, _at: _chips(value)
        case "day":
            return lambda value, _row, _at: quick(formats.day(value) if isinstance(value, date) else str(value))
        case "flag":
            return lambda value, _row, _at: quick(gettext("yes") if value else gettext("no"))
        case _:
            return lambda value, _row, _at: quick(str(value))


def _badge(tone: str, word: str) -> SafeString:
    return format_html('<span class="state state-{}">{}</span>', tone, word)


_TIME = tuple(
    format_html(part, "") for part in ('<time datetime="{}', '{}" title="', '{}" data-when="', '{}">', "{}</time>")
)


def _time(value: datetime, text: str, style: str) -> SafeString:
    start, title, when, end, close = _TIME
    iso, absolute = quick(formats.iso(value)), quick(formats.instant(value))
    return start + iso + title + absolute + when + quick(style) + end + quick(text) + close


def time_html(value: datetime, at: datetime) -> SafeString:
    """A relative time with the absolute one on hover; the browser keeps it ticking."""
    return _time(value, formats.ago(value, at), "ago")


_CHIP = tuple(format_html(part, "") for part in ('<span class="chip" title="{}', '{}">', "{}</span>"))


def _chip(title: str, text: str) -> SafeString:
    return _CHIP[0] + quick(title) + _CHIP[1] + quick(text) + _CHIP[2]


def _chips(labels: Mapping[str, Any]) -> SafeString:
    pairs = [f"{key}={value}" for key, value in sorted(labels.items())]
    shown = NOTHING
    for pair in pairs[:LABELS_SHOWN]:
        shown += _chip(pair, pair)
    rest = pairs[LABELS_SHOWN:]
    return shown + _chip("\n".join(rest), f"+{len(rest)}") if rest else shown


def absent_html(word: str) -> SafeString:
    """What stands for None: a dash and the word that says why."""
    return format_html('<span class="absent">{} {}</span>', formats.ABSENT, word)


def piece(column: Column, at: datetime, *, heads_row: bool) -> Piece:
    """The function that makes this column's cell. The first column of a row is its heading."""
    tag = "th" if heads_row else "td"
    label = f"{column.label}, {head_unit(column)}" if head_unit(column) else str(column.label)
    scope = format_html(' scope="{}"', "row") if heads_row else NOTHING
    start = format_html('<{}{} class="{}" data-label="{}"', tag, scope, _css(column), label)
    closing = format_html("</{}>", tag)
    absent = start + _END + absent_html(str(column.absent)) + closing
    inner = _figure(column, start) if column.is_figure else _plain(column, start + _END, at)
    is_made = column.show is not None

    def make(row: Row) -> SafeString:
        # A column that is made by `show` alone needs no value of its own.
        if is_made and column.key not in row:
            return inner(row, "") + closing
        value = row[column.key]
        return absent if value is None else inner(row, value) + closing

    return make


_END = format_html("{}>", "")
_TITLE = format_html(' title="{}', "")
_TITLE_END = format_html('{}">', "")
_LINK = format_html('<a href="{}', "")
_LINK_END = format_html("</{}>", "a")


def _figure(column: Column, start: SafeString) -> Callable[[Row, Any], SafeString]:
    titled = start + _TITLE
    untitled = start + _END

    def inner(row: Row, value: Any) -> SafeString:
        unit = str(row[column.unit_key] or "") if column.unit_key else ""
        title = _figure_title(column, value, unit)
        text = quick(column.show(row) if column.show else _figure_text(column, value, unit))
        before = titled + quick(title) + _TITLE_END if title else untitled
        return before + (_linked(column.href(row), text) if column.href else text)

    return inner


def _plain(column: Column, opening: SafeString, at: datetime) -> Callable[[Row, Any], SafeString]:
    word = _word(column)

    def inner(row: Row, value: Any) -> SafeString:
        text = quick(str(column.show(row))) if column.show else word(value, row, at)
        return opening + (_linked(column.href(row), text) if column.href else text)

    return inner


def _linked(address: str, text: SafeString) -> SafeString:
    return _LINK + quick(address) + _TITLE_END + text + _LINK_END if address else text


def foot_html(column: Column, total: Total | None, *, heads_row: bool) -> SafeString:
    """One cell of the total row. The first one names the row."""
    if heads_row and total is None:
        return format_html('<th scope="row">{}</th>', gettext("All rows"))
    tag = "th" if heads_row else "td"
    inner = NOTHING if total is None else _total_html(column, total)
    return format_html('<{} class="{}" data-label="{}">{}</{}>', tag, _css(column), column.label, inner, tag)


def _total_html(column: Column, total: Total) -> SafeString:
    """The foot of a column: its sum per unit, and how many rows have no value."""
    sums = total.sums or ({"": Decimal(0)} if not total.missing else {})
    texts = [_figure_text(column, amount, unit) for unit, amount in sorted(sums.items())]
    titles = [_figure_title(column, amount, unit) for unit, amount in sorted(sums.items())]
    text = format_html('<span title="{}">{}</span>', " + ".join(titles), " + ".join(texts)) if texts else NOTHING
    if total.missing:
        word = gettext("%(n)s %(word)s") % {"n": formats.number(total.missing), "word": column.absent}
        text += format_html(' <span class="absent">{}</span>', f"({word})" if texts else f"{formats.ABSENT} ({word})")
    return text
