"""What is the same for every answer: time zone, currency, and the instants of billing days."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.ledger.asking import FIRST_DAY, Ask
from portal.core import periods

# A day that begins in every time zone.
LAST_DAY = date(9999, 12, 30)


def zone() -> ZoneInfo:
    """Return the billing time zone."""
    return ZoneInfo(settings.BILLING_TIME_ZONE)


def currency() -> str:
    """Return the currency of every amount; it is fixed once an hour was closed."""
    return str(settings.CURRENCY)


def bounds(ask: Ask) -> tuple[datetime, datetime]:
    """Return the instants between which the billing days of an answer lie."""
    return begins(ask.start), begins(ask.end)


def begins(day: date) -> datetime:
    """Return the instant at which a billing day begins; days before the first or after the last are those."""
    return periods.day_start(min(max(day, FIRST_DAY), LAST_DAY), zone())
