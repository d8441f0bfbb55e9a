"""The stored rows a person may see, narrowed and grouped as asked."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django.db.models import Case, DecimalField, F, Max, Model, Q, QuerySet, Sum, Value, When
from django.db.models.fields import BooleanField, TextField
from django.db.models.functions import Cast, Coalesce, NullIf

from billing.ledger import asking
from billing.ledger.asking import Ask
from billing.ledger.models import (
    RESOURCES,
    CostDay,
    CostHour,
    CostMonth,
    CostProjectDay,
    Kind,
)
from billing.ledger.selectors.settled import bounds
from clusters.registry.models import Cluster, State
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import periods

Groups = QuerySet[Any, dict[str, Any]]

TABLES: Mapping[str, type[Model]] = {
    "month": CostMonth,
    "project_day": CostProjectDay,
    "day": CostDay,
    "hour": CostHour,
}
# Resource -> the name of its quantity, with the unit, and of its amount in lists.
QUANTITIES = {
    "cpu": "cpu_millicore_seconds",
    "memory": "memory_byte_seconds",
    "gpu": "gpu_milli_seconds",
    "storage": "storage_byte_seconds",
    "units": "load_balancer_milli_seconds",
    "fee": "fee_milli_seconds",
}
COSTS = {one: "load_balancer_cost" if one == "units" else f"{one}_cost" for one in RESOURCES}
UNPRICED = {one: f"unpriced_{name}" for one, name in QUANTITIES.items()}
QUANTITY: "DecimalField[Any, Any]" = DecimalField(max_digits=40, decimal_places=0)
MONEY: "DecimalField[Any, Any]" = DecimalField(max_digits=30, decimal_places=12)
NOTHING = Value(Decimal(0))
KINDS: Mapping[str, Q] = {
    asking.WORKLOAD: Q(kind=Kind.WORKLOAD, shared=False, team_id__isnull=False),
    asking.SHARED: Q(kind=Kind.WORKLOAD, shared=True),
    asking.UNASSIGNED: Q(kind=Kind.WORKLOAD, shared=False, team_id=None),
    **{kind.value: Q(kind=kind) for kind in Kind if kind != Kind.WORKLOAD},
}


def visible(table: type[Model], person: Person) -> QuerySet[Any]:
    """Return the rows the person may see.

    Idle, reserved, fees, shared, unassigned and unattached are nobody's: they need a right on everything. Teams and
    projects are those of the time.
    """
    rows: QuerySet[Any] = table._default_manager.all()
    scopes = person.scopes_for(Permission.COST_VIEW)
    if scopes.everything:
        return rows
    owned = Q(team_id__in=scopes.teams) | Q(project_id__in=scopes.projects)
    return rows.filter(owned, kind=Kind.WORKLOAD, shared=False)


def narrowed(person: Person, ask: Ask, table: str = "") -> QuerySet[Any]:
    """Return the stored rows behind an answer, from the coarsest table that has them unless one is named."""
    name = table or ask.table
    rows = visible(TABLES[name], person)
    column = "month" if name == "month" else "day"
    rows = rows.filter(**{f"{column}__gte": ask.start, f"{column}__lt": ask.end})
    wanted = {"team_id": ask.team, "project_id": ask.project, "cluster_id": ask.cluster}
    rows = rows.filter(**{name: key for name, key in wanted.items() if key is not None})
    if ask.namespace:
        rows = rows.filter(namespace_name=ask.namespace)
    if ask.kind:
        rows = rows.filter(KINDS[ask.kind])
    return rows if name != "hour" else _hours_bounded(rows, ask)


def _hours_bounded(rows: QuerySet[Any], ask: Ask) -> QuerySet[Any]:
    # The indexes of hour rows begin with cluster or team, and go on with the hour.
    start, end = bounds(ask)
    rows = rows.filter(hour__gte=start - periods.HOUR, hour__lt=end)
    if ask.cluster is None and ask.team is None:
        rows = rows.filter(cluster_id__in=Cluster.objects.exclude(state=State.CANDIDATE).values("pk"))
    return rows


def unassigned() -> Case:
    return Case(When(team_id=None, then=Value(True)), default=Value(False), output_field=BooleanField())


def _text(expression: Any) -> NullIf:
    return NullIf(expression, Value(""), output_field=TextField())


def grouped(rows: QuerySet[Any], ask: Ask) -> Groups:
    """Return one dict per group of `ask.by`, kind and shared mark: sums, or None where nothing has a price."""
    keys = (*asking.GROUPS[ask.by], "kind", "shared", "unassigned")
    found = rows.annotate(unassigned=unassigned()).order_by().values(*keys)
    if "team_id" in keys:
        found = found.annotate(team=_text(Max("team_name")))
    if "project_id" in keys:
        found = found.annotate(project=_text(Max("project_name")))
    sums = {QUANTITIES[one]: Sum(f"{one}_q", output_field=QUANTITY) for one in RESOURCES}
    unpriced = {UNPRICED[one]: Sum(f"unpriced_{one}_q", output_field=QUANTITY) for one in RESOURCES}
    found = found.annotate(**sums, **unpriced)
    summed = found.annotate(**_amounts({one: Sum(f"{one}_amount") for one in RESOURCES}, Sum("amount")))
    return cast(Groups, summed)


def stored_hours(rows: QuerySet[Any]) -> Groups:
    """Return hour rows under the names that groups have."""
    known = {one: Coalesce(f"{one}_amount", NOTHING, output_field=MONEY) for one in RESOURCES}
    whole: Any = sum(list(known.values())[1:], start=known[RESOURCES[0]])
    found = rows.annotate(
        unassigned=unassigned(),
        team=_text(F("team_name")),
        project=_text(F("project_name")),
        **{QUANTITIES[one]: Cast(f"{one}_q", QUANTITY) for one in RESOURCES},
        **{
            UNPRICED[one]: Case(
                When(**{f"{one}_amount": None}, then=Cast(f"{one}_q", QUANTITY)),
                default=NOTHING,
                output_field=QUANTITY,
            )
            for one in RESOURCES
        },
    )
    found = found.annotate(**_amounts(known, whole))
    columns = ("id", "hour", "starts_at", "ends_at", "day", "price_key_id", "overcommitted", "unassigned", "kind")
    names = ("team", "project", "cost", *QUANTITIES.values(), *UNPRICED.values(), *COSTS.values())
    return cast(Groups, found.values(*asking.GROUPS["namespace"], *columns, "shared", *names))


def _amounts(costs: Mapping[str, Any], whole: Any) -> dict[str, Case]:
    """Return amounts that are None where there is a quantity and none of it has a price."""
    bare = {one: Q(**{f"{UNPRICED[one]}__gt": 0, QUANTITIES[one]: F(UNPRICED[one])}) for one in RESOURCES}
    found = {COSTS[one]: _known_unless(bare[one], costs[one]) for one in RESOURCES}
    none_priced, some_bare = Q(), Q()
    for one in RESOURCES:
        none_priced &= Q(**{QUANTITIES[one]: F(UNPRICED[one])})
        some_bare |= Q(**{f"{UNPRICED[one]}__gt": 0})
    return {**found, "cost": _known_unless(none_priced & some_bare, whole)}


def _known_unless(bare: Q, amount: Any) -> Case:
    return Case(When(bare, then=Value(None)), default=amount, output_field=MONEY)
