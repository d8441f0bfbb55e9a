"""Rows of what is written as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Q, QuerySet, When

from clusters.applying import selectors
from clusters.applying.models import AppliedObject, Foreign, Reason, State
from clusters.kube.objects.table import BY_NAME

# More than this is looked at by its states; what is not applied comes first.
MOST = 500
TONES: Mapping[str, str] = {
    State.APPLIED: "ok",
    State.PENDING: "running",
    State.WAITING: "unknown",
    State.DRIFTED: "attention",
    State.FAILED: "broken",
    State.REMOVING: "running",
}
REMOVABLE = frozenset({"role_binding", "quota", "limit_range", "network_policy"})


@dataclass(frozen=True)
class Line:
    """An object that is written."""

    id: str
    kind: str
    place: str
    tone: str
    word: str
    since: datetime | None
    text: str
    for_a_person: bool
    can_accept: bool


@dataclass(frozen=True)
class Finding:
    """An object that is none of ours."""

    id: str
    kind: str
    place: str
    reason: str
    since: datetime
    decision: str
    removable: bool
    ours_once: bool


@dataclass(frozen=True)
class Counts:
    """How much of what is wanted stands."""

    applied: int
    total: int


@dataclass(frozen=True)
class Shown:
    """One object as it is written."""

    name: str
    yaml: str


def lines(rows: QuerySet[AppliedObject]) -> list[Line]:
    """Return the objects, what is not applied first."""
    stands = Case(When(state=State.APPLIED, then=1), default=0)
    return [
        Line(
            id=str(row.pk),
            kind=BY_NAME[row.kind].kubernetes_kind,
            place=row.place,
            tone=TONES[row.state],
            word=str(State(row.state).label),
            since=row.since,
            text=row.text,
            for_a_person=row.for_a_person,
            can_accept=bool(row.uid),
        )
        for row in rows.order_by(stands, "namespace", "kind", "name")[:MOST]
    ]


def counts(rows: QuerySet[AppliedObject]) -> Counts:
    """Return how many of the objects are applied."""
    found = rows.aggregate(total=Count("pk"), applied=Count("pk", filter=Q(state=State.APPLIED)))
    return Counts(found["applied"], found["total"])


def findings(rows: QuerySet[Foreign]) -> list[Finding]:
    """Return what claims to be ours and is not, what is undecided first."""
    return [
        Finding(
            id=str(row.pk),
            kind=BY_NAME[row.kind].kubernetes_kind,
            place=f"{row.namespace}/{row.name}" if row.namespace else row.name,
            reason=str(Reason(row.reason).label),
            since=row.first_seen_at,
            decision=row.get_decision_display(),
            removable=row.kind in REMOVABLE,
            ours_once=row.reason in (Reason.FORMER, Reason.OTHER),
        )
        for row in rows.order_by("decision", "-first_seen_at")[:MOST]
    ]


def shown(row: AppliedObject | None) -> Shown | None:
    """Return the object as it is applied."""
    return None if row is None else Shown(str(row), selectors.yaml_of(row))
