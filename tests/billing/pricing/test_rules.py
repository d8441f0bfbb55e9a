"""The pure rules: what an import makes of the rates, and which rate fits."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.ledger.allocation import model
from billing.ledger.allocation import rates as oracle
from billing.pricing import matching, revising
from billing.pricing.revising import Held
from billing.pricing.sheet import Entry, Key
from portal.core.periods import Period
from tests.billing.pricing.files import MONTH

HOURS = 24
KEYS: tuple[Key, ...] = (("node", "a", "", "", "", ""), ("node", "b", "", "", "", ""))


def _hour(number: int) -> datetime:
    return MONTH + timedelta(hours=number)


def _spans(chance: random.Random) -> list[tuple[int, int | None]]:
    """Return spans that do not overlap."""
    marks = sorted(chance.sample(range(HOURS), 4))
    found: list[tuple[int, int | None]] = [(marks[0], marks[1]), (marks[2], chance.choice((marks[3], None)))]
    return chance.sample(found, chance.randrange(3))


def _price(chance: random.Random) -> Decimal:
    return Decimal(chance.choice((1, 2)))


@pytest.mark.parametrize("seed", range(300))
def test_after_an_import_every_hour_has_the_new_price_else_the_old(seed: int) -> None:
    chance = random.Random(seed)
    held = [
        Held(number, key, _price(chance), "hour", _hour(start), None if end is None else _hour(end))
        for number, (key, (start, end)) in enumerate((key, span) for key in KEYS for span in _spans(chance))
    ]
    entries = [
        Entry(line, *key, _price(chance), "hour", _hour(start), None if end is None else _hour(end))
        for line, (key, (start, end)) in enumerate((key, span) for key in KEYS for span in _spans(chance))
    ]
    plan = revising.plan(held, entries)
    left = {cut.held.id: cut.left for cut in plan.cut}
    after = [
        (rate.key, rate.price, start, end)
        for rate in held
        for start, end in left.get(rate.id, ((rate.start, rate.end),))
    ]
    after += [(entry.key, entry.price, entry.start, entry.end) for entry in plan.added]
    touched = plan.touched()
    for key in KEYS:
        for number in range(HOURS + 2):
            at = _hour(number)
            new = _at(at, [(e.price, e.start, e.end) for e in entries if e.key == key])
            old = _at(at, [(r.price, r.start, r.end) for r in held if r.key == key])
            now = _at(at, [(price, start, end) for of, price, start, end in after if of == key])
            assert len(now) <= 1
            assert now == (new or old)
            if now != old:
                assert touched is not None
                assert touched[0] <= at
                assert touched[1] is None or at < touched[1]
    again = revising.plan(_reheld(after), entries)
    assert not again.added
    assert not again.cut
    assert len(plan.added) + len(plan.unchanged) == len(entries)


def _at(at: datetime, spans: list[tuple[Decimal, datetime, datetime | None]]) -> list[Decimal]:
    return [price for price, start, end in spans if start <= at and (end is None or at < end)]


def _reheld(after: list[tuple[Key, Decimal, datetime, datetime | None]]) -> list[Held]:
    return [Held(number, key, price, "hour", start, end) for number, (key, price, start, end) in enumerate(after)]


def test_a_rate_that_begins_ends_the_former_one() -> None:
    old = Held(1, KEYS[0], Decimal(1), "hour", _hour(0), None)
    new = Entry(2, *KEYS[0], Decimal(2), "hour", _hour(5), None)
    plan = revising.plan([old], [new])
    assert (plan.added, plan.ended, plan.replaced) == ((new,), (revising.Cut(old, ((_hour(0), _hour(5)),)),), ())
    assert plan.touched() == (_hour(5), None)


def test_a_price_for_a_while_lets_the_former_one_resume() -> None:
    old = Held(1, KEYS[0], Decimal(1), "hour", _hour(0), None)
    new = Entry(2, *KEYS[0], Decimal(2), "hour", _hour(5), _hour(7))
    assert revising.plan([old], [new]).cut == (revising.Cut(old, ((_hour(0), _hour(5)), (_hour(7), None))),)


def test_the_same_number_in_another_unit_is_another_price() -> None:
    old = Held(1, KEYS[0], Decimal(1), "hour", _hour(0), None)
    new = Entry(2, *KEYS[0], Decimal(1), "month", _hour(0), None)
    plan = revising.plan([old], [new])
    assert (plan.added, len(plan.replaced)) == ((new,), 1)


WORDS = {
    "instance_type": ("", "a", "b"),
    "region": ("", "eu"),
    "capacity_class": ("", "spot"),
    "storage_class": ("", "gp3"),
    "provider_id": ("", "i-1"),
}


@pytest.mark.parametrize("seed", range(400))
def test_what_is_unpriced_is_what_the_oracle_finds_no_rate_for(seed: int) -> None:
    chance = random.Random(seed)
    asset = chance.choice(("node", "node", "node", "volume", "load_balancer"))
    thing = matching.Thing(
        asset, **{name: chance.choice(words) for name, words in WORDS.items()}, has_gpu=chance.random() < 0.5
    )
    rates, prices = [], []
    for _number in range(chance.randrange(6)):
        columns: dict[str, Any] = {name: chance.choice(("", "", *words)) for name, words in WORDS.items()}
        start = chance.randrange(HOURS)
        end = chance.choice((None, start + chance.randrange(1, 12)))
        of = chance.choice((asset, asset, "core", "memory", "gpu"))
        rates.append(matching.Dated(of, **columns, start=_hour(start), end=None if end is None else _hour(end)))
        span = Period(_hour(start), _hour(10_000 if end is None else end))
        prices.append(model.Price(of, Decimal(1), model.Unit.HOUR, span, **columns))
    found = matching.gaps(thing, rates, _hour(0), _hour(HOURS))
    for number in range(HOURS):
        missing = next((gap.missing for gap in found if gap.start <= _hour(number) < gap.end), ())
        assert set(missing) == _missing(thing, prices, _hour(number))


def _missing(thing: matching.Thing, prices: list[model.Price], hour: datetime) -> set[str]:
    """Ask the oracle."""
    world = model.World(Period(MONTH, _hour(HOURS)), (), zone=ZoneInfo("UTC"), prices=tuple(prices))
    columns = {name: getattr(thing, name) for name in WORDS}
    key, book = model.PriceKey(thing.asset, **columns), oracle.PriceBook(world)
    if thing.asset != "node":
        found = book._find(thing.asset, "c", key, hour)
        return set() if found else {thing.asset}
    capacity = {model.Resource.CPU: 1, model.Resource.MEMORY: 1, model.Resource.GPU: 1}
    rates = book.node_rates("c", key, hour, oracle.NodeTotals(3600, capacity)).rates
    parts = {oracle.COMPONENTS[resource] for resource, rate in rates.items() if rate is None}
    needed = {"core", "memory", "gpu"} if thing.has_gpu else {"core", "memory"}
    return {"node"} if needed <= parts else parts & needed
