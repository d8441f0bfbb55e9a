"""The CSV file of prices (`schema.md` 9): reading it, and saying by line number what is wrong. Pure.

Line 1 is the header. A file with any bad row gives no entry at all.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HEADER = (
    "asset",
    "instance_type",
    "region",
    "class",
    "provider_id",
    "storage_class",
    "price",
    "unit",
    "currency",
    "from",
    "to",
)
MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 20_000
MOST_FAULTS = 50
LONGEST_CELL = 253
UNITS = ("hour", "month")
CLASSES = {"": "", "on_demand": "on_demand", "on-demand": "on_demand", "spot": "spot", "committed": "committed"}
# Which columns of a key can decide the price of an asset; in the others nothing would ever fit.
_NODE = ("instance_type", "region", "class", "provider_id")
COLUMNS = {
    "node": _NODE,
    "core": _NODE,
    "memory": _NODE,
    "gpu": _NODE,
    "volume": ("region", "storage_class"),
    "load_balancer": ("region",),
    "fee": ("provider_id",),
}
_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]+)?")
_MOST_PLACES = 12
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_YEARS = range(2000, 2200)

Key = tuple[str, str, str, str, str, str]
Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the file: a price for a key during [start, end); an end of None goes on."""

    line: int
    asset: str
    instance_type: str
    region: str
    capacity_class: str
    storage_class: str
    provider_id: str
    price: Decimal
    unit: str
    start: datetime
    end: datetime | None

    @property
    def key(self) -> Key:
        """What the price is for, in the order of `models.KEY_FIELDS`."""
        return (
            self.asset,
            self.instance_type,
            self.region,
            self.capacity_class,
            self.storage_class,
            self.provider_id,
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rows leave open: the unit asked for the file ("" = each row says it), the book's currency, the first
    hour of the open month, and the zone of times written without one.
    """

    unit: str
    currency: str
    begin: datetime
    zone: ZoneInfo


class Bad(Exception):
    """A file that is not imported; `faults` are finished sentences, each beginning with its line."""

    def __init__(self, faults: Sequence[Text]) -> None:
        super().__init__(faults)
        self.faults = [str(fault) for fault in faults]


class _Cell(Exception):
    """What is wrong with one cell or row."""

    def __init__(self, column: str, text: Text) -> None:
        super().__init__(column, text)
        self.column, self.text = column, text


def normal(data: bytes) -> bytes:
    """Return the file without what carries no meaning: byte order mark, kind of line ends, last line end."""
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip(b"\r\n")


def read(data: bytes, terms: Terms) -> list[Entry]:
    """Return the entries of the file. Raises `Bad`."""
    text = _decoded(data)
    faults: list[Text] = []
    entries: list[Entry] = []
    for line, cells in _rows(text):
        if line == 1:
            _check_header(cells)
        elif cells:
            try:
                entries.append(_entry(line, cells, terms))
            except _Cell as fault:
                faults.append(_said(line, fault))
        if len(faults) >= MOST_FAULTS or len(entries) > MOST_ROWS:
            break
    if len(entries) > MOST_ROWS:
        raise Bad([_("The file has more than %s rows; split it.") % f"{MOST_ROWS:,}"])
    if not entries and not faults:
        raise Bad([_("The file has no row below its header.")])
    faults += [] if len(faults) >= MOST_FAULTS else list(_clashes(entries))
    if faults:
        shown = faults[:MOST_FAULTS]
        raise Bad([*shown, _("There may be more; these were the first.")] if len(faults) >= MOST_FAULTS else shown)
    return entries


def _decoded(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise Bad([_("The file is larger than 5 MB; split it.")])
    try:
        text = normal(data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Bad([_("Line %d: the file is not UTF-8; save it as CSV UTF-8.") % line]) from None
    if not text.strip():
        raise Bad([_("The file is empty.")])
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise Bad([_("Line %d: the file is not text.") % line])
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the number of the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise Bad([_("Line %d: the quotation marks do not match.") % line]) from None
        yield line, cells
        line = reader.line_num + 1


def _check_header(cells: Sequence[str]) -> None:
    if tuple(cells) == HEADER:
        return
    wanted = ", ".join(HEADER)
    if len(cells) == 1:
        for mark, name in ((";", _("semicolons")), ("\t", _("tabs"))):
            if mark in cells[0]:
                fault = _("Line 1: the columns are separated by %(mark)s; separate them by commas.")
                raise Bad([fault % {"mark": name}])
    missing = [name for name in HEADER if name not in cells]
    unknown = [name for name in cells if name not in HEADER]
    parts = [_("Line 1: the header must hold exactly %s.") % wanted]
    if missing:
        parts.append(_("Missing: %s.") % ", ".join(missing))
    if unknown:
        parts.append(_("Not known: %s.") % ", ".join(name[:40] for name in unknown[:5]))
    raise Bad([" ".join(map(str, parts))])


def _said(line: int, fault: _Cell) -> Text:
    if not fault.column:
        return _("Line %(line)d: %(text)s") % {"line": line, "text": fault.text}
    return _("Line %(line)d, %(column)s: %(text)s") % {"line": line, "column": fault.column, "text": fault.text}


def _entry(line: int, cells: Sequence[str], terms: Terms) -> Entry:
    if len(cells) != len(HEADER):
        hint = _(" (a comma inside a price?)") if len(cells) == len(HEADER) + 1 else ""
        text = _("has %(count)d columns, not %(wanted)d%(hint)s.")
        raise _Cell("", text % {"count": len(cells), "wanted": len(HEADER), "hint": hint})
    given = {name: _clean(name, cell) for name, cell in zip(HEADER, cells, strict=True)}
    start, end = _period(given["from"], given["to"], terms)
    _check_columns(given)
    _check_currency(given["currency"], terms)
    return Entry(
        line=line,
        asset=given["asset"],
        instance_type=given["instance_type"],
        region=given["region"],
        capacity_class=CLASSES[given["class"]],
        storage_class=given["storage_class"],
        provider_id=given["provider_id"],
        price=_price(given["price"]),
        unit=_unit(given["unit"], terms),
        start=start,
        end=end,
    )


def _clean(column: str, cell: str) -> str:
    text = cell.strip()
    if _CONTROL.search(text):
        raise _Cell(column, _("holds a line end or another control character."))
    if len(text) > LONGEST_CELL:
        raise _Cell(column, _("is longer than %d characters.") % LONGEST_CELL)
    return text


def _check_columns(given: dict[str, str]) -> None:
    asset = given["asset"]
    if asset not in COLUMNS:
        known = ", ".join(COLUMNS)
        raise _Cell("asset", _("“%(asset)s” is none of %(known)s.") % {"asset": asset[:40], "known": known})
    for column in (*_NODE, "storage_class"):
        if given[column] and column not in COLUMNS[asset]:
            raise _Cell(column, _("must be empty: the price of “%s” does not depend on it.") % asset)
    if given["class"] not in CLASSES:
        raise _Cell("class", _("“%s” is none of on_demand, spot, committed.") % given["class"][:40])


def _check_currency(currency: str, terms: Terms) -> None:
    if currency and currency != terms.currency:
        text = _("“%(given)s” is not the currency of the price book, %(wanted)s.")
        raise _Cell("currency", text % {"given": currency[:40], "wanted": terms.currency})


def _price(text: str) -> Decimal:
    if _PRICE.fullmatch(text):
        _whole, _point, places = text.partition(".")
        if len(places.rstrip("0")) > _MOST_PLACES:
            raise _Cell("price", _("has more than 12 decimal places."))
        return Decimal(text)
    raise _Cell("price", _price_fault(text))


def _price_fault(text: str) -> Text:
    if not text:
        return _("is missing.")
    if text.startswith("-"):
        return _("is negative.")
    if "," in text:
        return _("“%s”: write a decimal point, and no separator of thousands.") % text[:40]
    if re.fullmatch(r"[0-9.]+[eE][+-]?[0-9]+", text):
        return _("“%s”: write the number out, without an exponent.") % text[:40]
    if re.fullmatch(r"[0-9]{13,}(\.[0-9]*)?", text):
        return _("has more than 12 digits before the point.")
    return _("“%s” is not a number like 0.0316.") % text[:40]


def _unit(text: str, terms: Terms) -> str:
    unit = text or terms.unit
    if not unit:
        raise _Cell("unit", _("is empty; write hour or month, or choose the unit of the file."))
    if unit not in UNITS:
        raise _Cell("unit", _("“%s” is neither hour nor month.") % unit[:40])
    return unit


def _period(begins: str, ends: str, terms: Terms) -> tuple[datetime, datetime | None]:
    start = _instant("from", begins, terms) if begins else terms.begin
    end = _instant("to", ends, terms) if ends else None
    if end is not None and end <= start:
        raise _Cell("to", _("is not after from (%s).") % start.strftime("%Y-%m-%dT%H:%MZ"))
    return start, end


def _instant(column: str, text: str, terms: Terms) -> datetime:
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            found = datetime(day.year, day.month, day.day, tzinfo=terms.zone)
        else:
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=terms.zone)
        instant = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Cell(column, _("“%s” is not a time like 2026-09-01T00:00Z.") % text[:40]) from None
    if instant.year not in _YEARS:
        raise _Cell(column, _("lies outside of the years 2000 to 2199."))
    if instant.minute or instant.second or instant.microsecond:
        raise _Cell(column, _("%s does not lie on a whole hour (UTC).") % instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return instant


def _clashes(entries: Sequence[Entry]) -> Iterator[Text]:
    """Yield the rows that say something else about the hours of an earlier row."""
    by_key: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    for same in by_key.values():
        ordered = sorted(same, key=lambda entry: (entry.start, entry.line))
        for one, following in zip(ordered, ordered[1:], strict=False):
            if one.end is None or following.start < one.end:
                first, second = sorted((one.line, following.line))
                text = _("Line %(second)d: is for the same thing at the same time as line %(first)d.")
                yield text % {"first": first, "second": second}
