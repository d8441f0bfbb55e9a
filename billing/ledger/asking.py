"""What is asked of the ledger: which days, whose, and split by what. Pure: slugs are ids already."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

DAY = timedelta(days=1)
FIRST_DAY = date(1970, 1, 1)
# Hour rows of everything are read for this many days at most; of one team or project for a month.
HOUR_DAYS = 3
HOUR_DAYS_OF_ONE = 31

_TEAM, _PROJECT, _CLUSTER = (
    ("team_id", "team_slug"),
    ("project_id", "project_slug"),
    ("cluster_id", "cluster_slug", "cluster_name"),
)
# Split -> the columns that make a group, beside kind and shared mark. Hours are stored rows and make no groups.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "team": _TEAM,
    "project": (*_TEAM, *_PROJECT),
    "cluster": _CLUSTER,
    "namespace": (*_TEAM, *_PROJECT, *_CLUSTER, "namespace_uid", "namespace_name"),
    "day": ("day",),
    "kind": (),
}
HOUR = "hour"
# The words of the kind filter: those of stored rows, and workloads apart by whether a team pays for them.
WORKLOAD, SHARED, UNASSIGNED = "workload", "shared", "unassigned"
# What the drill-down opens next.
NEXT = {
    "team": "project",
    "project": "cluster",
    "cluster": "namespace",
    "namespace": "day",
    "day": HOUR,
    "kind": "cluster",
}


@dataclass(frozen=True)
class Ask:
    """Billing days [start, end), what they are narrowed to (None and "" = not), and the split."""

    start: date
    end: date
    by: str = "team"
    team: UUID | None = None
    project: UUID | None = None
    cluster: UUID | None = None
    namespace: str = ""
    kind: str = ""

    @property
    def whole_months(self) -> bool:
        """Both ends are the first day of a month."""
        return self.start.day == 1 and self.end.day == 1

    @property
    def is_narrowed(self) -> bool:
        """Only some owner, cluster or namespace is meant."""
        return bool(self.team or self.project or self.cluster or self.namespace)

    @property
    def table(self) -> str:
        """The coarsest table that answers: month, project_day, day or hour."""
        if self.by == HOUR:
            return "hour"
        if self.whole_months and self.by != "day":
            return "month"
        return "day" if self.by == "namespace" or self.namespace else "project_day"

    @property
    def too_many_hours(self) -> bool:
        """Hour rows of that many days would be millions."""
        most = HOUR_DAYS_OF_ONE if self.team or self.project else HOUR_DAYS
        return self.by == HOUR and self.end - self.start > most * DAY

    def split(self, by: str) -> "Ask":
        """The same, split by something else."""
        return replace(self, by=by)


def next_month(month: date) -> date:
    """Return the first day of the month after the one that holds the day."""
    return (month.replace(day=1) + 32 * DAY).replace(day=1)


def month_of(text: str) -> date:
    """Read `2026-08`. Raises `ValueError`."""
    return date.fromisoformat(f"{text}-01")


def days(month: str | None, start: date | None, end: date | None, today: date) -> tuple[date, date]:
    """Return [start, end) of a month and two bounds, all of which hold; without any the month of `today`.

    Raises `ValueError` for a text that is no month.
    """
    first, last = (start or FIRST_DAY), (end or today + DAY)
    if month or not (start or end):
        begins = month_of(month) if month else today.replace(day=1)
        first, last = max(first, begins), min(end or date.max, next_month(begins))
    first = max(first, FIRST_DAY)
    return first, max(first, last)


def unique(by: str) -> tuple[str, ...]:
    """Return the columns that no two groups of a split share."""
    groups = tuple(key for key in GROUPS[by] if key in ("team_id", "project_id", "cluster_id", "namespace_uid", "day"))
    return (*groups, "kind", "shared", "unassigned")


def word(row: Mapping[str, Any]) -> str:
    """Return the word of the kind filter that a row answers to, from its kind, shared mark and team."""
    if row["kind"] != WORKLOAD:
        return str(row["kind"])
    if row["shared"]:
        return SHARED
    return UNASSIGNED if row["unassigned"] else WORKLOAD
