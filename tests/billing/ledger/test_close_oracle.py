"""The close in SQL gives what the oracle gives, to the last digit."""

import dataclasses
import itertools
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.ledger import services
from billing.ledger.allocation import allocate, model
from billing.ledger.models import CostHour
from portal.core import periods
from portal.core.periods import Period
from tests.billing.ledger import tables, worlds

pytestmark = pytest.mark.django_db

STRAINED = worlds.Shape(beyond_sql=False)
CALM = worlds.DIRECT
LONG = worlds.Shape(beyond_sql=False, hours=30, pods=20)


def comparable(world: model.World) -> model.World:
    """Return the world as the close sees it: from a whole hour on, counted up to the end of its window."""
    window = Period(periods.floor_hour(world.window.start), world.window.end)
    return dataclasses.replace(world, window=window, network=(), rules=())


def close(loaded: tables.Loaded, *, at: datetime | None = None) -> None:
    window = loaded.world.window
    for cluster_id in loaded.clusters.values():
        services.close_range(
            cluster_id=cluster_id, start=window.start, end=periods.ceil_hour(window.end), at=at or window.end
        )


def assert_equal(loaded: tables.Loaded, world: model.World) -> None:
    result = allocate(world)
    assert tables.stored_rows(loaded) == tables.expected_rows(result, loaded)
    assert tables.stored_assets(loaded) == tables.expected_assets(result, loaded)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [STRAINED, CALM], ids=["strained", "calm"])
def test_random_worlds(seed: int, shape: worlds.Shape) -> None:
    world = comparable(worlds.read(worlds.make(seed, shape)))
    loaded = tables.load(world)
    close(loaded)
    assert_equal(loaded, world)


def test_what_the_random_worlds_hold() -> None:
    """The comparison above says something: every kind, cut hours, squeezed nodes and missing prices occur."""
    results = [allocate(comparable(worlds.read(worlds.make(seed, STRAINED)))) for seed in range(12)]
    rows = [row for result in results for row in result.allocations]
    kinds = {row.kind for row in rows}
    assert kinds == set(model.Kind) - set(model.DISTRIBUTED)
    assert any(row.overcommitted and row.kind is model.Kind.WORKLOAD for row in rows)
    assert any(row.amount is None for row in rows) and any(row.team and row.amount for row in rows)
    assert any(row.span.start > row.hour and row.namespace for row in rows)
    assert any(row.price_key and row.price_key.provider_id for row in rows)
    assert any(row.shared and row.kind is model.Kind.WORKLOAD for row in rows)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_other_time_zones(zone: str, settings: Any) -> None:
    """Hours are cut where a billing day begins, also inside an hour; the day is that of the zone."""
    settings.BILLING_TIME_ZONE = zone
    world = comparable(worlds.read(worlds.make(5, dataclasses.replace(LONG, time_zone=zone))))
    loaded = tables.load(world)
    close(loaded)
    assert_equal(loaded, world)
    for row in CostHour.objects.all():
        assert row.day == periods.billing_day(row.starts_at, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (datetime(2025, 3, 30, tzinfo=ZoneInfo("Europe/Berlin")), 23),
        (datetime(2025, 10, 26, tzinfo=ZoneInfo("Europe/Berlin")), 25),
    ],
)
def test_days_of_23_and_25_hours(day: datetime, hours: int, settings: Any) -> None:
    """A billing day that changes the clock holds the hours it really has."""
    settings.BILLING_TIME_ZONE = "Europe/Berlin"
    start = day.astimezone(UTC)
    world = model.World(
        window=Period(start - 2 * periods.HOUR, start + 30 * periods.HOUR),
        clusters=(model.Cluster("c"),),
        zone=ZoneInfo("Europe/Berlin"),
        nodes=(model.Node("c", "n", model.ALWAYS, model.Amounts(1000, 2**30), model.Amounts(1000, 2**30)),),
        segments=(model.Segment("c", "p", "ns", model.ALWAYS, model.Amounts(1000, 2**30), "n"),),
        prices=(model.Price("core", Decimal(1), model.Unit.HOUR), model.Price("memory", Decimal(0), model.Unit.HOUR)),
    )
    loaded = tables.load(world)
    close(loaded)
    assert_equal(loaded, world)
    of_day = CostHour.objects.filter(day=day.date(), kind="workload")
    assert sum(row.amount or 0 for row in of_day) == hours


def price_book(dice: random.Random) -> tuple[model.Price, ...]:
    """Draw prices that fit more or less closely, at most one per set of columns."""
    found: dict[tuple[str, ...], model.Price] = {}
    for _ in range(40):
        asset = dice.choice(["node", "core", "memory", "gpu", "volume", "load_balancer"])
        columns: dict[str, Any] = {
            "provider_id": dice.choice(["", "", "m0", "m1"]),
            "instance_type": dice.choice(["", "small", "large"]),
            "region": dice.choice(["", "north"]),
            "capacity_class": dice.choice(["", "spot"]),
            "storage_class": dice.choice(["", "fast"]) if asset == "volume" else "",
        }
        key = (asset, *columns.values())
        price = Decimal(dice.randrange(1, 10**8)).scaleb(-6)
        found[key] = model.Price(asset, price, dice.choice([model.Unit.HOUR, model.Unit.MONTH]), **columns)
    return tuple(found.values())


@pytest.mark.parametrize("seed", range(12))
def test_the_closest_price(seed: int) -> None:
    """Of the prices that fit, the one with the first filled column wins, and a whole node before its parts."""
    dice = random.Random(seed)
    size = model.Amounts(4000, 16 * 2**30, 1000)
    start = datetime(2025, 3, 3, tzinfo=UTC)
    nodes = [
        model.Node("c", f"n{n}", model.ALWAYS, size, size, instance_type, region, capacity_class, f"m{n}")
        for n, (instance_type, region, capacity_class) in enumerate(
            itertools.product(["small", "large"], ["", "north"], ["", "spot"])
        )
    ]
    world = model.World(
        window=Period(start, start + periods.HOUR),
        clusters=(model.Cluster("c"),),
        nodes=tuple(nodes),
        segments=tuple(
            model.Segment("c", f"p{node.uid}", "ns", model.ALWAYS, model.Amounts(1100, 2**30 + 7, 50), node.uid)
            for node in nodes
        ),
        volumes=tuple(
            model.Volume("c", f"v{n}", model.ALWAYS, 10**10, storage_class, region, (model.Claim("ns", model.ALWAYS),))
            for n, (storage_class, region) in enumerate(itertools.product(["", "fast"], ["", "north"]))
        ),
        load_balancers=(model.LoadBalancer("c", "lb", "ns", model.ALWAYS, region="north"),),
        prices=price_book(dice),
    )
    loaded = tables.load(world)
    close(loaded)
    assert_equal(loaded, world)
