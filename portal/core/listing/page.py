"""What the table component is given: finished text and addresses, nothing left to decide in a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from portal.core import formats
from portal.core.listing import cells, query, sources
from portal.core.listing.declare import Column, Filter, Link, Row, Text, Total
from portal.core.listing.health import Health

EmptyForm = Literal["no_data", "filtered", "no_right", "source_down"]


@dataclass(frozen=True)
class Empty:
    """Why there is nothing, what to do about it, and where to read on."""

    form: EmptyForm
    reason: Text
    action: Link | None = None
    docs: Link | None = None


@dataclass(frozen=True)
class Head:
    """A column head. `sort` is the value of aria-sort; `url` orders the list by it (empty: cannot be ordered
    by).
    """

    key: str
    label: str
    unit: str
    css: str
    url: str = ""
    sort: str = "none"


@dataclass(frozen=True)
class Option:
    """One value of a choice."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class FilterField:
    """A filter as the filter bar draws it."""

    key: str
    label: str
    kind: str
    value: str
    options: Sequence[Option]
    help: str
    error: str
    hidden: bool


@dataclass(frozen=True)
class Active:
    """A filter that is set: what it says and the address without it."""

    label: str
    text: str
    url: str


@dataclass(frozen=True)
class BodyRow:
    """One row: its cells as finished HTML; `select` is the value of its checkbox ("" = none), `name` what it
    is called.
    """

    cells: Sequence[SafeString]
    select: str = ""
    name: str = ""


@dataclass(frozen=True)
class ListPage:
    """One page of one list. `rows` are the dict rows behind `body`, in the same order."""

    key: str
    title: str
    at: datetime
    path: str
    heads: Sequence[Head] = ()
    body: Sequence[BodyRow] = ()
    rows: Sequence[Row] = ()
    foot: Sequence[SafeString] = ()
    filters: Sequence[FilterField] = ()
    active: Sequence[Active] = ()
    order: str = ""
    size: int = query.DEFAULT_SIZE
    sizes: Sequence[Option] = ()
    count: int = 0
    count_text: str = ""
    range_text: str = ""
    next_url: str = ""
    previous_url: str = ""
    clear_url: str = ""
    csv_url: str = ""
    jsonl_url: str = ""
    selectable: bool = False
    # The name under which chosen rows are sent.
    pick_name: str = "row"
    totals: Mapping[str, Total] = field(default_factory=dict)
    health: Health = field(default_factory=Health)
    empty: Empty | None = None
    # A parameter that could not be used, in words; the list is not shown then.
    problem: str = ""

    @property
    def table_id(self) -> str:
        """The element that htmx swaps."""
        return f"list-{self.key.replace('.', '-')}"

    @property
    def size_text(self) -> str:
        """The page size for the filter form; empty where it is the default."""
        return "" if self.size == query.DEFAULT_SIZE else str(self.size)

    @property
    def is_stale(self) -> bool:
        """The data is older than promised."""
        return self.health.is_stale(self.at)

    @property
    def age_text(self) -> str:
        """How old the data is."""
        return formats.ago(self.health.data_at, self.at) if self.health.data_at else ""

    @property
    def filter_text(self) -> str:
        """The filters in force, for the foot of the table and of the file."""
        return "; ".join(f"{active.label}: {active.text}" for active in self.active)


@dataclass(frozen=True)
class Address:
    """The list's address with its state. Every change of filter or order leads back to the first page."""

    path: str
    state: Mapping[str, str]
    default_order: str

    def to(self, **changes: str) -> str:
        """The address with some parameters changed; an empty text removes one."""
        merged = {name: text for name, text in {**self.state, **changes}.items() if text}
        if merged.get("order") == self.default_order:
            del merged["order"]
        return f"{self.path}?{urlencode(merged)}" if merged else self.path


def address(path: str, params: query.Params, default_order: str) -> Address:
    """The state of a list that was understood, without what is the default anyway."""
    state = dict(params.given)
    state["order"] = params.order
    if params.size != query.DEFAULT_SIZE:
        state["size"] = str(params.size)
    return Address(path, state, default_order)


def heads(columns: Sequence[Column], orders: Mapping[str, Any], order: str, here: Address) -> list[Head]:
    """The column heads; one that carries the order turns it round."""
    return [
        Head(
            key=column.key,
            label=str(column.label),
            unit=cells.head_unit(column),
            css="num" if column.is_figure else "",
            url=here.to(order=f"-{column.key}" if order == column.key else column.key) if column.key in orders else "",
            sort={column.key: "ascending", f"-{column.key}": "descending"}.get(order, "none"),
        )
        for column in columns
    ]


def body(columns: Sequence[Column], rows: Iterable[Row], at: datetime, select_key: str) -> list[BodyRow]:
    """The rows as HTML."""
    pieces = [cells.piece(column, at, heads_row=number == 0) for number, column in enumerate(columns)]
    first = columns[0]
    return [
        BodyRow(
            cells=[piece(row) for piece in pieces],
            select=str(row[select_key]) if select_key else "",
            name=str(first.show(row) if first.show else row[first.key]) if select_key else "",
        )
        for row in rows
    ]


def filter_fields(
    declared: Sequence[Filter], user: Any, raw: Mapping[str, str], problem: tuple[str, str] = ("", "")
) -> list[FilterField]:
    """The filter bar. `raw` is the text of each filter as given, and stays as typed beside an error."""
    return [
        FilterField(
            key=one.key,
            label=str(one.label),
            kind=one.kind if one.kind != "choice" or one.choices else "text",
            value=raw.get(one.key, one.default),
            options=_options(one, user, raw.get(one.key, one.default)),
            help=str(one.help),
            error=problem[1] if problem[0] == one.key else "",
            hidden=one.hidden,
        )
        for one in declared
    ]


def _options(declared: Filter, user: Any, value: str) -> list[Option]:
    if declared.kind == "flag":
        return [Option("1", gettext("yes"), value == "1"), Option("0", gettext("no"), value == "0")]
    if declared.kind != "choice" or declared.choices is None:
        return []
    return [Option(key, str(label), key == value) for key, label in declared.choices(user)]


def active_filters(fields: Sequence[FilterField], params: query.Params, here: Address) -> list[Active]:
    """The filters the viewer set, each with the address that takes it away."""
    return [
        Active(
            label=field.label,
            text=next((option.label for option in field.options if option.chosen), field.value),
            url=here.to(**{field.key: ""}),
        )
        for field in fields
        if field.key in params.given
    ]


def sizes(size: int) -> list[Option]:
    """The page sizes on offer."""
    return [Option(str(number), str(number), number == size) for number in query.SIZES]


def count_text(count: int) -> str:
    """The number of rows, or that there are more than can be counted cheaply."""
    if count > sources.COUNT_CAP:
        return gettext("more than %(n)s rows") % {"n": formats.number(sources.COUNT_CAP)}
    return ngettext("%(n)s row", "%(n)s rows", count) % {"n": formats.number(count)}


def range_text(start: int, shown: int, count: int) -> str:
    """Which rows of how many this page shows."""
    if not shown or (start == 0 and shown == count):
        return count_text(count)
    words = {
        "first": formats.number(start + 1),
        "last": formats.number(start + shown),
        "n": formats.number(min(count, sources.COUNT_CAP)),
    }
    if count > sources.COUNT_CAP:
        return gettext("%(first)s to %(last)s of more than %(n)s rows") % words
    return gettext("%(first)s to %(last)s of %(n)s rows") % words


def foot(columns: Sequence[Column], totals: Mapping[str, Total]) -> list[SafeString]:
    """The cells of the total row; nothing where no column is added up."""
    if not totals:
        return []
    return [
        cells.foot_html(column, totals.get(column.key), heads_row=number == 0) for number, column in enumerate(columns)
    ]
