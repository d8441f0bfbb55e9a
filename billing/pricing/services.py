"""Writes of prices: books, imports, and having the touched hours closed again."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from billing.metering import selectors as metering
from billing.pricing import importing
from billing.pricing.importing import Preview
from billing.pricing.models import BookCluster, PriceBook, Rate
from billing.pricing.revising import Held, Plan, Span
from billing.pricing.sheet import Entry
from clusters.registry.models import Cluster, State
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import SYSTEM, Actor
from portal.core.models import validate
from portal.core.periods import ceil_hour, floor_hour
from portal.jobs import services as jobs

LONGEST_SLUG = 63
# An audit event names this many rates of each sort; the counts are of all.
TOLD = 20


@dataclass(frozen=True)
class Ratios:
    """How the price of a whole node is split: per core, GiB and GPU. Only their proportion matters."""

    cpu: Decimal = Decimal("0.031611")
    memory: Decimal = Decimal("0.004237")
    gpu: Decimal = Decimal("0.95")


USUAL = Ratios()


def create_book(
    *,
    name: str,
    all_clusters: bool,
    clusters: Iterable[Cluster] = (),
    ratios: Ratios = USUAL,
    is_demo: bool = False,
    by: Actor,
    at: datetime,
) -> PriceBook:
    """Open a price book in the currency of the installation.

    Raises `Refused` at "name", "all_clusters" (another book is for all) or "clusters" (served by another book).
    """
    cleaned = " ".join(name.split())
    book = PriceBook(
        name=cleaned, currency=settings.CURRENCY, all_clusters=all_clusters, is_demo=is_demo, created_at=at
    )
    book.slug = _free_slug(cleaned)
    _put_ratios(book, ratios)
    served = list(clusters)
    try:
        with transaction.atomic():
            _demand_free(book, served)
            validate(book)
            book.save(force_insert=True)
            _serve(book, served)
            audit.record("pricing.book.create", by=by, on=book.as_subject(), after=_image(book))
            _reprice(book, book.cluster_ids(), (None, None), at)
    except IntegrityError:
        raise errors.Conflict.one("", _("Another price book was changed at the same moment. Try again.")) from None
    return book


def change_book(
    *,
    book: PriceBook,
    name: str,
    all_clusters: bool,
    clusters: Iterable[Cluster],
    ratios: Ratios,
    by: Actor,
    at: datetime,
) -> PriceBook:
    """Rename a book, change whom it serves or how it splits nodes; open hours of all concerned are closed again.

    Raises `Refused` as `create_book` does.
    """
    served = list(clusters)
    try:
        with transaction.atomic():
            locked = PriceBook.objects.select_for_update().get(pk=book.pk)
            before, concerned = _image(locked), set(locked.cluster_ids())
            locked.name, locked.all_clusters = " ".join(name.split()), all_clusters
            _put_ratios(locked, ratios)
            _demand_free(locked, served)
            validate(locked)
            locked.serves.all().delete()
            _serve(locked, served)
            after = _image(locked)
            if after != before:
                renamed_only = {**before, "name": ""} == {**after, "name": ""}
                locked.version += 0 if renamed_only else 1
                locked.save()
                audit.record("pricing.book.change", by=by, on=locked.as_subject(), before=before, after=after)
                if not renamed_only:
                    _reprice(locked, concerned | set(locked.cluster_ids()), (None, None), at)
    except IntegrityError:
        raise errors.Conflict.one("", _("Another price book was changed at the same moment. Try again.")) from None
    return locked


def preview_csv(*, book: PriceBook, data: bytes, unit: str, at: datetime) -> Preview:
    """Say what importing the file would do. Raises `Refused` at "data", one message per bad line, or at "unit"."""
    fresh = PriceBook.objects.get(pk=book.pk)
    plan, token, begin = importing.prepare(fresh, data, unit=unit, at=at)
    return Preview(plan, importing.unpriced_after(fresh, plan, at=at), token, begin)


def import_csv(*, book: PriceBook, data: bytes, unit: str, by: Actor, at: datetime, token: str = "") -> Plan:
    """Import the file whole or not at all; returns what was done.

    `unit` is for rows that name none. `token` is that of the preview somebody agreed to; it may be left out. Raises
    `Refused` at "data" or "unit", and `Conflict` where the token is for another file or other prices.
    """
    with transaction.atomic():
        locked = PriceBook.objects.select_for_update().get(pk=book.pk)
        plan, expected, _begin = importing.prepare(locked, data, unit=unit, at=at)
        if token and not importing.same(token, expected):
            raise errors.Conflict.one("", _("The file or the prices changed since the preview. Look at it again."))
        if not plan.added:
            return plan
        locked.version += 1
        locked.save(update_fields=["version"])
        _write(locked, plan, by, at)
        audit.record(
            "pricing.book.import",
            by=by,
            on=locked.as_subject(),
            before={"version": locked.version - 1, "changed": [_said(cut.held) for cut in plan.cut[:TOLD]]},
            after={
                "version": locked.version,
                "added": len(plan.added),
                "ended": len(plan.ended),
                "replaced": len(plan.replaced),
                "unchanged": len(plan.unchanged),
                "rates": [_said(entry) for entry in plan.added[:TOLD]],
            },
        )
        _reprice(locked, locked.cluster_ids(), plan.touched() or (None, None), at)
    return plan


def erase_demo() -> None:
    """Remove the demo's books with their rates; part of removing the demo."""
    demo = PriceBook.objects.filter(is_demo=True)
    Rate.objects.filter(book__in=demo).delete()
    demo.delete()


def _write(book: PriceBook, plan: Plan, by: Actor, at: datetime) -> None:
    Rate.objects.filter(pk__in=[cut.held.id for cut in plan.replaced]).delete()
    resumed: list[Rate] = []
    for cut in plan.ended:
        (start, end), *later = cut.left
        Rate.objects.filter(pk=cut.held.id).update(period=(start, end))
        resumed += [_rate(book, cut.held, span, by, at) for span in later]
    added = [_rate(book, entry, (entry.start, entry.end), by, at) for entry in plan.added]
    Rate.objects.bulk_create([*resumed, *added], batch_size=2_000)


def _rate(book: PriceBook, what: Held | Entry, span: Span, by: Actor, at: datetime) -> Rate:
    asset, instance_type, region, capacity_class, storage_class, provider_id = what.key
    return Rate(
        book=book,
        asset=asset,
        instance_type=instance_type,
        region=region,
        capacity_class=capacity_class,
        storage_class=storage_class,
        provider_id=provider_id,
        price=what.price,
        unit=what.unit,
        period=span,
        version=book.version,
        created_by=by.label,
        created_at=at,
    )


def _said(what: Held | Entry) -> str:
    key = " ".join(part for part in what.key if part)
    upto = what.end.isoformat() if what.end else "…"
    return f"{key}: {what.price:f}/{what.unit} {what.start.isoformat()} – {upto}"


def _reprice(
    book: PriceBook, cluster_ids: Collection[UUID], span: tuple[datetime | None, datetime | None], at: datetime
) -> None:
    """Have the hours closed again that the change touches, as far as anything was measured in them."""
    start, end = span
    until = ceil_hour(at) if end is None else min(end, ceil_hour(at))
    for cluster_id, first in sorted(metering.first_measured(cluster_ids).items(), key=lambda one: str(one[0])):
        begin = floor_hour(first) if start is None else max(start, floor_hour(first))
        if begin < until:
            jobs.enqueue(
                "billing.ledger.close_hour",
                # With the version: a job that runs now may have read the prices before this change.
                key=f"{cluster_id} prices {book.pk} {book.version}",
                by=SYSTEM,
                cluster_id=str(cluster_id),
                start=begin.isoformat(),
                end=until.isoformat(),
            )


def _put_ratios(book: PriceBook, ratios: Ratios) -> None:
    faults: dict[str, list[str]] = {}
    for field, value, least in (
        ("cpu_ratio", ratios.cpu, Decimal("1E-12")),
        ("memory_ratio", ratios.memory, Decimal("1E-12")),
        ("gpu_ratio", ratios.gpu, Decimal(0)),
    ):
        if not value.is_finite() or not least <= value < Decimal("1E12") or value != round(value, 12):
            faults[field] = [_("Use a positive number with at most 12 decimal places.")]
        setattr(book, field, value)
    if faults:
        raise errors.Refused(faults)


def _demand_free(book: PriceBook, served: Collection[Cluster]) -> None:
    """Raise `Refused` where another book prices what this one would."""
    others = PriceBook.objects.exclude(pk=book.pk)
    if book.all_clusters and (other := others.filter(all_clusters=True, is_demo=book.is_demo).first()):
        raise errors.Refused.one("all_clusters", _("%s is for all clusters already.") % other.name)
    faults = []
    taken = BookCluster.objects.exclude(book=book).filter(cluster__in=served).select_related("book", "cluster")
    for one in taken:
        faults.append(_("%(cluster)s is served by %(book)s.") % {"cluster": one.cluster.name, "book": one.book.name})
    for cluster in served:
        if cluster.state == State.CANDIDATE:
            faults.append(_("%s is not attached.") % cluster.name)
        if cluster.is_demo != book.is_demo:
            faults.append(_("%s is of the demo: its prices are its own, and never a real cluster's.") % cluster.name)
    if faults:
        raise errors.Refused({"clusters": faults})


def _serve(book: PriceBook, served: Iterable[Cluster]) -> None:
    BookCluster.objects.bulk_create([BookCluster(book=book, cluster=cluster) for cluster in served])


def _image(book: PriceBook) -> dict[str, Any]:
    names = book.serves.order_by("cluster__name").values_list("cluster__name", flat=True)
    return {
        "name": book.name,
        "currency": book.currency,
        "all_clusters": book.all_clusters,
        "clusters": list(names),
        "cpu_ratio": f"{book.cpu_ratio:f}",
        "memory_ratio": f"{book.memory_ratio:f}",
        "gpu_ratio": f"{book.gpu_ratio:f}",
    }


def _free_slug(name: str) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_SLUG].strip("-")
    if not wanted:
        raise errors.Refused.one("name", _("Use at least one letter (a to z) or digit."))
    taken = set(PriceBook.objects.filter(slug__startswith=wanted[:50]).values_list("slug", flat=True))
    numbers = (f"{wanted[: LONGEST_SLUG - 6].rstrip('-')}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbers if slug not in taken)
