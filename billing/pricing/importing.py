"""From a file to rates: one reading for preview and import, so that the one shows what the other does."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from billing.pricing import revising, selectors, sheet
from billing.pricing.matching import Dated
from billing.pricing.models import KEY_FIELDS, PriceBook, Rate
from billing.pricing.revising import Held, Plan
from billing.pricing.selectors import Unpriced
from portal.core import errors

FIELD = "data"


@dataclass(frozen=True)
class Preview:
    """What an import would do. `token` stands for exactly this file, book, unit and state of the prices."""

    plan: Plan
    unpriced: list[Unpriced]
    token: str
    begin: datetime


def prepare(book: PriceBook, data: bytes, *, unit: str, at: datetime) -> tuple[Plan, str, datetime]:
    """Return the plan, its token, and what an empty `from` means. Raises `Refused` at "unit" or "data"."""
    if unit not in ("", *sheet.UNITS):
        raise errors.Refused.one("unit", _("Choose hour or month."))
    begin = selectors.open_month(at)
    terms = sheet.Terms(unit=unit, currency=book.currency, begin=begin, zone=selectors.zone())
    try:
        entries = sheet.read(data, terms)
    except sheet.Bad as bad:
        raise errors.Refused({FIELD: bad.faults}) from None
    return revising.plan(held(book), entries), _token(book, data, unit, begin), begin


def same(token: str, expected: str) -> bool:
    """Compare tokens."""
    return constant_time_compare(token, expected)


def held(book: PriceBook) -> list[Held]:
    """Return the rates of a book for comparison."""
    return [
        Held(number, (*key,), price, unit, period.lower, period.upper)
        for number, price, unit, period, *key in Rate.objects.filter(book=book).values_list(
            "id", "price", "unit", "period", *KEY_FIELDS
        )
    ]


def unpriced_after(book: PriceBook, plan: Plan, *, at: datetime) -> list[Unpriced]:
    """Return what of the open month would still have no price in the clusters of the book."""
    cut = {one.held.id: one.left for one in plan.cut}
    known = [
        _dated(rate.key, start, end)
        for rate in held(book)
        for start, end in cut.get(rate.id, ((rate.start, rate.end),))
    ]
    known += [_dated(entry.key, entry.start, entry.end) for entry in plan.added]
    prices: dict[UUID, list[Dated]] = dict.fromkeys(book.cluster_ids(), known)
    return selectors.unpriced_by(prices, start=selectors.open_month(at), at=at)


def _dated(key: sheet.Key, start: datetime, end: datetime | None) -> Dated:
    return Dated(**dict(zip(KEY_FIELDS, key, strict=True)), start=start, end=end)


def _token(book: PriceBook, data: bytes, unit: str, begin: datetime) -> str:
    content = hashlib.sha256(sheet.normal(data)).hexdigest()
    parts = (str(book.pk), str(book.version), unit, begin.isoformat(), content)
    return salted_hmac("billing.pricing.import", " ".join(parts), algorithm="sha256").hexdigest()
