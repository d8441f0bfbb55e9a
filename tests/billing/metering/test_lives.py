"""Properties of the rule on random stories."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from billing.metering.lives import DETACHED, MISSED, Measure, Sighting, Thing
from billing.metering.models import Segment
from clusters.registry.models import Cluster
from tests.billing.metering.feed import START, attach, fold, image, tell

STORIES = 400


def _minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def _story(chance: random.Random) -> list[Sighting]:
    """Return sightings in the order of their writing, as an inventory writes them: now and then out of order."""
    told, now, start = [], 0, chance.randrange(5)
    for _step in range(chance.randrange(1, 12)):
        now = max(now + chance.choice((-3, 0, 0, 1, 2, 7)), 0)
        ended = chance.choice((None, None, None, max(now - chance.randrange(4), 0)))
        told.append(
            Sighting(
                kind="pod",
                uid="p",
                name="p",
                observed_at=_minute(now),
                started_at=_minute(chance.choice((start, start, now))),
                ended_at=None if ended is None else _minute(ended),
                end_flag=chance.choice(("", MISSED)) if ended is not None else "",
                measure=Measure(cpu_m=chance.choice((100, 100, 200)), node_name="n", node_uid=chance.choice(("", "u"))),
            )
        )
    return told


@pytest.mark.parametrize("seed", range(STORIES))
def test_segments_of_a_thing_never_overlap(seed: int) -> None:
    chance = random.Random(seed)
    thing = Thing("pod", "p")
    for seen in _story(chance):
        thing.take_in(seen)
        if chance.random() < 0.1:
            thing.close(seen.observed_at, DETACHED)
        for one in thing.lives:
            assert one.ends_at is None or one.starts_at < one.ends_at
        for one, following in zip(thing.lives, thing.lives[1:], strict=False):
            assert one.ends_at is not None
            assert one.ends_at <= following.starts_at


@pytest.mark.parametrize("seed", range(STORIES))
def test_telling_a_story_twice_changes_nothing(seed: int) -> None:
    """Where each sighting has an instant of its own and ends lie after the first start, as a cluster's do."""
    chance = random.Random(seed)
    now, story = 1, []
    for seen in _story(chance):
        now += chance.randrange(1, 9)
        ended = None if seen.ended_at is None else _minute(now - chance.randrange(2))
        story.append(replace(seen, observed_at=_minute(now), started_at=_minute(0), ended_at=ended))
    once, twice = Thing("pod", "p"), Thing("pod", "p")
    for seen in story:
        once.take_in(seen)
    for seen in [*story, *story]:
        twice.take_in(seen)
    assert once == twice
    assert once.lives


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(12))
def test_folding_in_batches_is_folding_at_once(seed: int) -> None:
    whole, parted = attach("whole"), attach("parted")
    chance = random.Random(seed)
    stories = {f"p-{number}": _story(chance) for number in range(8)}
    turns = [(uid, seen) for uid, story in stories.items() for seen in story]
    order = sorted(range(len(turns)), key=lambda at: (turns[at][1].observed_at, at))
    for cluster in (whole, parted):
        for at in order:
            _tell(cluster, *turns[at])
    tell(parted, "node", "u", 3, name="n", start=0)
    tell(whole, "node", "u", 3, name="n", start=0)
    fold(whole)
    fold(parted, batch=chance.choice((1, 2, 5)))
    assert [row[1:] for row in _without_cluster(whole)] == [row[1:] for row in _without_cluster(parted)]
    assert Segment.objects.filter(cluster=whole).exists()


def _tell(cluster: Cluster, uid: str, seen: Sighting) -> None:
    fact = tell(cluster, "pod", uid, 0, cpu_m=seen.measure.cpu_m, node_name="n", node_uid=seen.measure.node_uid)
    fact.observed_at, fact.started_at = seen.observed_at, seen.started_at
    fact.ended_at, fact.end_flag = seen.ended_at, seen.end_flag
    fact.save()


def _without_cluster(cluster: Cluster) -> list[tuple[object, ...]]:
    return sorted(((0, *(value for value in row if value != cluster.pk)) for row in image(cluster)), key=repr)
