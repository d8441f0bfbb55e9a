"""What amounts of a quota would cost in a month, from what the project paid lately (`QUOTA_MONEY`)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from billing.ledger import selectors
from billing.ledger.asking import DAY, Ask
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import periods

SPAN = timedelta(days=30)
MONTH_HOURS = 730
# Resource of a quota: column, and how many of the column's units one smallest unit of the quota is.
_COLUMNS = {
    "requests.cpu": ("cpu", 1),
    "requests.memory": ("memory", 1),
    "requests.nvidia.com/gpu": ("gpu", 1000),
    "requests.storage": ("storage", 1),
}


def of_quota(
    person: Person, project_id: UUID, amounts: Mapping[str, int], at: datetime
) -> tuple[dict[str, Decimal], str]:
    """Return by resource what these amounts would cost in a month of 730 hours, and the currency.

    The price is the mean of what the project paid for one unit and hour over the last 30 days; a resource it paid
    nothing for is left out. Empty for who sees no cost.
    """
    if person.scopes_for(Permission.COST_VIEW).none:
        return {}, ""
    today = periods.billing_day(at, selectors.zone())
    rows = selectors.narrowed(person, Ask(today - SPAN, today + DAY, by="project", project=project_id))
    names = {column for column, _units in _COLUMNS.values()}
    sums = rows.aggregate(
        **{name: Sum(f"{name}_q") for name in names},
        **{f"{name}_unpriced": Sum(f"unpriced_{name}_q") for name in names},
        **{f"{name}_paid": Sum(f"{name}_amount") for name in names},
    )
    found: dict[str, Decimal] = {}
    for resource, amount in amounts.items():
        column, units = _COLUMNS.get(resource, ("", 0))
        priced = Decimal(sums.get(column) or 0) - Decimal(sums.get(f"{column}_unpriced") or 0) if column else Decimal(0)
        if priced > 0:
            paid = Decimal(sums[f"{column}_paid"] or 0)
            found[resource] = paid / priced * amount * units * 3600 * MONTH_HOURS
    return found, selectors.currency()
