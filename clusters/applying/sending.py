"""Carrying out steps: the conversations with one cluster, at most four side by side.

No GET before a write: the first write of an object is an apply that only makes (`NEW`), every later one carries the uid
of the life that was written. An object that is there already is looked at by a dry run that wants nothing of it: so no
right to read is needed.
"""

import enum
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from clusters.applying import answers, marks
from clusters.applying.difference import Step, Verb
from clusters.applying.leases import Grip
from clusters.kube import errors, reactor, writing, writing_errors
from clusters.kube.connection import Connection
from clusters.kube.conversation import Conversation
from clusters.kube.objects.table import BY_NAME, Kind
from clusters.kube.writing import Precondition, Target, Written

LANES = 4
DEADLINE = 60.0
# A version that no object has: the server makes what is absent and refuses what is there.
NEW = Precondition(resource_version="1")


class End(enum.StrEnum):
    """How a step ended where the cluster took it."""

    WRITTEN = "written"
    GONE = "gone"


@dataclass(frozen=True)
class Taken:
    """The object has its name from somebody else; `mark` is what it says about its writer."""

    uid: str
    mark: str


@dataclass(frozen=True)
class Answered:
    """A step and what came of it: exactly one of `end`, `error` and `taken`."""

    step: Step
    row_id: UUID
    end: End | None = None
    uid: str = ""
    version: str = ""
    created: bool = False
    error: errors.KubeError | None = None
    taken: Taken | None = None


@dataclass
class Sending:
    """One pass of requests to one cluster. `keep` is called with answers as they come and may raise."""

    connection: Connection
    grip: Grip
    installation: UUID
    keep: Callable[[list[Answered]], None]
    allow_loopback: bool
    batch: int = 50
    answered: list[Answered] = field(default_factory=list)
    away: errors.KubeError | None = None
    requests: int = 0
    left: int = 0

    def run(self, steps: list[tuple[Step, UUID]]) -> None:
        """Take the steps, one group of the same stage after the other; stops where the cluster is away."""
        groups: dict[tuple[bool, int], list[tuple[Step, UUID]]] = {}
        for step, row_id in steps:
            groups.setdefault(_group(step), []).append((step, row_id))
        for group in groups.values():
            waiting = deque(group)
            if self.away is None and self.grip.may_send():
                lanes = {number: self._lane(waiting) for number in range(min(LANES, len(group)))}
                outcomes = reactor.run(self.connection, lanes, deadline=DEADLINE, allow_loopback=self.allow_loopback)
                for outcome in outcomes.values():
                    self.requests += outcome.requests
                    self._judge(outcome.error)
                self._flush()
            self.left += len(waiting)

    def _judge(self, error: Exception | None) -> None:
        if isinstance(error, errors.KubeError):
            self.away = self.away or error
        elif error is not None:
            raise error

    def _lane(self, waiting: "deque[tuple[Step, UUID]]") -> Conversation[None]:
        while waiting and self.away is None and self.grip.may_send():
            step, row_id = waiting.popleft()
            try:
                answered = yield from self._one(step, row_id)
            except errors.KubeError as error:
                answered = Answered(step, row_id, error=error)
                if isinstance(error, answers.AWAY):
                    # What is open stays as it was written before: another pass looks.
                    self.away = self.away or error
            self.answered.append(answered)
            if len(self.answered) >= self.batch:
                self._flush()

    def _flush(self) -> None:
        if self.answered:
            taken, self.answered = self.answered, []
            self.keep(taken)

    def _one(self, step: Step, row_id: UUID) -> Conversation[Answered]:
        kind = BY_NAME[step.key[0]]
        target = Target.of(kind, step.key[2], namespace=step.key[1])
        manager = marks.manager(self.installation)
        if step.verb is Verb.REMOVE:
            return (yield from _remove(step, row_id, target, kind, manager))
        desired = step.desired
        if desired is None:
            raise ValueError(f"{step.verb} of {step.key} says nothing to write")
        body = whole(kind, desired.body, marks.Mark(self.installation, row_id))
        uid = uid_of(step)
        only_if = Precondition(uid, desired.version) if uid else NEW
        try:
            written = yield from writing.apply(target, body, manager=manager, force=desired.forced, only_if=only_if)
        except writing_errors.Stale:
            if uid:
                raise
            found = yield from look(target, kind, manager)
            if found.mark != str(marks.Mark(self.installation, row_id)):
                return Answered(step, row_id, taken=found)
            # The answer to an earlier attempt was lost: nobody can know a row's id but who was told of it.
            written = yield from writing.apply(
                target, body, manager=manager, force=desired.forced, only_if=Precondition(found.uid)
            )
        return _written(step, row_id, written)


def uid_of(step: Step) -> str:
    """Return the life that is written to, "" where there is none yet."""
    if step.desired is not None and step.key[0] == "namespace" and step.desired.namespace_uid:
        return step.desired.namespace_uid
    return step.row.uid if step.row is not None else ""


def whole(kind: Kind, body: Mapping[str, Any], mark: marks.Mark) -> dict[str, Any]:
    """Return the body as it is applied: with apiVersion, kind and mark."""
    metadata = dict(body.get("metadata", {}))
    metadata["labels"] = {**metadata.get("labels", {}), marks.LABEL: str(mark)}
    return {**typed(kind), **body, "metadata": metadata}


def typed(kind: Kind) -> dict[str, str]:
    """Return apiVersion and kind."""
    version = kind.path.split("/")[-2]
    return {"apiVersion": f"{kind.group}/{version}" if kind.group else version, "kind": kind.kubernetes_kind}


def look(target: Target, kind: Kind, manager: str) -> Conversation[Taken]:
    """See whose an object is, by a change of nothing that is not stored. Needs no right but to patch."""
    found = yield from writing.apply(target, typed(kind), manager=f"{manager}-look", dry_run=True)
    return Taken(found.uid, (found.body["metadata"].get("labels") or {}).get(marks.LABEL, ""))


def _remove(step: Step, row_id: UUID, target: Target, kind: Kind, manager: str) -> Conversation[Answered]:
    """Take away what was written: an object of ours whole, of a namespace only the labels."""
    uid = step.row.uid if step.row is not None else ""
    try:
        if kind.name == "namespace":
            yield from writing.apply(target, typed(kind), manager=manager, only_if=Precondition(uid))
        else:
            yield from writing.delete(target, only_if=Precondition(uid))
    except (writing_errors.Missing, writing_errors.Stale):
        # It is gone, or another one has its name: nothing of ours is left.
        pass
    return Answered(step, row_id, end=End.GONE)


def _written(step: Step, row_id: UUID, written: Written) -> Answered:
    return Answered(
        step, row_id, end=End.WRITTEN, uid=written.uid, version=written.resource_version, created=written.created
    )


def _group(step: Step) -> tuple[bool, int]:
    if step.desired is not None:
        return True, int(step.desired.order)
    return False, -(step.row.stage if step.row is not None else 0)
