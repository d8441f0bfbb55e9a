"""Writes of the room: closing hours, and forgetting what is kept for a week."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max
from django.utils.translation import gettext as _

from billing.ledger import due
from billing.ledger.allocation import METHOD_VERSION
from billing.ledger.close import amounts, charging, prices, rows, spans, storing, tenancy
from billing.ledger.models import (
    AssetHour,
    CostDay,
    CostHour,
    CostMonth,
    CostProjectDay,
    CostRun,
    CostWorkloadDay,
    PodHour,
    RunState,
    SharedNamespace,
)
from billing.metering import folding
from billing.metering import selectors as metering
from billing.metering import services as measuring
from billing.metering.models import EndFlag, Segment
from billing.pricing.models import Asset, PriceBook, Rate
from clusters.registry.models import Cluster, State
from portal.core import errors, periods
from portal.core.periods import HOUR, Period
from portal.jobs.runner import JobRun

# What one transaction takes on: hours, and pod-hours.
LONGEST = 48
MOST_THINGS = 500_000
# Starts and ends are told a little later than they happen: so long after its end an hour is confirmed for good.
SETTLES = timedelta(minutes=2)
# With more charges than this, pods' and workloads' parts of the running hour wait for its end: writing them anew
# every five minutes costs more than all the rest.
MOST_RUNNING = 20_000
# What each pod took of an hour is kept this long.
POD_DAYS = timedelta(days=7)
# The first key of the advisory locks that let one close of a cluster and month run at a time.
LOCK = 6_302
ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(slots=True)
class Closed:
    """What a close did; `counted_to` is None where the cluster has never been read whole."""

    hours: int = 0
    final: int = 0
    counted_to: datetime | None = None

    def as_result(self) -> dict[str, object]:
        """Return the figures for a job's row."""
        counted_to = None if self.counted_to is None else self.counted_to.isoformat()
        return {"hours": self.hours, "final": self.final, "counted_to": counted_to}


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Hours closed in one transaction; `whole_days` where the pods' hours are no longer kept."""

    hours: Period
    old: bool


def close_range(*, cluster_id: UUID, start: datetime, end: datetime, at: datetime, run: JobRun | None = None) -> Closed:
    """Close the hours [start, end) of a cluster with what is known at `at`; once more changes nothing.

    Each hour is counted up to where the cluster's charged streams were confirmed, and is final when all were confirmed
    `SETTLES` after its end. Long ranges take several transactions; hours older than a week are closed by whole billing
    days.
    Raises `Refused` for ends inside an hour and for hours that have not begun.
    """
    _demand_one_currency()
    cluster = Cluster.objects.get(pk=cluster_id)
    asked = _closable(Period(start, end), at)
    done = Closed()
    for chunk in _chunks(cluster, asked, at):
        if run is not None:
            run.progress(done.hours, max(done.hours, asked.seconds // 3600), _("Closing hours"))
        with transaction.atomic(), connection.cursor() as cursor:
            _close(cursor, cluster, chunk, at, done)
    return done


def first_part(start: datetime, end: datetime) -> datetime:
    """Return where the first two billing days of a range of hours end, so that a job can stop there."""
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    day = periods.billing_day(start + HOUR, zone) + timedelta(days=2)
    return min(end, periods.ceil_hour(periods.day_start(day, zone)))


def _demand_one_currency() -> None:
    """Refuse to count in another currency, or by other days, than what is stored. Raises `Conflict`."""
    last = CostRun.objects.order_by("-id").values_list("currency", "time_zone").first()
    if last is not None and last != (settings.CURRENCY, settings.BILLING_TIME_ZONE):
        text = _("Cost is stored in %(currency)s and by days of %(zone)s; the settings must say the same.")
        raise errors.Conflict.one("", text % {"currency": last[0], "zone": last[1]})


def _closable(asked: Period, at: datetime) -> Period:
    """Return the hours of a range that have begun. The place where closed months will be refused."""
    if any(instant != periods.floor_hour(instant) for instant in (asked.start, asked.end)):
        raise errors.Refused.one("", _("Only whole hours can be closed."))
    if asked.start >= asked.end or asked.start > at:
        raise errors.Refused.one("", _("These hours have not begun."))
    return Period(asked.start, min(asked.end, periods.ceil_hour(at + timedelta(seconds=1))))


def _chunks(cluster: Cluster, asked: Period, at: datetime) -> Iterator[_Chunk]:
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    kept_from = periods.ceil_hour(periods.day_start(periods.billing_day(at - POD_DAYS, zone), zone))
    start = asked.start
    if start < kept_from:
        first = metering.first_measured([cluster.pk]).get(cluster.pk, start)
        day = periods.floor_hour(periods.day_start(periods.billing_day(start, zone), zone))
        start = min(start, max(day, periods.floor_hour(first)))
    while start < asked.end:
        if start < kept_from:
            end = first_part(start, kept_from)
            yield _Chunk(Period(start, end), old=True)
        else:
            most = 1 if asked.end - start <= HOUR else _hours_at_once(cluster.pk, start)
            end = min(asked.end, start + most * HOUR)
            yield _Chunk(Period(start, end), old=False)
        start = end


def _hours_at_once(cluster_id: UUID, start: datetime) -> int:
    touched = Segment.objects.filter(cluster_id=cluster_id, starts_at__lt=start + HOUR)
    things = touched.filter(ends_at=None).count() + touched.filter(ends_at__gt=start).count()
    return max(1, min(LONGEST, MOST_THINGS // max(1, things)))


def _close(cursor: CursorWrapper, cluster: Cluster, chunk: _Chunk, at: datetime, done: Closed) -> None:
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    _lock(cursor, cluster.pk, chunk.hours, zone)
    book, own = _prices_of(cluster)
    if own:
        measuring.own_keys(cluster_id=cluster.pk, provider_ids=own)
    known = metering.counted_to(cluster.pk, at)
    done.counted_to = known
    counted_to = max(chunk.hours.start, min(chunk.hours.end, known or chunk.hours.start))
    charges = _work_out(cursor, cluster, Period(chunk.hours.start, counted_to), book, own, zone)
    running = periods.floor_hour(at)
    split = storing.Split(
        to=running if charges > MOST_RUNNING else chunk.hours.end,
        whole_days=_whole_days(chunk.hours, zone) if chunk.old else None,
    )
    storing.write(cursor, cluster.pk, chunk.hours, split)
    runs = list(_runs(cluster, chunk.hours, known, at))
    method = storing.Method(settings.CURRENCY, settings.BILLING_TIME_ZONE, METHOD_VERSION, book.id, book.version, at)
    storing.write_runs(cursor, cluster.pk, runs, method)
    done.hours += len(runs)
    done.final += sum(run.state == RunState.FINAL for run in runs)


def _whole_days(hours: Period, zone: ZoneInfo) -> list[date]:
    """Return the billing days that end in these hours, but for one that merely ends in the first: it came before."""
    days = sorted({periods.billing_day(hour.start, zone) for hour in periods.hours(hours)})
    ends = {day: periods.day_start(day + timedelta(days=1), zone) for day in days}
    return [day for day in days if hours.start + HOUR <= ends[day] <= hours.end]


def _lock(cursor: CursorWrapper, cluster_id: UUID, hours: Period, zone: ZoneInfo) -> None:
    """Wait for other closes of the months touched, then for the fold, so that segments stand still meanwhile."""
    last = hours.end - timedelta(seconds=1)
    for month in sorted({periods.billing_day(one, zone).replace(day=1) for one in (hours.start, last)}):
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, f"{cluster_id} {month}"])
    folding.lock(cursor, cluster_id)
    # Compiling plans pays off for none of the steps, a rough idea of the temporary tables is enough, and sorts of a
    # large cluster's pods stay in memory
    cursor.execute("SET LOCAL jit = off; SET LOCAL default_statistics_target = 10; SET LOCAL work_mem = '96MB'")


def _prices_of(cluster: Cluster) -> tuple[prices.Book, list[str]]:
    """Return the cluster's price book and the machines that have rates of their own in it."""
    found = PriceBook.objects.serving(cluster).first()
    if found is None:
        return prices.Book(), []
    rates = Rate.objects.filter(book=found).exclude(provider_id="").exclude(asset=Asset.FEE)
    own = sorted(set(rates.values_list("provider_id", flat=True)))
    return prices.Book(found.pk, found.version, found.cpu_ratio, found.memory_ratio, found.gpu_ratio), own


def _work_out(
    cursor: CursorWrapper, cluster: Cluster, counted: Period, book: prices.Book, own: list[str], zone: ZoneInfo
) -> int:
    """Fill the temporary tables; a span of no length leaves them empty. Returns how many charges there are."""
    spans.write(cursor, spans.cut(counted, zone), book.id)
    tenancy.write(cursor, cluster.pk, counted)
    charges = charging.write(cursor, cluster.pk, counted, own)
    rows.write(cursor, book.id, counted, _lives(cluster))
    prices.write(cursor, book)
    amounts.write(cursor)
    return charges


def _lives(cluster: Cluster) -> list[Period]:
    """Return when the cluster was attached, as far as it matters to fees: the gap before its last return is left out.

    What is known of the time before it was first attached is charged like any other.
    """
    if cluster.state == State.DETACHED:
        return [Period(ALWAYS[0], cluster.detached_at or ALWAYS[1])]
    left = Segment.objects.filter(
        cluster=cluster, end_flag=EndFlag.DETACHED, ends_at__lte=cluster.attached_at or ALWAYS[0]
    ).aggregate(left=Max("ends_at"))["left"]
    if left is None or cluster.attached_at is None:
        return [Period(*ALWAYS)]
    return [Period(ALWAYS[0], left), Period(cluster.attached_at, ALWAYS[1])]


def _runs(cluster: Cluster, hours: Period, known: datetime | None, at: datetime) -> Iterator[storing.HourRun]:
    counted_to = max(hours.start, known or hours.start)
    gone = cluster.detached_at if cluster.state == State.DETACHED else None
    ended = gone is not None and not due.measuring(cluster.pk)
    bound = min(at, gone) if gone is not None else at
    for hour in periods.hours(hours):
        passed = hour.clip(Period(hours.start, max(hours.start, bound)))
        if passed is None:
            continue
        counted = hour.clip(Period(hours.start, counted_to))
        final = ended or counted_to >= hour.end + SETTLES
        yield storing.HourRun(
            hour=hour.start,
            state=RunState.FINAL if final else RunState.PROVISIONAL,
            counted_to=max(hour.start, min(hour.end, counted_to)),
            counted_seconds=counted.seconds if counted else 0,
            due_seconds=passed.seconds,
        )


def forget(*, at: datetime) -> int:
    """Delete what each pod took of hours that nothing reads any more. Returns how many rows."""
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    # A day more than the close needs, so that a close that began before midnight still finds its rows
    first = periods.day_start(periods.billing_day(at - POD_DAYS - timedelta(days=1), zone), zone)
    deleted, _by_model = PodHour.objects.filter(hour__lt=periods.floor_hour(first)).delete()
    return deleted


def erase(*, cluster_ids: list[UUID]) -> None:
    """Remove every ledger row of clusters that are about to be erased (the demo's)."""
    for model in (
        AssetHour,
        PodHour,
        CostHour,
        CostDay,
        CostProjectDay,
        CostMonth,
        CostWorkloadDay,
        CostRun,
        SharedNamespace,
    ):
        model._default_manager.filter(cluster_id__in=cluster_ids).delete()
