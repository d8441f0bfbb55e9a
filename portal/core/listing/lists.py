"""The declaration of a list, and what is made of it: page, rows, files and API answer."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.core import csvfile, formats
from portal.core.listing import cursors, export, query, sources
from portal.core.listing import page as pages
from portal.core.listing.declare import Column, Filter, Link, Row, Text
from portal.core.listing.health import Health
from portal.core.listing.page import Empty, ListPage
from portal.core.listing.query import Params
from portal.core.listing.sources import Rows


class Listing:
    """One list of the product. Subclasses declare; see the package's docstring for an example."""

    key: ClassVar[str]
    title: ClassVar[Text]
    columns: ClassVar[Sequence[Column]]
    filters: ClassVar[Sequence[Filter]] = ()
    # Name -> keys in ascending order, the last one unique. A name that is a column's key makes its head a
    # link.
    orders: ClassVar[Mapping[str, Sequence[str]]]
    default_order: ClassVar[str] = ""
    # The row key whose value a checkbox carries; empty means that rows cannot be chosen.
    select_key: ClassVar[str] = ""
    # The name under which a form sends the chosen ones.
    pick_name: ClassVar[str] = "row"
    # One line under the title: what this list is.
    about: ClassVar[Text] = ""
    # The permission that the rows are scoped by: a viewer who has it nowhere is told so instead of "no data".
    permission: ClassVar[Any] = None
    empty_reason: ClassVar[Text] = _("Nothing has been recorded yet.")
    docs: ClassVar[Link | None] = None

    def __init__(self, **scope: Any) -> None:
        """`scope` is what the list is inside of: the cluster, project or team of its page."""
        self.scope = scope

    # What a subclass may say

    @abstractmethod
    def rows(self, user: Any, params: Params) -> Rows:
        """The rows this user may see: a `QuerySet.values(...)` without order, or dicts in memory."""
        raise NotImplementedError

    def health(self, user: Any, params: Params) -> Health:
        """How complete and how old the rows are."""
        return Health()

    def notes(self, user: Any, params: Params) -> Mapping[str, str]:
        """More that must go with the figures in API and file (coverage, counted_to), as plain text."""
        return {}

    def empty_action(self, user: Any) -> Link | None:
        """The one thing to do when nothing has been recorded yet."""
        return None

    # What the mechanism makes of it

    def parse(self, user: Any, given: QueryDict, *, at: datetime, strict: bool = False) -> Params:
        """Understand a query string; raises `BadQuery`."""
        return query.parse(self._grammar(), user, given, at=at, strict=strict)

    def dicts(self, user: Any, params: Params) -> Iterator[Row]:
        """All rows under the filters, in order, streamed."""
        return self._source(user, params).stream(self._keys(params))

    def slice(self, user: Any, params: Params) -> tuple[list[Row], str]:
        """The rows of one page and the cursor of the next ("" at the end), for the API."""
        window = sources.window(self._source(user, params), self._keys(params), params.cursor, params.size)
        more = window.rows and window.after
        return window.rows, self._edge(params, window, forward=True) if more else ""

    def page(self, user: Any, given: QueryDict, *, at: datetime, path: str) -> ListPage:
        """One page with everything that stands around it. Raises `BadQuery`."""
        params = self.parse(user, given, at=at)
        source = self._source(user, params)
        window = sources.window(source, self._keys(params), params.cursor, params.size)
        whole = params.cursor is None and not window.after
        count = len(window.rows) if whole else source.count()
        health = self.health(user, params)
        here = pages.address(path, params, self._default_order())
        shown = tuple(column for column in self.columns if column.on_page)
        totals = source.totals([column for column in shown if column.total]) if window.rows else {}
        fields = pages.filter_fields(self.filters, user, params.given)
        return ListPage(
            key=self.key,
            title=str(self.title),
            at=at,
            path=path,
            heads=pages.heads(shown, self.orders, params.order, here),
            body=pages.body(shown, window.rows, at, self.select_key),
            rows=window.rows,
            foot=pages.foot(shown, totals),
            filters=fields,
            active=pages.active_filters(fields, params, here),
            order=params.order if params.order != self._default_order() else "",
            size=params.size,
            sizes=pages.sizes(params.size),
            count=count,
            count_text=pages.count_text(count),
            range_text=pages.range_text(params.cursor.start if params.cursor else 0, len(window.rows), count),
            next_url=here.to(cursor=self._edge(params, window, forward=True)) if window.rows and window.after else "",
            previous_url=self._previous(params, window, here),
            clear_url=here.to(**dict.fromkeys(params.given, "")),
            csv_url=here.to(format="csv"),
            jsonl_url=here.to(format="jsonl"),
            selectable=bool(self.select_key),
            pick_name=self.pick_name,
            totals=totals,
            health=health,
            empty=None if window.rows else self._empty(user, params, health, here),
        )

    def refused_page(self, user: Any, given: QueryDict, error: query.BadQuery, *, at: datetime, path: str) -> ListPage:
        """The page for a query that cannot be used: the filter bar with what was typed, and what is wrong."""
        raw = {one.key: given.get(one.key, "") for one in self.filters if given.get(one.key)}
        return ListPage(
            key=self.key,
            title=str(self.title),
            at=at,
            path=path,
            filters=pages.filter_fields(self.filters, user, raw, (error.parameter, error.text)),
            sizes=pages.sizes(query.DEFAULT_SIZE),
            clear_url=path,
            problem=f"{error.parameter}: {error.text}",
        )

    def csv(self, user: Any, params: Params) -> Iterator[bytes]:
        """The file: all rows under the filters, then remarks with count, totals, filters and data age."""
        adders = [sources.Adder(column) for column in export.exported(self.columns) if column.total]
        seen = _Count()
        rows = export.csv_rows(self.columns, _counted(self.dicts(user, params), adders, seen))
        return csvfile.stream(export.field_names(self.columns), rows, self._remarks(user, params, adders, seen))

    def jsonl(self, user: Any, params: Params) -> Iterator[bytes]:
        """The rows under the filters for programs: one JSON object a line."""
        return export.json_lines(self.columns, self.dicts(user, params))

    def _remarks(self, user: Any, params: Params, adders: Sequence[sources.Adder], seen: "_Count") -> Iterator[str]:
        yield csvfile.remark("rows", seen.rows)
        for adder in adders:
            total = adder.total()
            for unit, amount in sorted(export.total_plain(total).items()):
                yield csvfile.remark("total", adder.column.key, csvfile.Figure(amount), unit or str(adder.column.unit))
            if total.missing:
                yield csvfile.remark("without a value", adder.column.key, total.missing)
        for name, text in params.given.items():
            yield csvfile.remark("filter", name, text)
        yield csvfile.remark("order", csvfile.Figure(params.order))
        health = self.health(user, params)
        yield csvfile.remark("data as of", formats.iso(health.data_at) if health.data_at else "unknown")
        for missing in health.missing:
            yield csvfile.remark("missing", missing.name, formats.iso(missing.since) if missing.since else "")
        for name, text in self.notes(user, params).items():
            yield csvfile.remark(name, text)
        yield csvfile.remark("written", formats.iso(params.at))

    def _grammar(self) -> query.Grammar:
        orders = {name: tuple(keys) for name, keys in self.orders.items()}
        return query.Grammar(self.key, tuple(self.filters), orders, self._default_order())

    def _default_order(self) -> str:
        return self.default_order or next(iter(self.orders))

    def _keys(self, params: Params) -> tuple[sources.Key, ...]:
        return sources.keys_of(self.orders[params.order.removeprefix("-")], reverse=params.order.startswith("-"))

    def _source(self, user: Any, params: Params) -> sources.Source:
        lookups = {
            one.lookup: params.filters[one.key]
            for one in self.filters
            if one.lookup and params.filters[one.key] is not None
        }
        return sources.of(self.rows(user, params)).narrowed(lookups)

    def _edge(self, params: Params, window: sources.Window, *, forward: bool) -> str:
        """The cursor beyond one end of the page."""
        start = params.cursor.start if params.cursor else 0
        row = window.rows[-1 if forward else 0]
        values = tuple(row[key.name] for key in self._keys(params))
        beyond = start + len(window.rows) if forward else max(start - params.size, 0)
        return cursors.write(cursors.Cursor(values, forward, beyond), list_key=self.key, order=params.order)

    def _previous(self, params: Params, window: sources.Window, here: pages.Address) -> str:
        """The page before; from a page whose rows are all gone, the first one."""
        if not window.before:
            return ""
        return here.to(cursor=self._edge(params, window, forward=False)) if window.rows else here.to()

    def _empty(self, user: Any, params: Params, health: Health, here: pages.Address) -> Empty:
        if self.permission is not None and user.scopes_for(self.permission).none:
            return Empty("no_right", _("You have no right to see what would be listed here."), docs=self.docs)
        if params.given or params.cursor:
            clear = Link(_("Clear filters"), here.to(**dict.fromkeys(params.given, "")))
            return Empty("filtered", _("No row fits the filters."), clear, self.docs)
        if health.all_down:
            return Empty("source_down", _("No source answers, so nothing is known."), docs=self.docs)
        return Empty("no_data", self.empty_reason, self.empty_action(user), self.docs)


class _Count:
    """How many rows have passed."""

    def __init__(self) -> None:
        self.rows = 0


def _counted(rows: Iterator[Row], adders: Sequence[sources.Adder], seen: _Count) -> Iterator[Row]:
    for row in rows:
        seen.rows += 1
        for adder in adders:
            adder.add(row)
        yield row
