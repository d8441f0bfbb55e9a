"""The pool holds at every moment, whatever is lost, late, frozen or done twice."""

import random

import pytest

from clusters.quotas import moving
from tests.clusters.quotas.estate import Estate, Flaky, Late, MemoryBooks, OverThePool, World, populate


def world(seed: int, *, trouble: float = 0.4, count: int = 8) -> World:
    chance = random.Random(seed)
    estate = Estate({"requests.cpu": chance.randint(2_000, 20_000), "pods": chance.randint(count, 60)}, chance)
    books = MemoryBooks(estate, floor=1)
    populate(estate, books, count)
    return World(estate, books, trouble)


@pytest.mark.parametrize("seed", range(12))
def test_the_watcher_never_sees_more_than_the_pool(seed: int) -> None:
    this = world(seed)
    while this.steps < 10_000:
        this.work()
        this.happen()
    assert this.estate.writes > 100, "nothing moved"
    assert this.estate.peak["pods"] > this.estate.pool["pods"] // 2, "most of the pool was never given"


@pytest.mark.parametrize("seed", range(12))
def test_when_it_is_calm_the_pool_is_given_out_and_nothing_moves_any_more(seed: int) -> None:
    this = world(seed)
    while this.steps < 500:
        this.work()
        this.happen()
    this.calm()
    calm = Flaky(this.estate, lambda: None, 0)
    for _pass in range(20):
        moving.balance(this.books, calm)
    for key, share in this.books.shares.items():
        assert this.estate.objects[key].hard == share.granted
    for resource, most in this.estate.pool.items():
        given = sum(share.granted[resource] for share in this.books.shares.values())
        # What is less than a twentieth of a share is not moved.
        assert most * 0.9 - len(this.books.shares) <= given <= most


def test_a_lower_limit_that_was_not_confirmed_frees_nothing() -> None:
    """The proof that the watcher would see it: counting a lowering before its answer breaks the pool."""

    class Hasty(MemoryBooks):
        def begin(self, key, lower):  # type: ignore[no-untyped-def]
            move = super().begin(key, lower)
            if move is not None:
                self.shares[key].granted.update(move.hard)
            return move

    with pytest.raises(OverThePool):
        for seed in range(20):
            calm = world(seed)
            hasty = World(calm.estate, Hasty(calm.estate, 1, calm.books.shares), calm.trouble)
            while hasty.steps < 3_000:
                hasty.work()
                hasty.happen()


def test_a_late_raise_finds_another_version_because_every_write_leaves_a_mark() -> None:
    """The limit in the cluster is already what it is lowered to: without a mark nothing of the object would change."""
    for marked in (True, False):
        this = world(1, trouble=0, count=1)
        (key,) = this.estate.objects
        found, share = this.estate.objects[key], this.books.shares[key]
        found.hard, share.granted = {"requests.cpu": 5, "pods": 5}, {"requests.cpu": 10, "pods": 10}
        raised = Late(key, found.version, {"requests.cpu": 10, "pods": 10}, 7)
        door = Flaky(this.estate, lambda: None, 0)
        seen, move = door.read(key), this.books.begin(key, {"requests.cpu": 5, "pods": 5})
        assert seen is not None
        assert move is not None
        version = door.write(move if marked else moving.Move(key, found.mark, move.hard), seen)
        assert version is not None
        assert this.books.settle(move, version)
        assert this.estate.arrive(raised) is not marked
        assert (found.hard["pods"] > share.granted["pods"]) is not marked
