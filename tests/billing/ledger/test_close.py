"""What must hold of any close: repeats, splits, moves, late knowledge, states, rollups and threads."""

import dataclasses
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from billing.ledger import services
from billing.ledger.allocation import model
from billing.ledger.models import CostHour, CostRun, CostWorkloadDay, PodHour, RunState
from billing.metering.models import Segment
from billing.pricing.models import PriceBook, Rate
from clusters.registry.models import Cluster, State
from portal.core import errors, periods
from portal.core.periods import HOUR, Period
from tests.billing.ledger import stored, tables, vectors, worlds

SHAPE = worlds.Shape(beyond_sql=False, hours=6)
ZERO = Decimal(0)


def load(seed: int = 3, shape: worlds.Shape = SHAPE) -> tables.Loaded:
    world = worlds.read(worlds.make(seed, shape))
    window = Period(periods.floor_hour(world.window.start), world.window.end)
    return tables.load(dataclasses.replace(world, window=window))


def close(loaded: tables.Loaded, start: datetime | None = None, end: datetime | None = None, **more: Any) -> None:
    window = loaded.world.window
    for cluster_id in loaded.clusters.values():
        services.close_range(
            cluster_id=cluster_id,
            start=start or window.start,
            end=end or periods.ceil_hour(window.end),
            at=more.get("at", window.end),
        )


def amount(**wanted: Any) -> Decimal:
    return sum((row.amount or ZERO for row in CostHour.objects.filter(**wanted)), ZERO)


@pytest.mark.django_db
def test_again_changes_nothing() -> None:
    loaded = load()
    close(loaded)
    before = stored.everything()
    close(loaded)
    assert stored.everything() == before
    assert set(CostRun.objects.values_list("number", flat=True)) == {2}


@pytest.mark.django_db
def test_splitting_a_range_changes_nothing() -> None:
    loaded = load()
    close(loaded)
    whole = stored.everything()
    window = loaded.world.window
    for hour in reversed(list(periods.hours(window))):
        close(loaded, hour.start, hour.end)
    assert stored.everything() == whole


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_rollups_after_random_recomputations(seed: int) -> None:
    """Prices and segments change between closes of random ranges, some of them older than pods' hours are kept."""
    dice = random.Random(seed)
    loaded = load(seed, dataclasses.replace(SHAPE, hours=60, pods=8))
    window = loaded.world.window
    now = window.end
    close(loaded)
    for _round in range(6):
        first, last = sorted(dice.sample(list(periods.hours(window)), 2))
        now += timedelta(days=dice.choice([0, 1, 3]))
        rate = dice.choice(Rate.objects.order_by("pk"))
        pod = dice.choice(Segment.objects.filter(kind="pod").order_by("pk"))
        Rate.objects.filter(pk=rate.pk).update(price=dice.randrange(99))
        Segment.objects.filter(pk=pod.pk).update(cpu_m=dice.randrange(9), memory_bytes=dice.randrange(2**33))
        services.forget(at=now)
        close(loaded, first.start, last.end, at=now)
        stored.assert_rollups_hold()
    # Once more as a whole: what a single close of today's knowledge gives
    close(loaded, at=now)
    stored.assert_rollups_hold()


@pytest.mark.django_db
def test_pods_add_up_and_are_forgotten() -> None:
    loaded = load()
    close(loaded)
    stored.assert_pods_hold()
    assert PodHour.objects.exists()
    rows = CostHour.objects.count()
    work = CostWorkloadDay.objects.count()
    services.forget(at=loaded.world.window.end + timedelta(days=9))
    assert not PodHour.objects.exists()
    assert (CostHour.objects.count(), CostWorkloadDay.objects.count()) == (rows, work)


@pytest.mark.django_db
def test_the_past_is_closed_without_pods_hours() -> None:
    loaded = load()
    late = loaded.world.window.end + timedelta(days=30)
    close(loaded, at=late)
    assert not PodHour.objects.exists()
    stored.assert_rollups_hold()
    close(loaded, loaded.world.window.start + HOUR, loaded.world.window.start + 2 * HOUR, at=late)
    stored.assert_rollups_hold()


@pytest.mark.django_db
def test_a_large_cluster_splits_the_running_hour_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and rollups are there all the time; pods' and workloads' parts follow for hours that have ended."""
    monkeypatch.setattr(services, "MOST_RUNNING", 0)
    loaded = tables.load(simple())
    half = DAY + timedelta(minutes=90)
    tables.confirm(loaded.clusters["c"], half)
    close(loaded, DAY, DAY + 2 * HOUR, at=half)
    assert amount() == 5400
    assert set(PodHour.objects.values_list("hour", flat=True)) == {DAY}
    assert CostWorkloadDay.objects.get().amount == 3600
    tables.confirm(loaded.clusters["c"], DAY + 2 * HOUR)
    close(loaded, DAY + HOUR, DAY + 2 * HOUR, at=DAY + 2 * HOUR)
    stored.assert_rollups_hold()
    stored.assert_pods_hold()


def vector(written: dict[str, Any]) -> tables.Loaded:
    """Load a vector without what the SQL leaves out: network and rules."""
    return tables.load(dataclasses.replace(vectors.read(written), network=(), rules=()))


@pytest.mark.django_db
def test_vectors_of_twelve_containers() -> None:
    """By cluster 40 and 30, by namespace 25, 30 and 15, idle 30: the sums less the network's 12."""
    loaded = vector(vectors.twelve_containers(shared=[]))
    close(loaded)
    clusters = {name: amount(cluster_id=key, kind="workload") for name, key in loaded.clusters.items()}
    assert clusters == {"c1": 40, "c2": 30}
    namespaces = {name: amount(namespace_uid=name, kind="workload") for name in ("ns1", "ns2", "ns3")}
    assert namespaces == {"ns1": 25, "ns2": 30, "ns3": 15}
    assert amount(kind="idle") == 30
    assert amount() == 100


@pytest.mark.django_db
def test_worked_example_direct_columns() -> None:
    """The direct columns of the worked example: its usage is given as what is charged."""
    written = vectors.worked_example("hour")
    noon = vectors.at("12:30")
    written["segments"] = [
        vectors.segment("alpha", 1, 2),
        vectors.segment("beta", 1.5, 3, **{"from": vectors.at("06:30"), "to": noon}),
        vectors.segment("beta", 0.5, 1, **{"from": noon, "to": vectors.at("18:30")}),
        vectors.segment("gamma", 0.25, 0.5),
        vectors.segment("kube-system", 0.5, 1),
    ]
    loaded = vector(written)
    close(loaded)
    places = Decimal("0.000001")

    def column(name: str, **wanted: Any) -> Decimal:
        rows = CostHour.objects.filter(**wanted)
        return sum((getattr(row, name) for row in rows), ZERO).quantize(places)

    expected = {
        "alpha": ("0.749930", "0.201035", "0.131507", "0.600000"),
        "beta": ("0.374965", "0.100517", "0.000000", "0.000000"),
        "gamma": ("0.187483", "0.050259", "0.000000", "0.000000"),
        "kube-system": ("0.374965", "0.100517", "0.000000", "0.000000"),
    }
    columns = ("cpu_amount", "memory_amount", "storage_amount", "units_amount")
    for namespace, amounts in expected.items():
        assert [str(column(one, namespace_uid=namespace)) for one in columns] == list(amounts), namespace
    assert str(column("cpu_amount", kind="idle")) == "1.312378"
    assert str(column("memory_amount", kind="idle")) == "1.155950"
    assert column("fee_amount", kind="fee") == Decimal("2.4")
    assert column("amount") == Decimal("7.739507")
    assert set(CostHour.objects.filter(shared=True).values_list("namespace_uid", "kind")) == {
        ("kube-system", "workload"),
        ("", "fee"),
    }


DAY = datetime(2025, 3, 3, tzinfo=UTC)


def simple(**more: Any) -> model.World:
    """One node of one core at 3600 an hour, all of it taken by one pod of team blue."""
    given: dict[str, Any] = {
        "window": Period(DAY, DAY + 2 * HOUR),
        "clusters": (model.Cluster("c"),),
        "nodes": (model.Node("c", "n", model.ALWAYS, model.Amounts(1000, 2**30), model.Amounts(1000, 2**30)),),
        "segments": (model.Segment("c", "p", "ns", model.ALWAYS, model.Amounts(1000, 2**30), "n"),),
        "prices": (
            model.Price("core", Decimal(3600), model.Unit.HOUR),
            model.Price("memory", Decimal(0), model.Unit.HOUR),
        ),
        "memberships": (model.Membership("c", "ns", "shop"),),
        "projects": (model.ProjectOwner("shop", "blue"),),
    }
    return model.World(**{**given, **more})


@pytest.mark.django_db
def test_a_namespace_moved_inside_an_hour() -> None:
    """Before and after the move add up to the hour; each team pays its seconds."""
    moved = DAY + timedelta(minutes=20, seconds=7)
    world = simple(
        memberships=(
            model.Membership("c", "ns", "shop", Period(model.ALWAYS.start, moved)),
            model.Membership("c", "ns", "lab", Period(moved, model.ALWAYS.end)),
        ),
        projects=(model.ProjectOwner("shop", "blue"), model.ProjectOwner("lab", "red")),
    )
    loaded = tables.load(world)
    close(loaded)
    assert amount(team_id=loaded.teams["blue"]) == 1207
    assert amount(team_id=loaded.teams["red"]) == 7200 - 1207
    parts = CostHour.objects.filter(hour=DAY).order_by("starts_at").values_list("starts_at", "ends_at")
    assert list(parts) == [(DAY, moved), (moved, DAY + HOUR)]


@pytest.mark.django_db
def test_a_price_changes_at_an_hour() -> None:
    later = DAY + HOUR
    loaded = tables.load(
        simple(
            prices=(
                model.Price("core", Decimal(3600), model.Unit.HOUR, Period(model.ALWAYS.start, later)),
                model.Price("core", Decimal(7200), model.Unit.HOUR, Period(later, model.ALWAYS.end)),
                model.Price("memory", Decimal(0), model.Unit.HOUR),
            )
        )
    )
    close(loaded)
    assert [amount(hour=DAY), amount(hour=later)] == [3600, 7200]


@pytest.mark.django_db
def test_a_price_that_comes_late() -> None:
    """What has no price is unpriced, never zero; once the price is there the hours are closed anew."""
    loaded = tables.load(simple(prices=()))
    close(loaded)
    row = CostHour.objects.filter(kind="workload").first()
    assert row is not None and row.amount is None and row.cpu_amount is None and row.cpu_q == 3_600_000
    book = PriceBook.objects.get()
    for asset, price in (("core", 3600), ("memory", 0)):
        Rate.objects.create(book=book, asset=asset, price=price, unit="hour", period=(DAY, None), version=2)
    close(loaded)
    assert amount() == 7200
    stored.assert_rollups_hold()
    assert not CostHour.objects.filter(amount=None).exists()


@pytest.mark.django_db
def test_the_running_hour_is_provisional_up_to_the_last_confirmation() -> None:
    loaded = tables.load(simple())
    cluster_id = loaded.clusters["c"]
    confirmed, now = DAY + timedelta(minutes=70), DAY + timedelta(minutes=80)
    tables.confirm(cluster_id, confirmed)
    close(loaded, DAY, DAY + 2 * HOUR, at=now)
    first, second = CostRun.objects.order_by("hour")
    assert (first.state, first.counted_to, first.counted_seconds, first.due_seconds) == (
        RunState.FINAL,
        DAY + HOUR,
        3600,
        3600,
    )
    assert (second.state, second.counted_to, second.counted_seconds, second.due_seconds) == (
        RunState.PROVISIONAL,
        confirmed,
        600,
        1200,
    )
    assert amount() == 4200
    # Nobody answers any more: nothing is added, and the coverage falls.
    close(loaded, DAY, DAY + 4 * HOUR, at=DAY + 3 * HOUR + timedelta(minutes=30))
    assert amount() == 4200
    assert [run.counted_seconds for run in CostRun.objects.order_by("hour")] == [3600, 600, 0, 0]
    assert [run.due_seconds for run in CostRun.objects.order_by("hour")] == [3600, 3600, 3600, 1800]
    assert set(CostRun.objects.filter(hour__gt=DAY).values_list("state", flat=True)) == {RunState.PROVISIONAL}
    # It answers again: the hours are caught up with.
    tables.confirm(cluster_id, DAY + 4 * HOUR)
    close(loaded, DAY + HOUR, DAY + 4 * HOUR, at=DAY + 4 * HOUR)
    assert amount() == 4 * 3600
    # The last hour waits a little for what is told late.
    final, provisional = RunState.FINAL, RunState.PROVISIONAL
    assert [run.state for run in CostRun.objects.order_by("hour")] == [final, final, final, provisional]
    later = DAY + 4 * HOUR + services.SETTLES
    tables.confirm(cluster_id, later)
    close(loaded, DAY + 3 * HOUR, DAY + 4 * HOUR, at=later)
    assert set(CostRun.objects.values_list("state", flat=True)) == {final}
    assert amount() == 4 * 3600


@pytest.mark.django_db
def test_a_detached_cluster_becomes_final() -> None:
    loaded = tables.load(simple())
    cluster_id = loaded.clusters["c"]
    left = DAY + timedelta(minutes=90)
    Cluster.objects.filter(pk=cluster_id).update(state=State.DETACHED, detached_at=left, credential="")
    close(loaded, DAY, DAY + 4 * HOUR, at=DAY + 4 * HOUR)
    assert [run.state for run in CostRun.objects.order_by("hour")] == [RunState.FINAL, RunState.PROVISIONAL]
    Segment.objects.update(ends_at=left, end_flag="detached")
    close(loaded, DAY, DAY + 4 * HOUR, at=DAY + 4 * HOUR)
    assert [run.state for run in CostRun.objects.order_by("hour")] == [RunState.FINAL, RunState.FINAL]
    assert amount() == 5400


@pytest.mark.django_db
def test_a_cluster_that_was_never_read_counts_nothing() -> None:
    cluster = tables.cluster_row("silent")
    done = services.close_range(cluster_id=cluster.pk, start=DAY, end=DAY + HOUR, at=DAY + HOUR)
    assert done.counted_to is None
    assert list(CostRun.objects.values_list("counted_seconds", "due_seconds")) == [(0, 3600)]
    assert not CostHour.objects.exists()


@pytest.mark.django_db
def test_refused_ranges() -> None:
    cluster = tables.cluster_row("c")
    for start, end in (
        (DAY + timedelta(minutes=1), DAY + HOUR),
        (DAY, DAY + timedelta(minutes=59)),
        (DAY, DAY),
        (DAY + 3 * HOUR, DAY + 4 * HOUR),
    ):
        with pytest.raises(errors.Refused):
            services.close_range(cluster_id=cluster.pk, start=start, end=end, at=DAY + 2 * HOUR)


@pytest.mark.django_db(transaction=True)
def test_eight_threads_with_overlapping_ranges() -> None:
    """Whatever order they come in, the tables hold what one run gives."""
    loaded = load()
    close(loaded)
    expected = stored.everything()
    services.erase(cluster_ids=list(loaded.clusters.values()))
    hours = list(periods.hours(loaded.world.window))
    failures: list[BaseException] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        try:
            barrier.wait()
            close(loaded, hours[number % 3].start, hours[-1 - number % 2].end)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    _together([lambda number=number: work(number) for number in range(8)])  # type: ignore[misc]
    assert not failures
    close(loaded, hours[-1].start, hours[-1].end)
    assert stored.everything() == expected


def _together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
