"""CSV: what a spreadsheet would run, what must stay a number, and what arrives when."""

import csv
import io
from collections.abc import Iterator

import pytest

from portal.core import csvfile


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_begins_like_a_formula_is_disarmed(start: str) -> None:
    text = f'{start}HYPERLINK("http://x.example","y")'
    (read,) = next(csv.reader(io.StringIO(csvfile.line([text]), newline="")))
    assert read == f"'{text}"


@pytest.mark.parametrize("text", ["plain", "a=b", "1-2", "", " =1", "ünïcode", 'say "hi"', "a,b", "two\nlines"])
def test_other_text_arrives_as_it_is(text: str) -> None:
    (read,) = next(csv.reader(io.StringIO(csvfile.line([text, "x"]), newline="")))[:1]
    assert read == text


def test_figures_stay_figures_when_negative() -> None:
    assert csvfile.line([csvfile.Figure("-12.500000000000"), -3, "-3"]) == "-12.500000000000,-3,'-3\r\n"


def test_none_is_empty_and_truth_is_a_word() -> None:
    assert csvfile.line([None, True, False, 0]) == ",true,false,0\r\n"


def test_the_header_goes_out_before_the_first_row_is_made() -> None:
    def rows() -> list[list[csvfile.Cell]]:
        raise AssertionError("a row was asked for")

    pieces = csvfile.stream(["id", "name"], (row for _ in [0] for row in rows()), iter(()))
    assert next(pieces) == b"id,name\r\n"


def test_the_footer_is_read_after_the_last_row() -> None:
    seen: list[int] = []

    def rows() -> Iterator[list[csvfile.Cell]]:
        for number in range(450):
            seen.append(number)
            yield [number]

    def footer() -> Iterator[str]:
        yield csvfile.remark("rows", len(seen))

    text = b"".join(csvfile.stream(["n"], rows(), footer())).decode()
    assert text.splitlines()[0] == "n"
    assert text.splitlines()[1:451] == [str(number) for number in range(450)]
    assert text.splitlines()[451:] == ["# rows,450"]
