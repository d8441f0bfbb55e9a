"""Properties that hold for any world (cost reference 18.2), on worlds drawn from seeds."""

import copy
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.ledger import allocation
from billing.ledger.allocation import apportion, model
from billing.ledger.allocation.model import Kind, Resource, Result
from tests.billing.ledger import figures, worlds
from tests.billing.ledger.worlds import Shape

SEEDS = range(20)
PICO = Decimal("1E-12")
Key = tuple[object, ...]
NOTHING: tuple[dict[Resource, int], Decimal] = ({}, Decimal(0))


def run(written: dict[str, Any]) -> Result:
    return allocation.allocate(worlds.read(written))


def per(result: Result, key: Callable[[model.Allocation], Key]) -> dict[Key, tuple[dict[Resource, int], Decimal]]:
    """Return quantities and known cost per key."""
    quantities: dict[Key, dict[Resource, int]] = defaultdict(lambda: defaultdict(int))
    costs: dict[Key, Decimal] = defaultdict(Decimal)
    for row in result.allocations:
        costs[key(row)] += figures.known(row)
        for resource, quantity in row.quantities.items():
            quantities[key(row)][resource] += quantity
    # An idle row may hold nothing but the rest of rounding
    counted = {one: {r: count for r, count in quantities[one].items() if count} for one in costs}
    return {one: (counted[one], costs[one]) for one in costs}


def owner(row: model.Allocation) -> Key:
    return row.cluster, row.namespace, row.team, row.project, row.kind, row.shared, row.price_key


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shape", [Shape(), Shape(grain="day"), Shape(time_zone="Asia/Kathmandu"), worlds.DIRECT])
def test_every_policy_conserves_the_total(seed: int, shape: Shape) -> None:
    result = run(worlds.make(seed, shape))
    figures.assert_conserved(result)
    assert figures.cost(result.assets) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_cents_add_up_to_the_rounded_total(seed: int) -> None:
    result = run(worlds.make(seed))
    lines = {team or "": amount for team, amount in figures.by(result, lambda row: row.team).items()}
    rounded = apportion.cents(lines)
    assert sum(rounded.values()) == figures.cost(result.assets).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert all(abs(rounded[team] - lines[team]) < Decimal("0.01") for team in lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_order_of_the_entries_makes_no_difference(seed: int) -> None:
    written = worlds.make(seed)
    shuffled = copy.deepcopy(written)
    for value in shuffled.values():
        if isinstance(value, list):
            random.Random(seed).shuffle(value)
    assert run(shuffled) == run(written)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_run_gives_the_same(seed: int) -> None:
    world = worlds.read(worlds.make(seed))
    assert allocation.allocate(world) == allocation.allocate(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_splitting_the_window_at_an_hour_changes_no_row(seed: int) -> None:
    written = worlds.make(seed)
    hour = worlds.stamp(worlds.FIRST_HOUR + timedelta(hours=2))
    before, after = copy.deepcopy(written), copy.deepcopy(written)
    before["window"]["to"] = after["window"]["from"] = hour
    whole, first, second = run(written), run(before), run(after)
    assert whole.allocations == first.allocations + second.allocations
    assert whole.assets == first.assets + second.assets
    assert whole.pods == first.pods + second.pods


@pytest.mark.parametrize("seed", SEEDS)
def test_doubling_prices_doubles_cost(seed: int) -> None:
    written = worlds.make(seed, Shape(grain="day"))
    doubled = copy.deepcopy(written)
    for price in doubled["prices"]:
        price["price"] = str(2 * Decimal(price["price"]))
    for fee in doubled["fees"]:
        fee["amount"] = str(2 * Decimal(fee["amount"]))
    once, twice = run(written), run(doubled)
    rows = len(once.assets) * len(Resource)
    assert abs(2 * figures.cost(once.assets) - figures.cost(twice.assets)) <= rows * PICO
    first, second = per(once, owner), per(twice, owner)
    for key in first.keys() | second.keys():
        (quantities, cost), (counted, paid) = first.get(key, NOTHING), second.get(key, NOTHING)
        assert counted == quantities
        assert abs(2 * cost - paid) <= 10 * rows * PICO


@pytest.mark.parametrize("seed", SEEDS)
def test_a_move_inside_an_hour_splits_rows_and_loses_nothing(seed: int) -> None:
    stay = worlds.make(seed, Shape(beyond_sql=False, moves=False, clusters=1))
    stay["memberships"] = [{"cluster": "cluster0", "namespace": "cluster0-ns1", "project": "old"}]
    stay["projects"] = [{"project": "old", "team": "old"}, {"project": "new", "team": "new"}]
    moved = copy.deepcopy(stay)
    at = worlds.stamp(worlds.FIRST_HOUR + timedelta(hours=1, seconds=random.Random(seed).randrange(1, 3600)))
    moved["memberships"] = [
        {"cluster": "cluster0", "namespace": "cluster0-ns1", "project": "old", "to": at},
        {"cluster": "cluster0", "namespace": "cluster0-ns1", "project": "new", "from": at},
    ]
    whole, parts = run(stay), run(moved)

    def thing(row: model.Allocation) -> Key:
        return row.cluster, row.namespace, row.kind, row.price_key, row.hour

    before, after = per(whole, thing), per(parts, thing)
    for key in before.keys() | after.keys():
        (quantities, cost), (counted, paid) = before.get(key, NOTHING), after.get(key, NOTHING)
        assert counted == quantities
        # Each part is rounded by itself, to half of 1E-12 per resource; idle takes the difference
        assert abs(paid - cost) <= 3 * PICO
    nodes_before = [asset for asset in whole.assets if asset.price_key.asset == "node"]
    assert nodes_before == [asset for asset in parts.assets if asset.price_key.asset == "node"]
    cut = datetime.fromisoformat(at)
    for row in parts.allocations:
        if row.namespace == "cluster0-ns1":
            assert row.team == ("old" if row.span.start < cut else "new")
            assert row.span.end <= cut or row.span.start >= cut
        else:
            assert row.team is None


@pytest.mark.parametrize("seed", SEEDS)
def test_direct_rows_do_not_depend_on_the_grain(seed: int) -> None:
    hourly, daily = worlds.read(worlds.make(seed)), worlds.read(worlds.make(seed, Shape(grain="day")))
    assert replace(daily, grain=model.Grain.HOUR) == hourly

    def direct(result: Result) -> list[model.Allocation]:
        return [row for row in result.allocations if row.kind not in figures.DISTRIBUTED]

    assert direct(allocation.allocate(hourly)) == direct(allocation.allocate(daily))


@pytest.mark.parametrize("seed", SEEDS)
def test_quantities_never_exceed_what_nodes_offer(seed: int) -> None:
    result = run(worlds.make(seed))
    offered: dict[Key, int] = {}
    for asset in result.assets:
        for resource, quantity in asset.quantities.items():
            offered[asset.cluster, asset.price_key, asset.hour, resource] = quantity
    taken: dict[Key, int] = defaultdict(int)
    for row in result.allocations:
        for resource, quantity in row.quantities.items():
            assert quantity >= 0
            taken[row.cluster, row.price_key, row.hour, resource] += quantity
    assert {key: count for key, count in taken.items() if key[1] is not None} == offered


@pytest.mark.parametrize("seed", SEEDS)
def test_amounts_are_not_negative_beyond_the_rest_of_rounding(seed: int) -> None:
    result = run(worlds.make(seed))
    limit = len(result.allocations) * PICO
    for row in result.allocations:
        for amount in row.amounts.values():
            if amount is not None and row.kind not in figures.DISTRIBUTED:
                assert amount >= (-limit if row.kind is Kind.IDLE else 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_pods_add_up_to_their_rows(seed: int) -> None:
    result = run(worlds.make(seed))
    direct = [row for row in result.allocations if row.kind not in figures.DISTRIBUTED]
    rows, parts = per_resource(direct), per_resource(result.pods)
    assert parts
    assert parts == {key: rows[key] for key in parts}


def per_resource(rows: Iterable[model.Allocation | model.PodShare]) -> dict[Key, tuple[int, Decimal]]:
    """Return quantity and known amount per place and resource."""
    found: dict[Key, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for row in rows:
        for resource, amount in row.amounts.items():
            key = (row.cluster, row.namespace, row.span, row.price_key, resource)
            quantity, cost = found[key]
            found[key] = (quantity + row.quantities[resource], cost + (amount or 0))
    return dict(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cluster_alone_costs_the_same_as_beside_others(seed: int) -> None:
    written = worlds.make(seed)
    for rule in written["rules"]:
        rule["sharing_scope"] = "cluster"
    alone = copy.deepcopy(written)
    alone["clusters"] = [{"id": "cluster0"}]
    for name, value in alone.items():
        if isinstance(value, list):
            alone[name] = [one for one in value if one.get("cluster", "cluster0") == "cluster0"]
    alone["clusters"] = [{"id": "cluster0"}]
    together = [row for row in run(written).allocations if row.cluster == "cluster0"]
    assert list(run(alone).allocations) == together


def test_worlds_are_the_same_for_the_same_seed_and_hold_what_they_should() -> None:
    assert worlds.make(7) == worlds.make(7)
    assert worlds.make(7) != worlds.make(8)
    kinds = {row.kind for seed in SEEDS for row in run(worlds.make(seed)).allocations}
    assert kinds == set(Kind)
    every = [row for seed in SEEDS for row in run(worlds.make(seed)).allocations]
    assert any(row.overcommitted for row in every)
    assert any(row.amount is None for row in every)
    direct = [row for seed in SEEDS for row in run(worlds.make(seed, worlds.DIRECT)).allocations]
    assert not any(row.overcommitted for row in direct)
    assert not {row.kind for row in direct} & set(figures.DISTRIBUTED)
