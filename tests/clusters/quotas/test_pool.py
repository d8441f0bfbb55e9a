"""Sharing a pool: sums, floors, remainders, steps."""

import uuid
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters.quotas import pool
from clusters.quotas.pool import Standing

CPU = "requests.cpu"


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    count = draw(st.integers(1, 12))
    amounts = st.integers(0, 10**12)
    return [
        Standing(
            key=(uuid.UUID(int=number % 3), f"n{number}"),
            name=f"n{number}",
            granted={CPU: draw(amounts)} if draw(st.booleans()) else {},
            used={CPU: draw(amounts)},
            floor={CPU: draw(st.integers(0, 10**9))},
            recent={CPU: draw(amounts)},
            frozen=draw(st.booleans()),
            asked={CPU: draw(amounts)} if draw(st.booleans()) else {},
        )
        for number in range(count)
    ]


def granted(rows: Sequence[Standing]) -> int:
    return sum(row.granted.get(CPU, 0) for row in rows)


@given(standings(), st.integers(0, 10**13))
def test_shares_never_exceed_the_pool_and_floors_come_first(rows: list[Standing], most: int) -> None:
    frozen = sum(row.granted.get(CPU, 0) for row in rows if row.frozen)
    floors = sum(row.floor[CPU] for row in rows)
    if floors > most:
        with pytest.raises(pool.FloorsExceed) as refused:
            pool.split({CPU: most}, rows)
        assert refused.value.by_resource[CPU][0] == floors
        return
    shares = pool.split({CPU: most}, rows)
    live = [row for row in rows if not row.frozen]
    given_live = sum(shares[row.key][CPU] for row in live)
    assert given_live <= max(most - frozen, 0)
    for row in rows:
        if row.frozen:
            assert shares[row.key][CPU] == row.granted.get(CPU, 0)
    if frozen + sum(row.floor[CPU] for row in live) <= most:
        assert all(shares[row.key][CPU] >= row.floor[CPU] for row in live)
    if frozen + sum(row.kept(CPU) for row in live) <= most:
        assert all(shares[row.key][CPU] >= row.kept(CPU) for row in live)
        assert not live or given_live == most - frozen


@given(standings(), st.integers(0, 10**13))
def test_every_step_keeps_the_pool(rows: list[Standing], wanted: int) -> None:
    target = max(wanted, sum(row.floor[CPU] for row in rows))
    holds = pool.in_force({CPU: target}, rows)
    assert holds[CPU] >= granted(rows)
    goal = pool.split(holds, rows)
    down = pool.lowers(goal, rows)
    by_key = {row.key: row for row in rows}
    for key, amounts in down.items():
        assert not by_key[key].frozen
        assert by_key[key].kept(CPU) <= amounts[CPU] < by_key[key].granted[CPU]
    for up in (pool.raises(holds, goal, rows),):
        total = granted(rows) + sum(amounts[CPU] - by_key[key].granted.get(CPU, 0) for key, amounts in up.items())
        assert total <= max(holds[CPU], granted(rows))
        assert not any(by_key[key].frozen for key in up)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), max_size=20))
def test_largest_remainders_lose_nothing(amount: int, weights: list[int]) -> None:
    parts = pool.proportional(amount, weights)
    assert sum(parts) == (amount if sum(weights) else 0)
    for part, weight in zip(parts, weights, strict=True):
        if sum(weights):
            assert abs(part - amount * weight / sum(weights)) <= 1 + amount * 1e-15


def row(name: str, share: int, used: int = 0, **more: object) -> Standing:
    return Standing((uuid.UUID(int=1), name), name, {CPU: share}, {CPU: used}, {CPU: 10}, **more)  # type: ignore[arg-type]


def test_small_changes_are_not_worth_a_write_unless_somebody_was_refused() -> None:
    rows = [row("a", 515, 510), row("b", 485, 400)]
    goal = {rows[0].key: {CPU: 520}, rows[1].key: {CPU: 480}}
    assert pool.lowers(goal, rows) == {}
    hungry = [row("a", 515, 515, asked={CPU: 10}), rows[1]]
    assert pool.lowers(goal, hungry) == {rows[1].key: {CPU: 480}}
    freed = [hungry[0], row("b", 480, 400)]
    assert pool.raises({CPU: 1000}, goal, freed) == {rows[0].key: {CPU: 520}}


def test_who_was_refused_is_raised_first() -> None:
    rows = [row("a", 100), row("b", 100, 100, asked={CPU: 10}), row("c", 100)]
    goal = {one.key: {CPU: 200} for one in rows}
    assert pool.raises({CPU: 350}, goal, rows) == {rows[1].key: {CPU: 150}}


def test_what_was_refused_gets_room_before_the_rest_is_shared() -> None:
    rows = [row("busy", 0, 400, recent={CPU: 400}), row("idle", 0, asked={CPU: 500}), row("third", 0)]
    shares = pool.split({CPU: 1000}, rows)
    assert shares[rows[1].key][CPU] >= 510
    assert sum(share[CPU] for share in shares.values()) == 1000
