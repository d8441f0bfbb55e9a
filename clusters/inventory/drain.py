"""Reading one kind of one cluster: a whole list where there is no position, then what changed since.

A conversation for the reactor of `clusters.kube`: it waits on no socket itself, and all kinds of a cluster are read
side by side. Rows are written as they come (`reading`); errors of the cluster are let out and judged by the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from clusters.inventory import pace
from clusters.inventory.models.sync import StreamState
from clusters.inventory.reading import Reading
from clusters.kube import conversation, errors
from clusters.kube.conversation import Conversation, Odd, Page
from clusters.kube.objects.metadata import Item

ATTEMPTS = 3
# A list whose continue token died is read again in fewer, larger pages.
HURRIED_LIMIT = 5_000
# A whole list from time to time finds what a watch may have missed.
AUDIT_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class Budget:
    """How long watches stay open, in seconds (0: lists alone), and the size of a list's pages."""

    watch_seconds: int = 1
    page_limit: int = conversation.PAGE_LIMIT


@dataclass(frozen=True)
class Report:
    """What a drain did: `listed` objects read in lists, `changed` rows written, `deleted` of them as gone."""

    kind: str
    state: str
    listed: int
    changed: int
    deleted: int


def drain(reading: Reading, budget: Budget) -> Conversation[Report]:
    """Bring one kind up to date. Raises KubeError, and `lease.LeaseLost` from a write that came too late."""
    stream = reading.stream
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if not stream.resource_version:
                yield from _snapshot(reading, budget, hurried=attempt > 1)
            if stream.resource_version and budget.watch_seconds:
                yield from _follow(reading, budget)
            if stream.resource_version and _audit_due(reading):
                yield from _snapshot(reading, budget, hurried=False)
            break
        except errors.Gone:
            stream.resource_version = ""
            if attempt == ATTEMPTS:
                raise
    return Report(reading.kind.name, stream.state, reading.listed, reading.done.written, reading.done.vanished)


def _snapshot(reading: Reading, budget: Budget, *, hurried: bool) -> Conversation[None]:
    """Read the whole list. What it does not hold is gone, after the last page and never before.

    A list that is cut, fails, or is less than half of what was there deletes nothing.
    """
    stream = reading.stream
    last_ok = stream.last_ok_at
    known = reading.known()
    total, seen, certain = len(known), 0, True
    stream.objects_live, stream.odd = total, 0
    limit = min(max(HURRIED_LIMIT, budget.page_limit) if hurried else budget.page_limit, reading.kind.page_limit)
    begun = reading.clock.now()
    token = ""
    while True:
        page = yield from conversation.page_of(reading.kind, limit=limit, continue_token=token)
        changed = _changed(page, known)
        certain &= _set_aside(page.odd, known)
        stream.odd += len(page.odd)
        seen += len(page.items) + len(page.odd)
        reading.listed += len(page.items) + len(page.odd)
        if changed:
            reading.take_items(changed)
        token = page.continue_token
        if not token:
            break
    if pace.shrunk(known=total, seen=seen) and not stream.release_asked:
        _hold_back(reading, total, seen)
        return
    stream.held_known = stream.held_seen = None
    # With an object that not even had an identity, nothing can be said about what is missing.
    reading.end_list(page.resource_version, list(known) if certain else [], last_ok=last_ok)
    _confirm(reading)
    stream.last_ok_at = begun


def _changed(page: Page, known: dict[str, str]) -> list[Item]:
    """Return the items whose version is not the known one, and take all of them out of `known`."""
    pop = known.pop
    changed = []
    for item in page.items:
        head = item.metadata
        if pop(head.uid, None) != head.resource_version:
            changed.append(item)
    return changed


def _set_aside(odd: Sequence[Odd], known: dict[str, str]) -> bool:
    """Odd objects were seen, so they are not gone. False where one of them has no identity."""
    for each in odd:
        known.pop(each.uid, None)
    return all(each.uid for each in odd)


def _hold_back(reading: Reading, known: int, seen: int) -> None:
    stream = reading.stream
    if stream.state != StreamState.HELD:
        stream.since = reading.clock.now()
    stream.state = StreamState.HELD
    stream.code = "shrunk"
    stream.text = f"The list holds {seen} objects where {known} were known. Nothing was deleted."
    stream.remedy = "Look at the cluster. If it is right, confirm the deletions."
    stream.resource_version = ""
    stream.held_known, stream.held_seen = known, seen
    stream.due_at = reading.clock.now() + pace.HELD_PAUSE


def _follow(reading: Reading, budget: Budget) -> Conversation[None]:
    """Take what changed since the position; a watch that ends by itself confirms the kind."""
    stream = reading.stream
    batch = yield from conversation.watch(reading.kind, stream.resource_version, timeout_seconds=budget.watch_seconds)
    while True:
        stream.odd += len(batch.odd)
        if batch.events:
            reading.take_events(batch.events, batch.resource_version)
        elif batch.resource_version:
            # A bookmark alone: written with all the others when the pass ends.
            stream.resource_version = batch.resource_version
        if batch.ended:
            break
        batch = yield from conversation.more()
    _confirm(reading)
    stream.last_ok_at = reading.clock.now()


def _confirm(reading: Reading) -> None:
    stream = reading.stream
    stream.state = StreamState.OK
    stream.code = stream.text = stream.remedy = ""
    stream.since = stream.due_at = None
    stream.fails = 0


def _audit_due(reading: Reading) -> bool:
    listed = reading.stream.listed_at
    return listed is not None and listed + AUDIT_AFTER <= reading.clock.now()
