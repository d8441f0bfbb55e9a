"""How sightings of one thing become its segments. Pure: no database, no clock.

A thing's segments never overlap and stand in the order of time. What follows from a sighting:

- The first one begins the thing at its start, and an end ends it there; a thing without length leaves nothing.
- One that is older than what is known is ignored.
- A changed measure closes the open segment and opens the next when the change was seen, never before the start of
  the open one; at that very instant it replaces the measure.
- An end cuts at its instant, also what had begun after it; an end later than the known one moves it.
- A thing that was missed and is seen again has been there all along. After any other end it begins anew when it is
  seen, never earlier; what happened while the cluster was detached is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

MISSED = "missed"
DETACHED = "detached"


@dataclass(frozen=True, slots=True)
class Measure:
    """All that stays the same within a segment; units as in `models.Segment`, ids of interned rows."""

    cpu_m: int = 0
    memory_bytes: int = 0
    gpu_m: int = 0
    storage_bytes: int = 0
    units: int = 0
    reserved_cpu_m: int = 0
    reserved_memory_bytes: int = 0
    reserved_gpu_m: int = 0
    price_key: int | None = None
    owner_kind: str = ""
    owner_name: str = ""
    label_set: int | None = None
    provider_id: str = ""
    namespace_uid: str = ""
    node_name: str = ""
    node_uid: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a thing at `observed_at`; `ended_at` is None while it goes on."""

    kind: str
    uid: str
    name: str
    observed_at: datetime
    started_at: datetime
    ended_at: datetime | None
    end_flag: str
    measure: Measure


@dataclass(slots=True)
class Life:
    """One segment. `row` is the id of its stored row, None for a new one; `changed`: the row is out of date."""

    starts_at: datetime
    ends_at: datetime | None
    seen_at: datetime
    measure: Measure
    end_flag: str = ""
    namespace_name: str = ""
    row: int | None = None
    changed: bool = True


@dataclass(slots=True)
class Thing:
    """A charged thing with its segments, oldest first. `dropped` are ids of stored rows that hold no longer."""

    kind: str
    uid: str
    name: str = ""
    lives: list[Life] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def take_in(self, seen: Sighting) -> None:
        """Learn from a sighting."""
        self.name = seen.name
        if not self.lives:
            self._begin(seen, seen.started_at)
            return
        last = self.lives[-1]
        if seen.observed_at < last.seen_at:
            return
        last.seen_at, last.changed = seen.observed_at, True
        if last.end_flag == MISSED and last.ends_at is not None and not _ends_by(seen, last.ends_at):
            last.ends_at, last.end_flag = None, ""
        if seen.ended_at is not None:
            self._end(seen.ended_at, seen.end_flag)
        elif last.ends_at is not None:
            self._begin(seen, max(seen.observed_at, seen.started_at, last.ends_at))
        else:
            self._go_on(last, seen)

    def close(self, at: datetime, flag: str) -> None:
        """End what is open; a segment that had not begun by then is dropped."""
        if self.lives and self.lives[-1].ends_at is None:
            self._cut(at, flag)

    def out_of_date(self) -> Iterator[int]:
        """Yield the ids of stored rows to delete: the dropped ones, and those written anew."""
        yield from self.dropped
        yield from (life.row for life in self.lives if life.changed and life.row is not None)

    def _begin(self, seen: Sighting, starts_at: datetime) -> None:
        if seen.ended_at is None or seen.ended_at > starts_at:
            measure = _completed(seen, self.lives[-1].measure) if self.lives else seen.measure
            self.lives.append(Life(starts_at, seen.ended_at, seen.observed_at, measure, seen.end_flag))

    def _go_on(self, last: Life, seen: Sighting) -> None:
        measure = _completed(seen, last.measure)
        changed_at = max(seen.observed_at, last.starts_at)
        if _alike(measure, last.measure) or changed_at == last.starts_at:
            last.measure = measure
            return
        last.ends_at = changed_at
        self.lives.append(Life(changed_at, None, seen.observed_at, measure))

    def _end(self, at: datetime, flag: str) -> None:
        last = self.lives[-1]
        if last.ends_at is None or at < last.ends_at:
            self._cut(at, flag)
        elif at > last.ends_at and last.end_flag != DETACHED:
            last.ends_at, last.end_flag = at, flag

    def _cut(self, at: datetime, flag: str) -> None:
        seen_at = self.lives[-1].seen_at
        while self.lives and self.lives[-1].starts_at >= at:
            row = self.lives.pop().row
            if row is not None:
                self.dropped.append(row)
        if self.lives:
            last = self.lives[-1]
            last.ends_at, last.end_flag, last.seen_at, last.changed = at, flag, seen_at, True


def _ends_by(seen: Sighting, at: datetime) -> bool:
    return seen.ended_at is not None and seen.ended_at <= at


def _completed(seen: Sighting, known: Measure) -> Measure:
    """Return the seen measure with what it does not say taken from the one before.

    A pod stays on its node while the node's name is the same; a released volume stays with its last namespace.
    """
    measure = seen.measure
    if not measure.node_uid and measure.node_name == known.node_name:
        measure = replace(measure, node_uid=known.node_uid)
    if not measure.namespace_uid and seen.kind == "volume":
        measure = replace(measure, namespace_uid=known.namespace_uid)
    return measure


def _alike(one: Measure, other: Measure) -> bool:
    """Tell whether nothing changed; learning the uid of the same node is no change."""
    if one == other:
        return True
    return one.node_name == other.node_name and not other.node_uid and replace(one, node_uid="") == other
