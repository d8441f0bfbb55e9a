from decimal import Decimal

import pytest

from clusters.kube.quantities import BadQuantity, milli, parse, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("1", "1"),
        ("100m", "0.1"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-1", "-1"),
        ("+2", "2"),
        ("1n", "0.000000001"),
        ("250u", "0.00025"),
        ("2k", "2000"),
        ("3M", "3000000"),
        ("1G", "1000000000"),
        ("1T", "1000000000000"),
        ("1P", "1000000000000000"),
        ("1E", "1000000000000000000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"),
        ("8Ei", "9223372036854775808"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("12e-3", "0.012"),
        ("129e6", "129000000"),
        ("128974848000m", "128974848"),
        ("123456789012345678901234567890123Ki", "126419751948641975194864197519485952"),
        (7, "7"),
        (0.25, "0.25"),
    ],
)
def test_exact(text: str | int | float, value: str) -> None:
    assert parse(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "1 Gi",
        "1gi",
        "1KI",
        "0x10",
        "1e",
        "1.2.3",
        "one",
        "1mm",
        "NaN",
        "Infinity",
        "1_000",
        "١",
        "9" * 100,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadQuantity):
        parse(text)


def test_integers_round_up_as_kubernetes_does() -> None:
    assert [milli("1"), milli("100m"), milli("1n"), milli("1500u"), milli(None)] == [1000, 100, 1, 2, 0]
    assert [whole("1Ki"), whole("1m"), whole("1.5"), whole("16777216Ti"), whole(None)] == [1024, 1, 2, 2**64, 0]
