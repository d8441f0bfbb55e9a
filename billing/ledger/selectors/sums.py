"""Sums over the stored rows of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Sum, Value
from django.db.models.fields import TextField
from django.db.models.functions import Coalesce

from billing.ledger import asking
from billing.ledger.asking import Ask
from billing.ledger.models import (
    RESOURCES,
    CostRun,
)
from billing.ledger.selectors.counted import standing
from billing.ledger.selectors.rows import MONEY, NOTHING, QUANTITY, UNPRICED, grouped, narrowed, unassigned
from billing.ledger.selectors.settled import currency, zone
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import periods


@dataclass(frozen=True)
class Cell:
    """What of one day falls to one part; `amount` None = nothing of it has a price.

    `filters` are what narrows a list of costs to the part: parameters of its address.
    """

    day: date
    name: str
    word: str
    filters: tuple[tuple[str, str], ...]
    amount: Decimal | None


# Part -> the columns that name it, each with the filter it answers to, and the column of its title.
_PARTS: Mapping[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "team": ((("team_slug", "team"),), "team_name"),
    "project": ((("project_slug", "project"),), "project_name"),
    "cluster": ((("cluster_slug", "cluster"),), "cluster_name"),
    "namespace": ((("cluster_slug", "cluster"), ("namespace_name", "namespace")), "cluster_name"),
    "kind": ((), ""),
}


def cells(person: Person, ask: Ask) -> list[Cell]:
    """Return the split by day and by what `ask.by` says (days and hours by kind), from rows of days."""
    part = ask.by if ask.by in _PARTS else "kind"
    keys, title = _PARTS[part]
    rows = narrowed(person, ask, "day" if part == "namespace" or ask.namespace else "project_day")
    groups = ("day", *(column for column, _filter in keys), "kind", "shared", "unassigned")
    bare: Any = sum((F(f"unpriced_{one}_q") for one in RESOURCES[1:]), start=F(f"unpriced_{RESOURCES[0]}_q"))
    whole: Any = sum((F(f"{one}_q") for one in RESOURCES[1:]), start=F(f"{RESOURCES[0]}_q"))
    sums = rows.annotate(unassigned=unassigned()).order_by().values(*groups)
    named = sums.annotate(
        title=Max(title) if title else Value("", output_field=TextField()),
        sum_amount=Sum("amount"),
        quantity=Sum(whole, output_field=QUANTITY),
        bare=Sum(bare, output_field=QUANTITY),
    )
    return [
        Cell(
            day=row["day"],
            name=f"{row['namespace_name']} · {row['title']}" if part == "namespace" else row["title"],
            word=asking.word(row),
            filters=tuple((name, row[column]) for column, name in keys),
            amount=None if row["bare"] and row["bare"] == row["quantity"] else row["sum_amount"],
        )
        for row in named.order_by(*groups)
    ]


def by_kind(person: Person, ask: Ask) -> list[dict[str, Any]]:
    """Return the sums of each kind under an answer's filters: what they add up to is the whole."""
    plain = ask.split("kind")
    return list(grouped(narrowed(person, plain), plain).order_by("kind", "shared", "unassigned"))


def dearest(person: Person, ask: Ask, most: int) -> list[dict[str, Any]]:
    """Return the dearest groups of an answer; those without a price first, because they are unknown."""
    rows = grouped(narrowed(person, ask), ask)
    return list(rows.order_by(F("cost").desc(nulls_first=True), *asking.unique(ask.by))[:most])


def total(person: Person, ask: Ask) -> tuple[Decimal, bool] | None:
    """Return what has a price, and whether something has none; None where there is no row."""
    rows = by_kind(person, ask)
    if not rows:
        return None
    amount = sum((row["cost"] for row in rows if row["cost"] is not None), Decimal(0))
    return amount, any(row[name] for row in rows for name in UNPRICED.values())


@dataclass(frozen=True)
class Spend:
    """A month so far beside the same length of the month before (None where nothing was counted then)."""

    amount: Decimal
    previous: Decimal | None
    currency: str
    counted_to: datetime
    unpriced: bool


def spend(person: Person, month_of: datetime, ask: Ask | None = None) -> Spend | None:
    """Return what the month that holds the instant costs so far; None without a right or before the first count.

    `ask` narrows it to something; its days are not looked at.
    """
    if person.scopes_for(Permission.COST_VIEW).none:
        return None
    here = zone()
    begins = periods.billing_day(month_of, here).replace(day=1)
    asked = _in_month(ask, begins)
    counted_to = standing(person, asked, month_of).counted_to
    found = total(person, asked)
    if counted_to is None or found is None:
        return None
    before = (begins - asking.DAY).replace(day=1)
    elapsed = counted_to - periods.day_start(begins, here)
    start = periods.day_start(before, here)
    until = min(start + elapsed, periods.day_start(begins, here))
    # A month that was counted in part only would make any change look enormous.
    comparable = CostRun.objects.filter(hour__lte=periods.floor_hour(start)).exists()
    previous = _until(person, asked, before, until) if comparable else None
    return Spend(found[0], previous, currency(), counted_to, found[1])


def _in_month(ask: Ask | None, begins: date) -> Ask:
    plain = ask or Ask(begins, begins)
    return Ask(
        begins,
        asking.next_month(begins),
        by="namespace" if plain.namespace else "cluster",
        team=plain.team,
        project=plain.project,
        cluster=plain.cluster,
        namespace=plain.namespace,
        kind=plain.kind,
    )


def _until(person: Person, ask: Ask, start: date, until: datetime) -> Decimal | None:
    """Add up whole days and, on the last day, whole hours."""
    last = periods.billing_day(until, zone())
    whole = Ask(**{**vars(ask), "start": start, "end": last, "by": "day"})
    days = narrowed(person, whole).aggregate(whole=Sum("amount"))["whole"]
    part = Ask(**{**vars(ask), "start": last, "end": last + asking.DAY, "by": asking.HOUR})
    rows = narrowed(person, part).filter(hour__lt=periods.floor_hour(until))
    known = [Coalesce(Sum(f"{one}_amount"), NOTHING, output_field=MONEY) for one in RESOURCES]
    hours = rows.aggregate(n=Count("id"), whole=sum(known[1:], start=known[0]))
    if days is None and not hours["n"]:
        return None
    return (days or Decimal(0)) + (hours["whole"] or Decimal(0))


def spend_by_project(person: Person, at: datetime) -> dict[UUID, Decimal]:
    """Return what each project the person may see costs this month; one without any price is left out."""
    begins = periods.billing_day(at, zone()).replace(day=1)
    ask = Ask(begins, asking.next_month(begins), by="project")
    rows = grouped(narrowed(person, ask).exclude(project_id=None), ask).values_list("project_id", "cost")
    found: dict[UUID, Decimal] = {}
    for project_id, cost in rows:
        if cost is not None:
            found[project_id] = found.get(project_id, Decimal(0)) + cost
    return found
