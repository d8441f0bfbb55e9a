"""Files of prices."""

from datetime import UTC, datetime

from billing.pricing import services
from billing.pricing.models import PriceBook, Rate
from billing.pricing.revising import Plan
from billing.pricing.sheet import HEADER
from portal.core.actors import COMMAND

NOW = datetime(2026, 9, 16, 9, 30, tzinfo=UTC)
MONTH = datetime(2026, 9, 1, tzinfo=UTC)
HEAD = ",".join(HEADER)
NODE = "node,m5.xlarge,eu,on_demand,,,0.192,hour,USD,2026-09-01T00:00Z,"


def file(*rows: str) -> bytes:
    """Return a file with the header and these rows."""
    return ("\n".join([HEAD, *rows]) + "\n").encode()


def book(name: str = "List", **values: object) -> PriceBook:
    """Open a price book for all clusters."""
    given = {"all_clusters": True, "by": COMMAND, "at": NOW, **values}
    return services.create_book(name=name, **given)  # type: ignore[arg-type]


def put(into: PriceBook, *rows: str, at: datetime = NOW, unit: str = "") -> Plan:
    """Import rows."""
    return services.import_csv(book=into, data=file(*rows), unit=unit, by=COMMAND, at=at)


def held(of: PriceBook) -> list[tuple[object, ...]]:
    """Return the rates of a book as (asset, instance type, price, unit, from, to)."""
    rates = Rate.objects.filter(book=of).order_by("asset", "instance_type", "period")
    return [
        (
            rate.asset,
            rate.instance_type,
            str(rate.price.normalize()),
            rate.unit,
            _short(rate.period.lower),
            _short(rate.period.upper),
        )
        for rate in rates
    ]


def _short(instant: datetime | None) -> str:
    return instant.astimezone(UTC).strftime("%m-%d %H") if instant else ""
