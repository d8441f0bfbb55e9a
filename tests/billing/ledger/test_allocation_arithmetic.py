"""Rounding and splitting: largest remainders, cents, running cuts, and the division PostgreSQL does too."""

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection

from billing.ledger.allocation import apportion, rates


def test_whole_numbers_go_to_the_largest_remainders_and_ties_to_the_first_key() -> None:
    assert apportion.whole(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportion.whole(10, {"c": 1, "b": 1, "a": 1}) == {"a": 4, "b": 3, "c": 3}
    assert apportion.whole(10, {"a": 1, "b": 2, "c": 4}) == {"a": 1, "b": 3, "c": 6}
    assert apportion.whole(7, {"a": Fraction(1, 2), "b": 3}) == {"a": 1, "b": 6}
    assert apportion.whole(-10, {"a": 1, "b": 1, "c": 1}) == {"a": -4, "b": -3, "c": -3}
    assert apportion.whole(5, {"a": 0, "b": 0}) == {"a": 3, "b": 2}
    assert apportion.whole(5, {}) == {}


def test_money_splits_at_the_twelfth_place() -> None:
    assert apportion.money(Decimal(1), {"a": 1, "b": 1, "c": 1}) == {
        "a": Decimal("0.333333333334"),
        "b": Decimal("0.333333333333"),
        "c": Decimal("0.333333333333"),
    }


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (240, {"a": "0.5", "b": "0.3", "c": "0.2"}, {"a": 120, "b": 72, "c": 48}),
        (100, {"a": 40, "b": 35, "c": 25}, {"a": 40, "b": 35, "c": 25}),
    ],
)
def test_split_rows_of_focus(total: int, weights: dict[str, str | int], parts: dict[str, int]) -> None:
    exact = {key: Fraction(weight) for key, weight in weights.items()}
    assert apportion.money(Decimal(total), exact) == parts


def test_cents_of_credits_and_ties() -> None:
    lines = {"b": Decimal("0.005"), "a": Decimal("0.005"), "credit": Decimal("-0.014")}
    assert apportion.cents(lines) == {"a": Decimal("0.01"), "b": 0, "credit": Decimal("-0.01")}
    assert apportion.cents({"a": Decimal("0.005"), "b": Decimal("0.005")}) == {"a": Decimal("0.01"), "b": 0}


def test_a_running_cut_keeps_order_and_sum() -> None:
    assert apportion.running([3, 1], 2) == [1, 1]
    assert apportion.running([0, 0], 5) == [0, 0]
    dice = random.Random(1)
    for _ in range(200):
        parts = [dice.randrange(1000) for _ in range(dice.randrange(1, 9))]
        room = dice.randrange(sum(parts) + 1)
        cut = apportion.running(parts, room)
        assert sum(cut) == (room if sum(parts) else 0)
        assert all(0 <= less <= part for less, part in zip(cut, parts, strict=True))


def test_an_amount_of_more_than_twelve_places_is_an_error() -> None:
    with pytest.raises(ValueError, match="twelve places"):
        apportion.to_pico(Decimal("1E-13"))


@pytest.mark.parametrize(
    ("value", "quantity", "amount"),
    [
        (Fraction(1, 2), 1, "0.5"),
        (Fraction(5, 10**13), 1, "1E-12"),
        (Fraction(4, 10**13), 1, "0"),
        (Fraction(1, 3), 1, "0.333333333333"),
        (Fraction(2, 3), 1, "0.666666666667"),
        # Rounded at the thirtieth place first, as PostgreSQL divides
        (Fraction(5, 10**13) - Fraction(1, 10**31), 1, "1E-12"),
        (Fraction(0), 7, "0"),
    ],
)
def test_rate_rounds_half_up(value: Fraction, quantity: int, amount: str) -> None:
    assert rates.Rate.of(value).times(quantity) == Decimal(amount)


SINGLE = "SELECT round((%s::numeric * %s::numeric)::numeric(1000, 30) / (%s::numeric * 3600 * %s::numeric), 12)"
SPLIT = """
    SELECT round(
        (%(q)s::numeric * %(ratio)s::numeric * %(scale)s::numeric * %(price)s::numeric * %(seconds)s::numeric)
            ::numeric(1000, 30)
        / (
            (%(c)s::numeric * %(r_cpu)s::numeric * 1073741824 + %(m)s::numeric * %(r_memory)s::numeric * 1000)
            * 3600 * %(months)s::numeric
        ),
        12
    )
"""


@pytest.mark.django_db
def test_postgresql_gives_the_same_amounts_to_the_last_digit() -> None:
    dice = random.Random(20250303)
    with connection.cursor() as cursor:
        for _ in range(2000):
            price = Decimal(dice.randrange(1, 10 ** dice.randrange(2, 15))).scaleb(-12)
            quantity = dice.randrange(10 ** dice.randrange(1, 20))
            unit = dice.choice([1000, 2**30])
            months = dice.choice([1, 730])
            cursor.execute(SINGLE, [quantity, price, unit, months])
            exact = Fraction(price) / (unit * 3600 * months)
            assert cursor.fetchone() == (rates.Rate.of(exact).times(quantity),)


@pytest.mark.django_db
def test_postgresql_splits_a_whole_price_the_same() -> None:
    dice = random.Random(20250304)
    with connection.cursor() as cursor:
        for _ in range(2000):
            figures: dict[str, Any] = {
                "q": dice.randrange(10**15),
                "price": Decimal(dice.randrange(1, 10**13)).scaleb(-12),
                "seconds": dice.randrange(1, 10**6),
                "c": dice.randrange(1, 10**10),
                "m": dice.randrange(1, 10**17),
                "r_cpu": Decimal("0.031611"),
                "r_memory": Decimal("0.004237"),
                "months": dice.choice([1, 730]),
            }
            scale, ratio = dice.choice([(2**30, figures["r_cpu"]), (1000, figures["r_memory"])])
            cursor.execute(SPLIT, {**figures, "scale": scale, "ratio": ratio})
            weighed = (
                Fraction(figures["c"]) * Fraction(figures["r_cpu"]) * 2**30
                + Fraction(figures["m"]) * Fraction(figures["r_memory"]) * 1000
            )
            cost = Fraction(figures["price"]) * figures["seconds"] / (3600 * figures["months"])
            exact = cost * Fraction(ratio) * scale / weighed
            assert cursor.fetchone() == (rates.Rate.of(exact).times(int(figures["q"])),)
