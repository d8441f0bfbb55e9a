"""The formula behind each amount of a stored row, with the figures that went into it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger.models import RESOURCES, AssetHour, Kind
from billing.ledger.selectors import Behind
from billing.pricing.models import PriceBook, Rate, Unit
from portal.core import formats, parts

GIB = 2**30
MILLI = 1000
SECONDS = 3600
MONTH_HOURS = 730
LABELS: dict[str, Any] = {
    "cpu": gettext_lazy("CPU"),
    "memory": gettext_lazy("Memory"),
    "gpu": gettext_lazy("GPU"),
    "storage": gettext_lazy("Storage"),
    "units": gettext_lazy("Load balancer"),
    "fee": gettext_lazy("Fee"),
}
NODE = ("cpu", "memory", "gpu")
# Units of quantity in what a price is for.
SIZES = {"cpu": MILLI, "memory": GIB, "gpu": MILLI, "storage": GIB, "units": MILLI, "fee": MILLI}
_QUANTITY_UNITS: dict[str, Any] = {
    "cpu": gettext_lazy("millicore-seconds"),
    "memory": gettext_lazy("byte-seconds"),
    "gpu": gettext_lazy("thousandths of a GPU × seconds"),
    "storage": gettext_lazy("byte-seconds"),
    "units": gettext_lazy("thousandths of a rule × seconds"),
    "fee": gettext_lazy("thousandths × seconds"),
}


@dataclass(frozen=True)
class Line:
    """One resource of a row: its amount (None = no price) and how it came about.

    `result` is the formula worked out again from the inputs shown, None where there is none to work out.
    """

    resource: str
    label: Any
    quantity: int
    amount: Decimal | None
    explanation: parts.Explanation
    result: Decimal | None


def lines(behind: Behind) -> list[Line]:
    """Return the resources of a row that have a quantity or an amount."""
    found = []
    for resource in RESOURCES:
        quantity, amount = int(getattr(behind.row, f"{resource}_q")), getattr(behind.row, f"{resource}_amount")
        if not quantity and not amount:
            continue
        explanation, result = _explained(behind, resource, quantity)
        found.append(Line(resource, LABELS[resource], quantity, amount, explanation, result))
    return found


def _explained(behind: Behind, resource: str, quantity: int) -> tuple[parts.Explanation, Decimal | None]:
    if behind.row.kind == Kind.IDLE:
        return _idle(behind, resource, quantity)
    asset, book = behind.asset, behind.book
    whole = behind.rates.get(asset.rate_id) if asset is not None and asset.rate_id is not None else None
    if whole is not None and resource in NODE and asset is not None and book is not None:
        return _split(behind, asset, book, whole, resource, quantity)
    rate = whole if resource not in NODE else _part_rate(behind, resource)
    if rate is None:
        known = getattr(behind.row, f"{resource}_amount") is not None
        formula = _("the rate is no longer kept") if known else _("no price: unknown, not zero")
        absent = _("no longer kept") if known else _("none fits")
        inputs = [_quantity(resource, quantity), parts.Fact(_("Price"), None, absent=absent)]
        return parts.Explanation(formula, inputs, _source(behind)), None
    return _direct(behind, rate, resource, quantity)


def _part_rate(behind: Behind, resource: str) -> Rate | None:
    key = getattr(behind.asset, f"{resource}_rate_id", None) if behind.asset is not None else None
    return behind.rates.get(key) if key is not None else None


def _direct(behind: Behind, rate: Rate, resource: str, quantity: int) -> tuple[parts.Explanation, Decimal | None]:
    hours = MONTH_HOURS if rate.unit == Unit.MONTH else 1
    size = SIZES[resource]
    formula = f"round({quantity} × {formats.plain(rate.price)} ÷ ({size} × {SECONDS} × {hours}), 12)"
    result = rounded(Fraction(quantity) * Fraction(rate.price) / (size * SECONDS * hours))
    inputs = [_quantity(resource, quantity), _price(rate), _result(result)]
    return parts.Explanation(formula, inputs, _source(behind)), result


def _split(  # noqa: PLR0913 - what a formula has in it
    behind: Behind, asset: AssetHour, book: PriceBook, rate: Rate, resource: str, quantity: int
) -> tuple[parts.Explanation, Decimal | None]:
    """The price of a whole node, split by the book's ratios and by what all nodes of its price key offered."""
    hours = MONTH_HOURS if rate.unit == Unit.MONTH else 1
    weigh = {"cpu": (book.cpu_ratio, GIB), "memory": (book.memory_ratio, MILLI), "gpu": (book.gpu_ratio, GIB)}
    weight = sum(Fraction(getattr(asset, f"{one}_q")) * Fraction(ratio) * unit for one, (ratio, unit) in weigh.items())
    ratio, unit = weigh[resource]
    formula = (
        f"round({quantity} × {formats.plain(ratio)} × {unit} × {formats.plain(rate.price)} × {asset.seconds}"
        f" ÷ (W × {SECONDS} × {hours}), 12); W = "
        + " + ".join(f"{getattr(asset, f'{one}_q')} × {formats.plain(of)} × {by}" for one, (of, by) in weigh.items())
    )
    result = None
    if weight:
        top = Fraction(quantity) * Fraction(ratio) * unit * Fraction(rate.price) * asset.seconds
        result = rounded(top / (weight * SECONDS * hours))
    inputs = [
        _quantity(resource, quantity),
        _price(rate),
        parts.Fact(_("Seconds of all nodes of this kind"), formats.number(asset.seconds)),
        parts.Fact(_("W"), _("what these nodes offer, weighed by the price book's ratios")),
        _result(result),
    ]
    return parts.Explanation(formula, inputs, _source(behind)), result


def _idle(behind: Behind, resource: str, quantity: int) -> tuple[parts.Explanation, Decimal | None]:
    """What is left of the asset when its rows have taken their part."""
    own = getattr(behind.row, f"{resource}_amount")
    asset: Decimal | None = getattr(behind.asset, f"{resource}_amount", None)
    taken = None if asset is None or own is None else asset - own
    inputs = [
        _quantity(resource, quantity),
        parts.Fact(_("Cost of the nodes"), _amount(asset), absent=_("unpriced")),
        parts.Fact(_("Taken by workloads and the system"), _amount(taken), absent=_("unpriced")),
    ]
    formula = _("idle = cost of the nodes − what workloads and the system took")
    if asset is not None and taken is not None:
        formula = f"{formats.plain(asset)} − {formats.plain(taken)}"
    return parts.Explanation(formula, inputs, _source(behind)), None


def rounded(value: Fraction) -> Decimal:
    """Divide once to 30 places half up, round once to 12 half up, as the ledger does."""
    divided = (2 * value.numerator * 10**30 + value.denominator) // (2 * value.denominator)
    pico = (divided + 5 * 10**17) // 10**18
    return Decimal(pico).scaleb(-12)


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else formats.plain(value)


def _quantity(resource: str, quantity: int) -> parts.Fact:
    return parts.Fact(_("Quantity"), f"{formats.number(quantity)} {_QUANTITY_UNITS[resource]}", title=str(quantity))


def _price(rate: Rate) -> parts.Fact:
    words = f"{formats.plain(rate.price)} {Unit(rate.unit).label}"
    return parts.Fact(_("Price"), words, title=_("in force since %s") % _since(rate))


def _since(rate: Rate) -> str:
    begins: datetime = rate.period.lower  # type: ignore[assignment] # a check constraint says that it begins
    return formats.instant(begins)


def _result(value: Decimal | None) -> parts.Fact:
    return parts.Fact(_("Result"), _amount(value), mono=True)


def _source(behind: Behind) -> str:
    """Say which price book, which version, and up to when it was counted."""
    run = behind.run
    if run is None:
        return ""
    told = [_("Counted to %s.") % formats.instant(run.counted_to)]
    if behind.book is not None:
        told.append(
            _("Price book %(name)s, version %(version)s.") % {"name": behind.book.name, "version": run.price_version}
        )
        if behind.book.version != run.price_version:
            told.append(_("It has changed since; the hour will be priced anew."))
    else:
        told.append(_("No price book served the cluster."))
    return " ".join(told)
