"""Figures on a page: rounding, grouping, units, and no false zero."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from portal.core import formats

AT = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0.00"),
        ("0.004", "<0.01"),
        ("-0.004", ">-0.01"),
        ("0.005", "0.01"),
        ("1.005", "1.01"),
        ("-12.5", "-12.50"),
        ("1234567.891", "1,234,567.89"),
        ("999999999999.999999999999", "1,000,000,000,000.00"),
    ],
)
def test_money_has_two_places_and_never_a_false_zero(amount: str, shown: str) -> None:
    assert formats.money(Decimal(amount)) == shown


def test_the_exact_amount_has_every_stored_place() -> None:
    assert formats.money_exact(Decimal("1E-12"), "EUR") == "0.000000000001 EUR"


@pytest.mark.parametrize(
    ("millicores", "shown"),
    [(1500, "1.5 cores"), (1000, "1 core"), (0, "0 cores"), (1, "0.001 cores"), (1_234_567, "1,234.567 cores")],
)
def test_cpu(millicores: int, shown: str) -> None:
    assert formats.cpu(millicores) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 GiB"),
        (1, "<0.01 GiB"),
        (64 * 1024**2, "0.06 GiB"),
        (1024**3, "1.0 GiB"),
        (Decimal(3_435_973_837), "3.2 GiB"),
        (2048 * 1024**3, "2,048.0 GiB"),
    ],
)
def test_bytes_are_shown_as_gib(size: int | Decimal, shown: str) -> None:
    assert formats.size(size) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"), [("0.425", "42.5 %"), ("1", "100 %"), ("0", "0 %"), ("0.9996", "100 %"), ("1.18", "118 %")]
)
def test_percent(ratio: str, shown: str) -> None:
    assert formats.percent(Decimal(ratio)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (119, "119s"),
        (330, "5m30s"),
        (600, "10m"),
        (10_799, "179m"),
        (19_800, "5h30m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (356_400, "4d3h"),
        (691_200, "8d"),
        (63_072_000, "2y"),
        (63_072_000 + 40 * 86_400, "2y40d"),
    ],
)
def test_durations_read_as_kubectl_prints_them(seconds: int, shown: str) -> None:
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(
    ("distance", "shown"),
    [
        (timedelta(seconds=4), "just now"),
        (timedelta(seconds=40), "40 seconds ago"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=9), "9 days ago"),
        (-timedelta(minutes=3), "in 3 minutes"),
    ],
)
def test_the_distance_in_words(distance: timedelta, shown: str) -> None:
    assert formats.ago(AT - distance, AT) == shown


def test_instants_are_utc_whatever_zone_they_come_in() -> None:
    elsewhere = datetime.fromisoformat("2026-08-01T14:00:00+02:00")
    assert formats.iso(elsewhere) == "2026-08-01T12:00:00Z"
    assert formats.instant(elsewhere) == "2026-08-01 12:00:00 UTC"


def test_the_time_of_a_day_ago_names_its_day() -> None:
    assert formats.clock_time(AT - timedelta(hours=2), AT) == "10:00 UTC"
    assert formats.clock_time(AT - timedelta(hours=13), AT) == "2026-07-31 23:00 UTC"


def test_separators_follow_the_language() -> None:
    with translation.override("de"):
        assert formats.money(Decimal("1234.5")) == "1.234,50"
    assert formats.money(Decimal("1234.5")) == "1,234.50"
