"""Reads about prices."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from billing.metering import selectors as metering
from billing.pricing.matching import Dated, Gap, Thing, gaps
from billing.pricing.models import KEY_FIELDS, BookCluster, PriceBook, Rate
from clusters.registry.models import Cluster, State
from portal.core.periods import floor_hour, month_start


class Version(NamedTuple):
    """Which prices hold for a cluster: a book and the number of its last change."""

    book_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class Unpriced:
    """What a price key of a cluster lacks, and for how long its things (`count`) were there without it."""

    cluster_id: UUID
    price_key_id: int
    thing: Thing
    missing: tuple[str, ...]
    start: datetime
    end: datetime
    count: int
    seconds: int


class _Found(NamedTuple):
    """A gap of a thing; `own` are the machines of its cluster with rates of their own, joined."""

    cluster_id: UUID
    price_key_id: int
    thing: Thing
    gap: Gap
    own: str


def zone() -> ZoneInfo:
    """Return the billing time zone."""
    return ZoneInfo(settings.BILLING_TIME_ZONE)


def open_month(at: datetime) -> datetime:
    """Return the first hour of the open month: the hour in which it begins in the billing time zone."""
    return floor_hour(month_start(at, zone()))


def books(cluster_ids: Collection[UUID]) -> dict[UUID, PriceBook]:
    """Return the book of each cluster that has one: the one that names it, else the one for all of its sort."""
    named = {
        one.cluster_id: one.book
        for one in BookCluster.objects.filter(cluster_id__in=cluster_ids).select_related("book")
    }
    for_all = {book.is_demo: book for book in PriceBook.objects.filter(all_clusters=True)}
    found: dict[UUID, PriceBook] = {}
    for cluster_id, is_demo in Cluster.objects.filter(pk__in=cluster_ids).values_list("pk", "is_demo"):
        book = named.get(cluster_id, for_all.get(is_demo))
        if book is not None and book.is_demo == is_demo:
            found[cluster_id] = book
    return found


def book_of(cluster_id: UUID) -> PriceBook | None:
    """Return the book a cluster is priced by."""
    return books([cluster_id]).get(cluster_id)


def prices_version(cluster_id: UUID) -> Version | None:
    """Return what changes whenever a price of the cluster may have changed; None where it has no book."""
    book = book_of(cluster_id)
    return None if book is None else Version(book.pk, book.version)


def rates(cluster_ids: Collection[UUID], start: datetime, end: datetime) -> dict[UUID, list[Rate]]:
    """Return for each cluster the rates of its book that hold at some time in [start, end)."""
    of_cluster = books(cluster_ids)
    of_book: dict[UUID, list[Rate]] = {book.pk: [] for book in of_cluster.values()}
    for rate in Rate.objects.filter(book_id__in=of_book, period__overlap=(start, end)).order_by("id"):
        of_book[rate.book_id].append(rate)
    return {
        cluster_id: of_book[of_cluster[cluster_id].pk] if cluster_id in of_cluster else [] for cluster_id in cluster_ids
    }


def own_provider_ids(cluster_id: UUID) -> list[str]:
    """Return the machines that have a rate of their own, at any time; `metering.own_keys` makes their price keys."""
    book = book_of(cluster_id)
    if book is None:
        return []
    own = Rate.objects.filter(book=book, asset__in=("node", "core", "memory", "gpu")).exclude(provider_id="")
    return list(own.order_by("provider_id").values_list("provider_id", flat=True).distinct())


def dated(book: PriceBook) -> list[Dated]:
    """Return the rates of a book for matching."""
    return [
        Dated(**dict(zip(KEY_FIELDS, key, strict=True)), start=period.lower, end=period.upper)
        for *key, period in Rate.objects.filter(book=book).values_list(*KEY_FIELDS, "period")
    ]


def unpriced(cluster_ids: Collection[UUID], *, start: datetime, at: datetime) -> list[Unpriced]:
    """Return what was measured in [start, at) without a price, by the books as they are."""
    of_cluster = books(cluster_ids)
    of_book = {book.pk: dated(book) for book in of_cluster.values()}
    return unpriced_by(
        {pk: of_book[of_cluster[pk].pk] if pk in of_cluster else [] for pk in cluster_ids}, start=start, at=at
    )


def unpriced_by(prices: Mapping[UUID, Sequence[Dated]], *, start: datetime, at: datetime) -> list[Unpriced]:
    """Return what would be without a price by the given rates of each cluster."""
    found: list[_Found] = []
    counted = metering.counted(list(prices), at)
    for cluster_id, known in prices.items():
        end = counted[cluster_id] or at
        own = {rate.provider_id for rate in known if rate.provider_id and rate.asset != "fee"}
        for price_key_id, thing in _things(cluster_id, own, start, end):
            lacking = gaps(thing, known, start, end)
            found += [_Found(cluster_id, price_key_id, thing, gap, "\x1f".join(sorted(own))) for gap in lacking]
    return _measured(found)


_THINGS = """
SELECT s.price_key_id, k.asset, k.instance_type, k.region, k.capacity_class, k.storage_class,
       CASE WHEN s.provider_id = ANY(%(own)s) THEN s.provider_id ELSE '' END, bool_or(s.gpu_m > 0)
FROM segment s JOIN price_key k ON k.id = s.price_key_id
WHERE s.cluster_id = %(cluster)s AND s.starts_at < %(end)s AND (s.ends_at IS NULL OR s.ends_at > %(start)s)
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1, 7"""


def _things(cluster_id: UUID, own: Iterable[str], start: datetime, end: datetime) -> list[tuple[int, Thing]]:
    with connection.cursor() as cursor:
        cursor.execute(_THINGS, {"cluster": cluster_id, "own": sorted(own), "start": start, "end": end})
        return [(key, Thing(*columns)) for key, *columns in cursor.fetchall()]


_MEASURED = """
SELECT gap.number, count(DISTINCT s.uid),
       sum(extract(epoch FROM LEAST(COALESCE(s.ends_at, gap.until), gap.until) - GREATEST(s.starts_at, gap.since)))
FROM unnest(%s::int[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
     AS gap(number, cluster_id, price_key_id, provider_id, own, since, until)
JOIN segment s ON s.cluster_id = gap.cluster_id AND s.price_key_id = gap.price_key_id
    AND s.starts_at < gap.until AND (s.ends_at IS NULL OR s.ends_at > gap.since)
    AND CASE WHEN gap.provider_id = '' THEN s.provider_id <> ALL(string_to_array(gap.own, chr(31)))
        ELSE s.provider_id = gap.provider_id END
GROUP BY gap.number"""


def _measured(found: Sequence[_Found]) -> list[Unpriced]:
    """Add how many things were there, and for how many seconds together."""
    if not found:
        return []
    columns: list[list[object]] = [
        list(range(len(found))),
        [one.cluster_id for one in found],
        [one.price_key_id for one in found],
        [one.thing.provider_id for one in found],
        [one.own for one in found],
        [one.gap.start for one in found],
        [one.gap.end for one in found],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, columns)
        sums = {number: (count, int(seconds)) for number, count, seconds in cursor.fetchall()}
    return [
        Unpriced(
            one.cluster_id, one.price_key_id, one.thing, one.gap.missing, one.gap.start, one.gap.end, *sums[number]
        )
        for number, one in enumerate(found)
        if number in sums
    ]


def clusters_seen(cluster_ids: Collection[UUID] | None = None) -> dict[UUID, str]:
    """Return the names of the clusters that are or were attached, all of them or those given."""
    known = Cluster.objects.exclude(state=State.CANDIDATE)
    if cluster_ids is not None:
        known = known.filter(pk__in=cluster_ids)
    return dict(known.order_by("name").values_list("pk", "name"))
