"""One stored row, and what its amount was made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from billing.ledger.models import (
    AssetHour,
    CostHour,
    CostRun,
    Kind,
    PodHour,
)
from billing.ledger.selectors.rows import visible
from billing.metering.models import PriceKey
from billing.pricing.models import PriceBook, Rate
from portal.access.scopes import Person
from portal.core import periods


@dataclass(frozen=True)
class Behind:
    """A stored row and all that went into its amount. `asset` and `rates` are missing where nothing fits."""

    row: CostHour
    run: CostRun | None
    key: PriceKey | None
    asset: AssetHour | None
    rates: Mapping[int, Rate]
    book: PriceBook | None
    pods: tuple[PodHour, ...]
    pod_count: int


MOST_PODS = 50


def behind(person: Person, *, slug: str, start: datetime, kind: str, namespace: str, key: int | None) -> Behind | None:
    """Return the stored row that begins there, with what it was made of; None where the person sees none.

    A close replaces rows, so they are named by what they are about, not by their id.
    """
    named = {"cluster__slug": slug, "starts_at": start, "kind": kind, "namespace_uid": namespace}
    hour = periods.floor_hour(start)
    priced = Q(price_key_id=key) if key is not None else Q(price_key_id__isnull=True)
    row = visible(CostHour, person).filter(priced, **named, hour=hour).select_related("cluster").first()
    if row is None:
        return None
    run = CostRun.objects.filter(cluster_id=row.cluster_id, hour=row.hour).first()
    assets = AssetHour.objects.filter(priced, cluster_id=row.cluster_id, hour=row.hour)
    asset = assets.filter(starts_at__lte=row.starts_at, ends_at__gt=row.starts_at).first()
    ids = [asset.rate_id, asset.cpu_rate_id, asset.memory_rate_id, asset.gpu_rate_id] if asset else []
    pods = PodHour.objects.filter(
        priced,
        cluster_id=row.cluster_id,
        hour=row.hour,
        namespace_uid=row.namespace_uid,
        starts_at__gte=row.starts_at,
        starts_at__lt=row.ends_at,
    )
    pods = pods if row.kind == Kind.WORKLOAD else pods.none()
    return Behind(
        row=row,
        run=run,
        key=PriceKey.objects.filter(pk=key).first() if key else None,
        asset=asset,
        rates=Rate.objects.in_bulk([one for one in ids if one is not None]),
        book=PriceBook.objects.filter(pk=run.price_book_id).first() if run and run.price_book_id else None,
        pods=tuple(pods.order_by(F("amount").desc(nulls_last=True), "name", "id")[:MOST_PODS]),
        pod_count=pods.count(),
    )
