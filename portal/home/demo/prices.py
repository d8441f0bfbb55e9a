"""The demo's price book, imported as the CSV file a person would bring."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from billing.pricing import services as pricing
from billing.pricing.models import PriceBook
from billing.pricing.sheet import HEADER
from portal.core.actors import Actor
from portal.core.periods import floor_hour
from portal.home.demo.catalogue import organisation
from portal.home.demo.catalogue.organisation import Price

# Before anything of the demo was there.
_SINCE = timedelta(days=90)


def bring(*, at: datetime, by: Actor) -> None:
    """Open the book and import the rates; what is there already stays as it is."""
    book = PriceBook.objects.filter(is_demo=True).first()
    if book is None:
        book = pricing.create_book(name=organisation.BOOK, all_clusters=True, is_demo=True, by=by, at=at)
    pricing.import_csv(book=book, data=sheet(at).encode(), unit="hour", by=by, at=at)


def sheet(at: datetime) -> str:
    """Return the CSV file for a world anchored at an instant."""
    begun = floor_hour(at - _SINCE)
    changed = floor_hour(at - timedelta(days=organisation.PRICE_CHANGE_DAYS))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for price in organisation.PRICES:
        writer.writerows(_rows(price, begun, changed))
    return text.getvalue()


def _rows(price: Price, begun: datetime, changed: datetime) -> Iterator[tuple[str, ...]]:
    if price.before:
        yield _row(price, price.before, begun, changed)
    yield _row(price, price.price, changed if price.before else begun, None)


def _row(price: Price, amount: str, start: datetime, end: datetime | None) -> tuple[str, ...]:
    key = (price.asset, price.instance_type, "", price.capacity_class, "", price.storage_class)
    until = end.isoformat() if end else ""
    return (*key, amount, price.unit, settings.CURRENCY, start.isoformat(), until)
