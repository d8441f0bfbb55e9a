"""The file of prices: what is read, and what is refused with which line."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.pricing import sheet, starter
from tests.billing.pricing.files import HEAD, MONTH, NODE, file

TERMS = sheet.Terms(unit="", currency="USD", begin=MONTH, zone=ZoneInfo("Europe/Zurich"))


def _row(**cells: str) -> str:
    given = dict(zip(sheet.HEADER, NODE.split(","), strict=True))
    given |= {name.removesuffix("_"): cell for name, cell in cells.items()}
    return ",".join(given.values())


def test_a_row_is_read() -> None:
    (entry,) = sheet.read(file(NODE), TERMS)
    assert entry == sheet.Entry(
        2, "node", "m5.xlarge", "eu", "on_demand", "", "", Decimal("0.192"), "hour", MONTH, None
    )


@pytest.mark.parametrize(
    ("cells", "field", "value"),
    [
        ({"class_": "on-demand"}, "capacity_class", "on_demand"),
        ({"class_": ""}, "capacity_class", ""),
        ({"price": "0"}, "price", Decimal(0)),
        ({"price": "0.123456789012"}, "price", Decimal("0.123456789012")),
        ({"price": "1.5000000000000000"}, "price", Decimal("1.5")),
        ({"price": "999999999999"}, "price", Decimal(999999999999)),
        ({"price": " 0.2 "}, "price", Decimal("0.2")),
        ({"currency": ""}, "price", Decimal("0.192")),
        ({"from_": ""}, "start", MONTH),
        ({"from_": "2026-09-01"}, "start", datetime(2026, 8, 31, 22, tzinfo=UTC)),
        ({"from_": "2026-09-01T12:00"}, "start", datetime(2026, 9, 1, 10, tzinfo=UTC)),
        ({"from_": "2026-09-01T12:00+05:00"}, "start", datetime(2026, 9, 1, 7, tzinfo=UTC)),
        ({"to": "2026-10-01T00:00Z"}, "end", datetime(2026, 10, 1, tzinfo=UTC)),
        ({"provider_id": "aws:///eu-1a/i-0abc"}, "provider_id", "aws:///eu-1a/i-0abc"),
        ({"instance_type": '"n2, ""big"""'}, "instance_type", 'n2, "big"'),
    ],
)
def test_cells_are_read(cells: dict[str, str], field: str, value: object) -> None:
    (entry,) = sheet.read(file(_row(**cells)), TERMS)
    assert getattr(entry, field) == value


def test_the_unit_of_the_file_is_for_rows_without_one() -> None:
    terms = sheet.Terms("month", "USD", MONTH, ZoneInfo("UTC"))
    units = [entry.unit for entry in sheet.read(file(_row(unit=""), _row(unit="hour", region="us")), terms)]
    assert units == ["month", "hour"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + file(NODE),
        file(NODE).replace(b"\n", b"\r\n"),
        file(NODE).rstrip(),
        file("", NODE, "", ""),
    ],
    ids=["byte order mark", "CRLF", "no last line end", "blank lines"],
)
def test_what_carries_no_meaning_is_passed_over(data: bytes) -> None:
    (entry,) = sheet.read(data, TERMS)
    assert entry.price == Decimal("0.192")


BAD: list[tuple[str, bytes, str]] = [
    ("empty", b"", "The file is empty."),
    ("blank", b"\n\n  \n", "The file is empty."),
    ("header alone", file(), "no row below its header"),
    ("no header", NODE.encode(), "Line 1: the header must hold exactly asset, instance_type"),
    ("semicolons", file(NODE).replace(b",", b";"), "Line 1: the columns are separated by semicolons"),
    ("tabs", file(NODE).replace(b",", b"\t"), "Line 1: the columns are separated by tabs"),
    ("column missing", HEAD.replace(",currency", "").encode() + b"\n", "Missing: currency."),
    ("column unknown", HEAD.replace("class", "klass", 1).encode() + b"\n", "Not known: klass."),
    ("header in capitals", file(NODE).replace(b"asset", b"ASSET"), "Missing: asset."),
    ("too few columns", file(NODE, "node,m5,eu"), "Line 3: has 3 columns, not 11."),
    ("decimal comma", file(_row(price="0,192")), "Line 2: has 12 columns, not 11 (a comma inside a price?)."),
    ("quoted decimal comma", file(_row(price='"0,192"')), "Line 2, price: “0,192”: write a decimal point"),
    ("no price", file(_row(price="")), "Line 2, price: is missing."),
    ("NaN", file(_row(price="NaN")), "Line 2, price: “NaN” is not a number"),
    ("infinity", file(_row(price="Infinity")), "Line 2, price: “Infinity” is not a number"),
    ("negative", file(_row(price="-0.1")), "Line 2, price: is negative."),
    ("plus", file(_row(price="+0.1")), "Line 2, price: “+0.1” is not a number"),
    ("exponent", file(_row(price="1e-3")), "Line 2, price: “1e-3”: write the number out"),
    ("13 decimals", file(_row(price="0.1234567890123")), "Line 2, price: has more than 12 decimal places."),
    ("13 digits", file(_row(price="1234567890123")), "Line 2, price: has more than 12 digits"),
    ("underscore", file(_row(price="1_000")), "Line 2, price: “1_000” is not a number"),
    ("other digits", file(_row(price="٣")), "Line 2, price: “٣” is not a number"),
    ("currency sign", file(_row(price="$1")), "Line 2, price: “$1” is not a number"),
    ("unknown asset", file(_row(asset="pod")), "Line 2, asset: “pod” is none of node, core"),
    ("no asset", file(_row(asset="")), "Line 2, asset: “” is none of"),
    ("unknown class", file(_row(class_="preemptible")), "Line 2, class: “preemptible” is none of"),
    ("node with storage class", file(_row(storage_class="gp3")), "Line 2, storage_class: must be empty"),
    ("volume with type", file(_row(asset="volume", class_="")), "Line 2, instance_type: must be empty"),
    ("no unit", file(_row(unit="")), "Line 2, unit: is empty"),
    ("unknown unit", file(_row(unit="day")), "Line 2, unit: “day” is neither"),
    ("other currency", file(_row(currency="EUR")), "Line 2, currency: “EUR” is not the currency"),
    (
        "half past",
        file(_row(from_="2026-09-01T00:30Z")),
        "Line 2, from: 2026-09-01T00:30:00Z does not lie on a whole hour",
    ),
    (
        "zone of half hours",
        file(_row(from_="2026-09-01T00:00+05:30")),
        "Line 2, from: 2026-08-31T18:30:00Z does not lie",
    ),
    ("no time", file(_row(from_="yesterday")), "Line 2, from: “yesterday” is not a time"),
    ("impossible day", file(_row(from_="2026-02-30")), "Line 2, from: “2026-02-30” is not a time"),
    ("far year", file(_row(from_="0001-01-01T00:00+14:00")), "Line 2, from: “0001"),
    ("year of another age", file(_row(from_="1066-10-14T00:00Z")), "Line 2, from: lies outside"),
    ("ends before it begins", file(_row(to="2026-08-01T00:00Z")), "Line 2, to: is not after from (2026-09-01T00:00Z)"),
    ("ends as it begins", file(_row(to="2026-09-01T00:00Z")), "Line 2, to: is not after"),
    ("line end in a cell", file(NODE, _row(region='"a\nb"')), "Line 3, region: holds a line end"),
    ("after a line end in a cell", file(_row(region='"a\nb"'), NODE, "x"), "Line 5: has 1 columns"),
    ("control character", file(_row(region="a\x1fb")), "Line 2, region: holds a line end or another control"),
    ("long cell", file(_row(region="a" * 254)), "Line 2, region: is longer than 253"),
    ("open quotation mark", file(NODE, _row(region='"a')), "Line 3: the quotation marks do not match."),
    ("latin 1", file(NODE, _row(region="Zürich")).decode().encode("latin-1"), "Line 3: the file is not UTF-8"),
    ("UTF-16", file(NODE).decode().encode("utf-16"), "Line 1: the file is not UTF-8"),
    ("not text", b"PK\x03\x04\x00\x00", "Line 1: the file is not text."),
    ("same twice", file(NODE, _row(region="us"), NODE), "Line 4: is for the same thing at the same time as line 2."),
    (
        "overlap",
        file(_row(from_="2026-09-05T00:00Z"), _row(to="2026-09-06T00:00Z")),
        "Line 3: is for the same thing at the same time as line 2.",
    ),
]


@pytest.mark.parametrize(("data", "said"), [(data, said) for _name, data, said in BAD], ids=[one[0] for one in BAD])
def test_bad_files_are_refused_by_line(data: bytes, said: str) -> None:
    with pytest.raises(sheet.Bad) as refused:
        sheet.read(data, TERMS)
    assert any(said in fault for fault in refused.value.faults), refused.value.faults


def test_every_bad_line_is_told_up_to_a_bound() -> None:
    with pytest.raises(sheet.Bad) as refused:
        sheet.read(file(NODE, _row(price=""), _row(region="us"), _row(asset="x")), TERMS)
    assert [fault.partition(",")[0] for fault in refused.value.faults] == ["Line 3", "Line 5"]
    with pytest.raises(sheet.Bad) as refused:
        sheet.read(file(*[_row(price="")] * 300), TERMS)
    assert len(refused.value.faults) == sheet.MOST_FAULTS + 1


def test_touching_rates_of_one_thing_are_two_rates() -> None:
    found = sheet.read(file(_row(to="2026-09-05T00:00Z"), _row(from_="2026-09-05T00:00Z", price="0.2")), TERMS)
    assert [entry.line for entry in found] == [2, 3]


def test_sizes_are_bounded() -> None:
    with pytest.raises(sheet.Bad, match="larger than 5 MB"):
        sheet.read(b"x" * (sheet.MOST_BYTES + 1), TERMS)
    rows = [_row(instance_type=f"t{number}") for number in range(sheet.MOST_ROWS + 1)]
    assert len(sheet.read(file(*rows[:-1]), TERMS)) == sheet.MOST_ROWS
    with pytest.raises(sheet.Bad, match="more than 20,000 rows"):
        sheet.read(file(*rows), TERMS)


def test_the_starter_file_is_a_file() -> None:
    found = sheet.read(starter.as_csv("USD").encode(), TERMS)
    assert {(entry.asset, entry.capacity_class, str(entry.price), entry.unit) for entry in found} == {
        ("core", "", "0.031611", "hour"),
        ("memory", "", "0.004237", "hour"),
        ("gpu", "", "0.95", "hour"),
        ("core", "spot", "0.006655", "hour"),
        ("memory", "spot", "0.000892", "hour"),
        ("volume", "", "0.04", "month"),
    }
    with pytest.raises(sheet.Bad, match="price: is missing"):
        sheet.read(starter.as_csv("EUR").encode(), sheet.Terms("", "EUR", MONTH, ZoneInfo("UTC")))
