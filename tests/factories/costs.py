"""Ledgers without a close: stored hours written directly, and the rollups summed up from them."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from billing.ledger.models import RESOURCES, CostHour, CostRun
from billing.pricing.models import PriceBook, Rate
from clusters.projects.models import Project, Team
from clusters.projects.services import projects, teams
from clusters.registry.models import Cluster, State
from portal.core.actors import COMMAND

HOUR = timedelta(hours=1)
# A whole month, and the present of these ledgers: noon of its last day but two.
MONTH = date(2026, 8, 1)
AT = datetime(2026, 8, 29, 12, 3, 20, tzinfo=UTC)
SINCE = datetime(2026, 6, 1, tzinfo=UTC)


def a_cluster(name: str, *, attached: bool = True) -> Cluster:
    """A cluster that nobody reads."""
    state = State.ATTACHED if attached else State.DETACHED
    return Cluster.objects.create(
        name=name,
        slug=name,
        state=state,
        server="https://10.0.0.1",
        credential="sealed elsewhere" if attached else "",
        kube_system_uid=str(uuid.uuid4()),
        generation=1,
        attached_at=SINCE,
        detached_at=None if attached else AT,
    )


def a_team(name: str) -> Team:
    """A team that stands since before the ledger begins."""
    return teams.open(name=name, by=COMMAND, at=SINCE)


def a_project(name: str, team: Team) -> Project:
    """A project of the team."""
    return projects.open(name=name, team=team, by=COMMAND, at=SINCE)


@dataclass(frozen=True)
class Owner:
    """Who holds a namespace; without a project nobody does."""

    project: Project | None = None
    team: Team | None = None
    shared: bool = False


NOBODY = Owner()


@dataclass
class Row:
    """One stored hour: quantities and amounts by resource; an amount of None has no price."""

    cluster: Cluster
    hour: datetime
    namespace: str = ""
    owner: Owner = NOBODY
    kind: str = "workload"
    key: int | None = None
    start: timedelta = timedelta(0)
    end: timedelta = HOUR
    quantities: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, Decimal | None] = field(default_factory=dict)

    def stored(self) -> CostHour:
        """The row as the close would write it."""
        given: dict[str, Any] = {}
        amount: Decimal | None = Decimal(0)
        for one in RESOURCES:
            given[f"{one}_q"] = self.quantities.get(one, 0)
            part = given[f"{one}_amount"] = self.amounts.get(one, Decimal(0))
            amount = None if amount is None or part is None else amount + part
        team, project = self.owner.team, self.owner.project
        return CostHour(
            cluster=self.cluster,
            cluster_slug=self.cluster.slug,
            cluster_name=self.cluster.name,
            hour=self.hour,
            starts_at=self.hour + self.start,
            ends_at=self.hour + self.end,
            day=self.hour.date(),
            month=self.hour.date().replace(day=1),
            namespace_uid=uid(self.cluster, self.namespace) if self.namespace else "",
            namespace_name=self.namespace,
            team_id=team.pk if team else None,
            team_slug=team.slug if team else "",
            team_name=team.name if team else "",
            project_id=project.pk if project else None,
            project_slug=project.slug if project else "",
            project_name=project.name if project else "",
            kind=self.kind,
            shared=self.owner.shared or self.kind == "fee",
            price_key_id=self.key,
            amount=amount,
            **given,
        )


def uid(cluster: Cluster, namespace: str) -> str:
    """The uid of a namespace, the same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{cluster.slug}/{namespace}"))


def store(rows: list[Row]) -> None:
    """Write the rows, and the rollups anew."""
    CostHour.objects.bulk_create([row.stored() for row in rows], batch_size=2000)
    roll_up()


_SUMS = ", ".join(
    [
        *(f"sum({one}_q)" for one in RESOURCES),
        *(f"sum(coalesce({one}_amount, 0))" for one in RESOURCES),
        "sum(" + " + ".join(f"coalesce({one}_amount, 0)" for one in RESOURCES) + ")",
        *(f"sum(CASE WHEN {one}_amount IS NULL THEN {one}_q ELSE 0 END)" for one in RESOURCES),
        "count(*)",
    ]
)
_COLUMNS = ", ".join(
    [
        *(f"{one}_q" for one in RESOURCES),
        *(f"{one}_amount" for one in RESOURCES),
        "amount",
        *(f"unpriced_{one}_q" for one in RESOURCES),
        "hour_rows",
    ]
)
_OWNER = "cluster_id, team_id, project_id, kind, shared"
_NAMES = ("cluster_slug", "cluster_name", "team_slug", "team_name", "project_slug", "project_name")


def roll_up() -> None:
    """Sum the hours up, as the close's differences add up to."""
    with connection.cursor() as cursor:
        for table, keys, names in (
            ("cost_day", "day, namespace_uid", (*_NAMES, "namespace_name")),
            ("cost_project_day", "day", _NAMES),
            ("cost_month", "month, namespace_uid", (*_NAMES, "namespace_name")),
        ):
            cursor.execute(f"DELETE FROM {table}")
            latest = ", ".join(f"max({name})" for name in names)
            cursor.execute(
                f"INSERT INTO {table} ({_OWNER}, {keys}, {', '.join(names)}, {_COLUMNS}) "
                f"SELECT {_OWNER}, {keys}, {latest}, {_SUMS} FROM cost_hour GROUP BY {_OWNER}, {keys}"
            )


def runs(
    cluster: Cluster, hours: list[datetime], at: datetime = AT, *, behind: timedelta = timedelta(seconds=40)
) -> None:
    """Mark the hours as counted up to `behind` before `at`."""
    to = at - behind
    CostRun.objects.bulk_create(
        CostRun(
            cluster=cluster,
            hour=hour,
            state="final" if hour + HOUR <= to else "provisional",
            counted_to=max(hour, min(hour + HOUR, to)),
            counted_seconds=int((max(hour, min(hour + HOUR, to)) - hour).total_seconds()),
            due_seconds=int((min(hour + HOUR, at) - hour).total_seconds()),
            currency="USD",
            method="1",
            closed_at=at,
        )
        for hour in hours
    )


@dataclass
class Estate:
    """What a random ledger is about."""

    clusters: list[Cluster]
    teams: list[Team]
    projects: list[Project]
    namespaces: list[str]
    hours: list[datetime]


def estate(hours: list[datetime] | None = None) -> Estate:
    """Three clusters, of which one is detached, three teams and five projects."""
    found = [a_team(name) for name in ("Payments", "Search", "Data")]
    owned = [("Checkout", 0), ("Ledger", 0), ("Index", 1), ("Ranking", 1), ("Lake", 2)]
    return Estate(
        clusters=[a_cluster("frankfurt"), a_cluster("oslo"), a_cluster("tokyo", attached=False)],
        teams=found,
        projects=[a_project(name, found[team]) for name, team in owned],
        namespaces=["web", "api", "jobs", "db", "cache"],
        hours=hours if hours is not None else some_hours(),
    )


def some_hours() -> list[datetime]:
    """A few hours of some days of two months, and the running one."""
    days = [
        datetime(2026, month, day, tzinfo=UTC) for month, day in ((7, 30), (7, 31), (8, 1), (8, 2), (8, 3), (8, 28))
    ]
    return [day + HOUR * number for day in days for number in (0, 1, 22, 23)] + [AT.replace(minute=0, second=0)]


def some_rows(dice: random.Random, about: Estate) -> list[Row]:
    """Random rows of every kind: some without a price, some with one for a part, some of two owners in one hour."""
    found = []
    for cluster in about.clusters:
        for hour in about.hours:
            for number, name in enumerate(about.namespaces):
                project = about.projects[(number + len(cluster.name)) % len(about.projects)]
                owner = Owner(project, Team.objects.get(tenures__project=project))
                if dice.random() < 0.15:
                    cut = timedelta(minutes=dice.randrange(1, 59))
                    found.append(_workload(dice, cluster, hour, name, NOBODY, (timedelta(0), cut)))
                    found.append(_workload(dice, cluster, hour, name, owner, (cut, HOUR)))
                else:
                    found.append(_workload(dice, cluster, hour, name, owner, (timedelta(0), HOUR)))
            found.append(_workload(dice, cluster, hour, "kube-system", Owner(shared=True), (timedelta(0), HOUR)))
            found += [_other(dice, cluster, hour, kind) for kind in ("idle", "reserved", "fee", "unattached")]
    return found


def _workload(
    dice: random.Random, cluster: Cluster, hour: datetime, name: str, owner: Owner, span: tuple[timedelta, timedelta]
) -> Row:
    row = Row(cluster, hour, name, owner, key=1, start=span[0], end=span[1])
    for one in ("cpu", "memory", "gpu", "storage"):
        _fill(dice, row, one, chance=0.8)
    return row


def _other(dice: random.Random, cluster: Cluster, hour: datetime, kind: str) -> Row:
    row = Row(cluster, hour, kind=kind, key=2)
    for one in {"fee": ("fee",), "unattached": ("storage",)}.get(kind, ("cpu", "memory")):
        _fill(dice, row, one, chance=1)
    return row


def _fill(dice: random.Random, row: Row, one: str, *, chance: float) -> None:
    if dice.random() > chance:
        return
    row.quantities[one] = dice.randrange(1, 10**12)
    row.amounts[one] = None if dice.random() < 0.1 else Decimal(dice.randrange(1, 10**15)).scaleb(-12)


def a_rate(asset: str, price: str, since: datetime, *, unit: str = "hour", book: PriceBook | None = None) -> Rate:
    """A rate that fits every key of its asset, in the book for all clusters."""
    of = book or PriceBook.objects.filter(all_clusters=True).first()
    if of is None:
        of = PriceBook.objects.create(slug="list", name="List prices", currency="USD", all_clusters=True)
    return Rate.objects.create(
        book=of,
        asset=asset,
        price=Decimal(price),
        unit=unit,
        period=DateTimeTZRange(since, None),
        version=of.version,
        created_by="tests",
    )
